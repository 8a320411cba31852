"""The tensors in weights files, by name, in and out.

Three formats are read: PyTorch's zip archives, its older pickles, and safetensors. Pickles are read with
`weights_only`, so that no code in them runs.
"""

from __future__ import annotations

import json
import pickle
import warnings
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save
from torch import Tensor

from animeinterp.configs.errors import WeightsError
from animeinterp.configs.files import replace_file
from animeinterp.configs.names import utf8_path
from animeinterp.configs.weights_header import HEADER
from animeinterp.models.weights.files import (
    ANY_FILE,
    VERSION,
    Wanted,
    check_file,
    damaged,
    format_of,
    read_header,
    unreadable,
)

ZIP_MAGIC = b"PK\x03\x04"


def read_state(path: Path, wanted: Wanted = ANY_FILE) -> dict[str, Tensor]:
    """The tensors of a weights file by name, without the prefix `module.`.

    Raises
    ------
    WeightsError
        No readable file, a damaged one, or one with something else in it than names and float tensors.
    """
    check_file(path, wanted)
    content = _read_safetensors(path, wanted) if format_of(path) == "safetensors" else _unpickle(path, wanted)
    state = content.get("model_state_dict", content) if isinstance(content, dict) else content
    if not isinstance(state, dict) or not state:
        raise WeightsError(f"{path}: holds {_kind(state)}, expected {wanted.file}. {wanted.advice}")
    for name, value in state.items():
        if not isinstance(name, str) or not _is_dense_float(value):
            raise WeightsError(
                f"{path}: entry {name!r} is {_kind(value)}, expected names and float tensors as in "
                f"{wanted.file}. {wanted.advice}"
            )
    wrapped = all(name.startswith("module.") for name in state)
    return {name.removeprefix("module.") if wrapped else name: value for name, value in state.items()}


def write_tensors(path: Path, tensors: Mapping[str, Tensor], header: Mapping[str, Any]) -> None:
    """Write a safetensors file, which appears whole or not at all, with a header for `read_header`.

    Raises
    ------
    WeightsError
        The file cannot be written.
    """
    text = json.dumps({"version": VERSION, **header})
    try:
        replace_file(path, save(dict(tensors), metadata={HEADER: text}), flush=True)
    except OSError as error:
        raise WeightsError(f"{path}: cannot be written ({error})") from None


def _read_safetensors(path: Path, wanted: Wanted) -> dict[str, Any]:
    read_header(path)
    try:
        with utf8_path(path) as readable, safe_open(readable, framework="pt") as file:
            return {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 - no mapping
    except (SafetensorError, OSError, ValueError, RuntimeError) as error:
        raise damaged(path, error, wanted) from None


def _unpickle(path: Path, wanted: Wanted) -> object:
    try:
        with warnings.catch_warnings(), path.open("rb") as file, utf8_path(path) as readable:
            # Hints for programmers about formats; what matters is checked here.
            warnings.simplefilter("ignore")
            mapped = file.read(len(ZIP_MAGIC)) == ZIP_MAGIC  # older files cannot be mapped
            return torch.load(readable, map_location="cpu", weights_only=True, mmap=mapped)
    except OSError as error:
        raise unreadable(path, error) from None
    # Damaged files raise nearly anything: of some thousand made for a test, a dozen types from KeyError to
    # AssertionError.
    except Exception as error:  # noqa: BLE001
        if isinstance(error, pickle.UnpicklingError) and "GLOBAL" in str(error):
            raise WeightsError(
                f"{path}: refused, because it asks for program code besides tensors; expected {wanted.file}, "
                f"as a state dict. {wanted.advice}"
            ) from None
        raise damaged(path, error, wanted) from None


def _is_dense_float(value: object) -> bool:
    return (
        isinstance(value, Tensor)
        and value.layout == torch.strided
        and value.device.type == "cpu"
        and value.is_floating_point()
    )


def _kind(value: object) -> str:
    if isinstance(value, Tensor):
        return f"a {value.layout} tensor of {value.dtype}"
    return "an empty dict" if value == {} else f"a {type(value).__name__}"
