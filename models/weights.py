"""Reading weights files: which layouts are known, and what is said when a file has another one.

Two kinds of file are known. VGG-19 as torchvision distributes it: the 16 convolutions as `features.N.*` and,
all or none, the classifier. And AnimeInterp's released checkpoint: a dict whose `model_state_dict` holds
`flownet.*` (the RFR), `feat_ext.*` and `synnet.*` (the synthesis network), each name after `module.`, or one
of these halves alone. `model_state_dict` and `module.` may be absent.

Files are unpickled with `weights_only`, so that no code in them runs; names and shapes must be those of the
layout, all of them and nothing else.
"""

from __future__ import annotations

import hashlib
import pickle
import warnings
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Literal, NamedTuple, TypeVar

import torch
from torch import Tensor, nn

from configs.errors import WeightsError
from models.rfr import RFR
from models.synthesis_network import SynthesisNetwork
from models.vgg19 import VGG19, convolution_shapes

Shapes = Mapping[str, tuple[int, ...]]
Network = TypeVar("Network", bound=nn.Module)

# The fully connected layers, which nothing here uses; Simonyan & Zisserman 2015, table 1 (arXiv:1409.1556).
CLASSIFIER_SHAPES: Shapes = {
    "classifier.0.weight": (4096, 512 * 7 * 7),
    "classifier.0.bias": (4096,),
    "classifier.3.weight": (4096, 4096),
    "classifier.3.bias": (4096,),
    "classifier.6.weight": (1000, 4096),
    "classifier.6.bias": (1000,),
}
RFR_PREFIX = "flownet."
ZIP_MAGIC = b"PK\x03\x04"
NAMES_SHOWN = 3


class Wanted(NamedTuple):
    """What a loader says when it gets something else."""

    file: str
    """The file it expects."""
    advice: str
    """What to do."""


VGG19_FILE = Wanted(
    "torchvision's VGG-19 (such as vgg19-dcbb9e9d.pth)",
    "Set features.weights to such a file, or leave it empty for the seeded random network.",
)
RFR_FILE = Wanted(
    "AnimeInterp's checkpoint (anime_interp_full.ckpt) or its flownet part",
    "Set refinement.weights to such a file, or refinement.method = 'none'.",
)
SYNTHESIS_FILE = Wanted(
    "AnimeInterp's checkpoint (anime_interp_full.ckpt) or its feat_ext and synnet parts",
    "Set synthesis.weights to such a file, or synthesis.method = 'blend'.",
)
ANY_FILE = Wanted("a weights file", "Check the path.")


def file_digest(path: Path) -> str:
    """SHA-256 of a file, in hexadecimal.

    Raises
    ------
    WeightsError
        The file is absent or cannot be read.
    """
    _check_file(path, ANY_FILE)
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        raise WeightsError(f"{path}: cannot be read ({error.strerror or error})") from None


def load_vgg19(path: Path, layers: Sequence[str]) -> VGG19:
    """VGG-19 up to the deepest of `layers`, with weights in torchvision's layout.

    Parameters
    ----------
    path
        File with all 16 convolutions, with or without the classifier.
    layers
        As for `VGG19`.

    Returns
    -------
    VGG19
        On the CPU, in eval mode, gradients off.

    Raises
    ------
    WeightsError
        No readable weights file, or one of another layout.
    ValueError
        No layer, or an unknown one.
    """
    network = _on_meta(lambda: VGG19(layers))
    state = _read(path, VGG19_FILE)
    shapes = convolution_shapes()
    if any(name.startswith("classifier.") for name in state):
        shapes = {**shapes, **CLASSIFIER_SHAPES}
    _check_layout(path, state, shapes, VGG19_FILE)
    return _fill(path, network, {name: state[name] for name in network.state_dict()}, VGG19_FILE)


def load_rfr(
    path: Path,
    *,
    confidence_mask: bool = True,
    initial_flow_additions: Literal[1, 2] = 1,
    iterations: int = 12,
) -> RFR:
    """The flow refinement network with its weights.

    Parameters
    ----------
    path
        A whole checkpoint, or one of the RFR alone, with or without the prefix `flownet.`.
    confidence_mask, initial_flow_additions, iterations
        As for `RFR`.

    Returns
    -------
    RFR
        On the CPU, in eval mode, gradients off.

    Raises
    ------
    WeightsError
        No readable weights file, or one of another layout.
    ValueError
        A setting out of range.
    """
    network = _on_meta(
        lambda: RFR(
            confidence_mask=confidence_mask,
            initial_flow_additions=initial_flow_additions,
            iterations=iterations,
        )
    )
    state = _read(path, RFR_FILE)
    synthesis = _shapes(_on_meta(SynthesisNetwork))
    prefix = RFR_PREFIX if _holds_part_of(state, {RFR_PREFIX: (), **synthesis}) else ""
    shapes = {prefix + name: shape for name, shape in _shapes(network).items()}
    if _holds_part_of(state, synthesis):
        shapes = {**shapes, **synthesis}
    _check_layout(path, state, shapes, RFR_FILE)
    own = {name: state[prefix + name] for name in network.state_dict()}
    return _fill(path, network, own, RFR_FILE)


def load_synthesis(path: Path) -> SynthesisNetwork:
    """The synthesis network with its weights.

    Parameters
    ----------
    path
        A whole checkpoint, or one with feature extractor and GridNet alone.

    Returns
    -------
    SynthesisNetwork
        On the CPU, in eval mode, gradients off.

    Raises
    ------
    WeightsError
        No readable weights file, or one of another layout.
    """
    network = _on_meta(SynthesisNetwork)
    state = _read(path, SYNTHESIS_FILE)
    shapes = _shapes(network)
    rfr = {RFR_PREFIX + name: shape for name, shape in _shapes(_on_meta(RFR)).items()}
    if _holds_part_of(state, rfr):
        shapes = {**shapes, **rfr}
    _check_layout(path, state, shapes, SYNTHESIS_FILE)
    return _fill(path, network, {name: state[name] for name in network.state_dict()}, SYNTHESIS_FILE)


def _read(path: Path, wanted: Wanted) -> dict[str, Tensor]:
    """The tensors of a file by name, without the prefix `module.`."""
    _check_file(path, wanted)
    content = _unpickle(path, wanted)
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


def _unpickle(path: Path, wanted: Wanted) -> object:
    try:
        with warnings.catch_warnings(), path.open("rb") as file:
            warnings.simplefilter(
                "ignore"
            )  # hints for programmers about formats; what matters is checked here
            mapped = file.read(len(ZIP_MAGIC)) == ZIP_MAGIC  # older files cannot be mapped
            return torch.load(path, map_location="cpu", weights_only=True, mmap=mapped)
    except OSError as error:
        raise WeightsError(f"{path}: cannot be read ({error.strerror or error})") from None
    # Damaged files raise nearly anything: of some thousand made for a test, a dozen types from KeyError to
    # AssertionError.
    except Exception as error:  # noqa: BLE001
        if isinstance(error, pickle.UnpicklingError) and "GLOBAL" in str(error):
            raise WeightsError(
                f"{path}: refused, because it asks for program code besides tensors; expected {wanted.file}, "
                f"as a state dict. {wanted.advice}"
            ) from None
        raise WeightsError(
            f"{path}: is no PyTorch weights file, or a damaged one ({type(error).__name__}); expected "
            f"{wanted.file}. Check its size and digest, or download it again. {wanted.advice}"
        ) from None


def _check_file(path: Path, wanted: Wanted) -> None:
    if path.is_dir():
        raise WeightsError(f"{path}: is a folder, expected {wanted.file}. {wanted.advice}")
    if not path.is_file():
        raise WeightsError(f"{path}: not found, expected {wanted.file}. {wanted.advice}")
    if path.stat().st_size == 0:
        raise WeightsError(f"{path}: is empty, expected {wanted.file}. {wanted.advice}")


def _check_layout(path: Path, state: Mapping[str, Tensor], shapes: Shapes, wanted: Wanted) -> None:
    missing = [name for name in shapes if name not in state]
    surplus = [name for name in state if name not in shapes]
    reshaped = [
        f"{name} {tuple(value.shape)} instead of {shapes[name]}"
        for name, value in state.items()
        if name in shapes and tuple(value.shape) != shapes[name]
    ]
    complaints = [
        f"{len(names)} {what} ({', '.join(names[:NAMES_SHOWN])}{', ...' if len(names) > NAMES_SHOWN else ''})"
        for what, names in (("missing", missing), ("surplus", surplus), ("of another shape", reshaped))
        if names
    ]
    if complaints:
        raise WeightsError(
            f"{path}: its {len(state)} entries do not fit: {'; '.join(complaints)}. "
            f"Expected {wanted.file}, with {len(shapes)} entries. {wanted.advice}"
        )


def _fill(path: Path, network: Network, state: Mapping[str, Tensor], wanted: Wanted) -> Network:
    # Copied, so that the mapped file is let go of.
    own = {name: value.to(torch.float32, copy=True).contiguous() for name, value in state.items()}
    for name, value in own.items():
        if not value.isfinite().all():
            raise WeightsError(
                f"{path}: {name} holds values that are not finite: the file is damaged. {wanted.advice}"
            )
    network.load_state_dict(own, strict=True, assign=True)
    return network.eval().requires_grad_(False)


def _holds_part_of(state: Mapping[str, Tensor], shapes: Shapes) -> bool:
    """Whether any name begins like those of a layout, up to and with the first dot."""
    beginnings = {name.split(".")[0] for name in shapes}
    return any(name.split(".")[0] in beginnings for name in state)


def _on_meta(make: Callable[[], Network]) -> Network:
    """Build without memory and without drawing random numbers."""
    with torch.device("meta"):
        return make()


def _shapes(network: nn.Module) -> dict[str, tuple[int, ...]]:
    return {name: tuple(value.shape) for name, value in network.state_dict().items()}


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
