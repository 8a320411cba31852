"""Weights files as they lie on disk: which format a file has, and the tensors in it by name, in and out.

Three formats are read, told apart by their first bytes: PyTorch's zip archives, its older pickles, and
safetensors. Pickles are read with `weights_only`, so that no code in them runs. Files of the third kind that
were written here say in their header which variant they hold.
"""

from __future__ import annotations

import json
import pickle
import warnings
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal, NamedTuple, get_args

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save
from torch import Tensor

from configs.errors import WeightsError
from configs.files import replace_file, sha256_of
from configs.names import utf8_path
from configs.weights_header import HEADER
from models.weights.records import VariantName, record_of

Format = Literal["safetensors", "PyTorch"]
ZIP_MAGIC = b"PK\x03\x04"
VERSION = 1
"""Of the header."""


class Wanted(NamedTuple):
    """What a reader says when it gets something else."""

    file: str
    """The file it expects."""
    advice: str
    """What to do."""


ANY_FILE = Wanted("a weights file", "Check the path.")


def file_digest(path: Path) -> str:
    """SHA-256 of a file, in hexadecimal.

    Raises
    ------
    WeightsError
        The file is absent or cannot be read.
    """
    check_file(path, ANY_FILE)
    try:
        return sha256_of(path)
    except OSError as error:
        raise _unreadable(path, error) from None


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


def stated_variant(path: Path, digest: str | None = None) -> VariantName | None:
    """The variant that a file is known to hold: by its own header, or by its digest. None = not known.

    Raises
    ------
    WeightsError
        No readable file, or a header of a later version or with an unknown variant.
    """
    header = read_header(path)
    if header:
        name = header.get("variant", "")
        if name and name not in get_args(VariantName):
            raise WeightsError(
                f"{path}: is of variant {name!r}, expected {' or '.join(get_args(VariantName))}; "
                "it was written by a later version of animeinterp, or changed"
            )
        return name or None
    record = record_of(digest or file_digest(path))
    return None if record is None else record.variant


def read_header(path: Path) -> Mapping[str, Any]:
    """The metadata of a file written here; empty for all others.

    Raises
    ------
    WeightsError
        No readable file, or a header of a later version.
    """
    check_file(path, ANY_FILE)
    if format_of(path) != "safetensors":
        return {}
    try:
        with utf8_path(path) as readable, safe_open(readable, framework="pt") as file:
            text = (file.metadata() or {}).get(HEADER, "{}")
        header: dict[str, Any] = dict(json.loads(text))
    except (SafetensorError, OSError, ValueError, TypeError) as error:
        raise _damaged(path, error, ANY_FILE) from None
    if header and header.get("version") != VERSION:
        raise WeightsError(
            f"{path}: has a header of version {header.get('version')!r}, expected {VERSION}; "
            "update animeinterp, or convert the file anew"
        )
    return header


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


def format_of(path: Path) -> Format:
    """Format of a file by its first bytes; anything but safetensors is left to PyTorch."""
    try:
        with path.open("rb") as file:
            start = file.read(9)
    except OSError as error:
        raise _unreadable(path, error) from None
    length = int.from_bytes(start[:8], "little")  # of the header, which is JSON
    return "safetensors" if start[8:] == b"{" and 0 < length < path.stat().st_size else "PyTorch"


def check_file(path: Path, wanted: Wanted) -> None:
    """Refuse missing and empty files."""
    if path.is_dir():
        raise WeightsError(f"{path}: is a folder, expected {wanted.file}. {wanted.advice}")
    if not path.is_file():
        raise WeightsError(f"{path}: not found, expected {wanted.file}. {wanted.advice}")
    if path.stat().st_size == 0:
        raise WeightsError(f"{path}: is empty, expected {wanted.file}. {wanted.advice}")


def _read_safetensors(path: Path, wanted: Wanted) -> dict[str, Any]:
    read_header(path)
    try:
        with utf8_path(path) as readable, safe_open(readable, framework="pt") as file:
            return {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 - no mapping
    except (SafetensorError, OSError, ValueError, RuntimeError) as error:
        raise _damaged(path, error, wanted) from None


def _unpickle(path: Path, wanted: Wanted) -> object:
    try:
        with warnings.catch_warnings(), path.open("rb") as file, utf8_path(path) as readable:
            # Hints for programmers about formats; what matters is checked here.
            warnings.simplefilter("ignore")
            mapped = file.read(len(ZIP_MAGIC)) == ZIP_MAGIC  # older files cannot be mapped
            return torch.load(readable, map_location="cpu", weights_only=True, mmap=mapped)
    except OSError as error:
        raise _unreadable(path, error) from None
    # Damaged files raise nearly anything: of some thousand made for a test, a dozen types from KeyError to
    # AssertionError.
    except Exception as error:  # noqa: BLE001
        if isinstance(error, pickle.UnpicklingError) and "GLOBAL" in str(error):
            raise WeightsError(
                f"{path}: refused, because it asks for program code besides tensors; expected {wanted.file}, "
                f"as a state dict. {wanted.advice}"
            ) from None
        raise _damaged(path, error, wanted) from None


def _unreadable(path: Path, error: OSError) -> WeightsError:
    return WeightsError(f"{path}: cannot be read ({error.strerror or error})")


def _damaged(path: Path, error: Exception, wanted: Wanted) -> WeightsError:
    return WeightsError(
        f"{path}: not a PyTorch weights file, or damaged ({type(error).__name__}); expected "
        f"{wanted.file}. Check its size and digest, or download it again. {wanted.advice}"
    )


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
