"""Networks with their weights: loaders that accept a file only when all of it fits."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Literal

import torch
from torch import Tensor

from animeinterp.configs.errors import WeightsError
from animeinterp.models.lpips import LPIPS, BackboneName, backbone_shapes, head_shapes
from animeinterp.models.rfr import RFR
from animeinterp.models.synthesis_network import SynthesisNetwork
from animeinterp.models.vgg19 import VGG19
from animeinterp.models.weights.files import Wanted
from animeinterp.models.weights.layouts import (
    Network,
    Part,
    heads_backbone,
    layout_of,
    misfit,
    on_meta,
    whole_backbone,
)
from animeinterp.models.weights.tensors import read_state

NAMES_SHOWN = 3

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
LPIPS_HEADS_FILE = Wanted(
    "the heads of LPIPS v0.1 on AlexNet or VGG-16 (alex.pth or vgg.pth of the package lpips)",
    "Set evaluation.lpips_weights to such a file, or leave it and evaluation.lpips_backbone empty.",
)
LPIPS_OLD_HEADS = frozenset(
    {
        "8a9f071221953c589f32ea6727d04f800af07c3f4d97ef07514bcc3c4e82f687",  # AlexNet
        "e60d8ee2c0926a5b9ea5353744a0b2d63f81e12b5df5365fbfe1375a034f8619",  # VGG-16
    }
)
"""SHA-256 of the numbers of the heads of v0.0 (package `lpips` 0.1.4), float32, layer after layer. Names and
shapes are those of v0.1, so only the values distinguish them."""
LPIPS_BACKBONE_ADVICE = (
    "Set evaluation.lpips_backbone to such a file, or evaluation.lpips_weights to the heads for another."
)
LPIPS_BACKBONE_FILES: Mapping[BackboneName, Wanted] = {
    "alexnet": Wanted(
        "torchvision's AlexNet (such as alexnet-owt-7be5be79.pth), which the heads are for",
        LPIPS_BACKBONE_ADVICE,
    ),
    "vgg16": Wanted(
        "torchvision's VGG-16 (such as vgg16-397923af.pth), which the heads are for", LPIPS_BACKBONE_ADVICE
    ),
}


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
    return _load(path, on_meta(lambda: VGG19(layers)), "vgg19", VGG19_FILE)


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
    network = on_meta(
        lambda: RFR(
            confidence_mask=confidence_mask,
            initial_flow_additions=initial_flow_additions,
            iterations=iterations,
        )
    )
    return _load(path, network, "rfr", RFR_FILE)


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
    return _load(path, on_meta(SynthesisNetwork), "synthesis", SYNTHESIS_FILE)


def load_lpips(heads: Path, backbone: Path) -> LPIPS:
    """LPIPS with the published heads and the backbone that they were trained for.

    Parameters
    ----------
    heads
        File of the package `lpips`, version 0.1: `lin0.model.1.weight` to `lin4.model.1.weight`. Their widths
        say which backbone they are for.
    backbone
        File of torchvision's AlexNet or VGG-16, with or without the classifier.

    Returns
    -------
    LPIPS
        On the CPU, in eval mode, gradients off.

    Raises
    ------
    WeightsError
        No readable weights files, or of another layout, or of two backbones; the heads of v0.0.
    """
    state = read_state(heads, LPIPS_HEADS_FILE)
    name = heads_backbone(state)
    check_layout(heads, state, head_shapes(name), LPIPS_HEADS_FILE)
    _refuse_old_heads(heads, [state[key] for key in head_shapes(name)])
    wanted = LPIPS_BACKBONE_FILES[name]
    trained = read_state(backbone, wanted)
    check_layout(backbone, trained, whole_backbone(name, trained), wanted)
    network = on_meta(lambda: LPIPS(name))
    own = {key: _own(backbone, trained, key, wanted) for key in backbone_shapes(name)}
    for k, key in enumerate(head_shapes(name)):
        own[f"heads.{k}"] = _own(heads, state, key, LPIPS_HEADS_FILE).reshape(-1)
    network.load_state_dict(own, strict=True, assign=True)
    return network.eval().requires_grad_(False)


def _refuse_old_heads(path: Path, heads: Sequence[Tensor]) -> None:
    numbers = b"".join(head.to(torch.float32).numpy().tobytes() for head in heads)
    if hashlib.sha256(numbers).hexdigest() in LPIPS_OLD_HEADS:
        raise WeightsError(
            f"{path}: holds the heads of LPIPS v0.0, which are for images scaled otherwise, expected "
            f"{LPIPS_HEADS_FILE.file}. {LPIPS_HEADS_FILE.advice}"
        )


def _load(path: Path, network: Network, part: Part, wanted: Wanted) -> Network:
    state = read_state(path, wanted)
    layout = layout_of(state, part)
    check_layout(path, state, layout.shapes, wanted)
    return fill(path, network, state, layout.prefix if part == "rfr" else "", wanted)


def check_layout(
    path: Path, state: Mapping[str, Tensor], shapes: Mapping[str, tuple[int, ...]], wanted: Wanted
) -> None:
    """Refuse a file whose names or shapes are not these.

    Raises
    ------
    WeightsError
        They are others; the message counts them and names the first.
    """
    missing, surplus, reshaped = misfit(state, shapes)
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


def fill(path: Path, network: Network, state: Mapping[str, Tensor], prefix: str, wanted: Wanted) -> Network:
    """Give a network its tensors, whose names begin with `prefix` in the file.

    Returns
    -------
    Network
        In float32 on the CPU, in eval mode, gradients off.

    Raises
    ------
    WeightsError
        A value is not finite.
    """
    own = {name: _own(path, state, prefix + name, wanted) for name in network.state_dict()}
    network.load_state_dict(own, strict=True, assign=True)
    return network.eval().requires_grad_(False)


def _own(path: Path, state: Mapping[str, Tensor], name: str, wanted: Wanted) -> Tensor:
    """A tensor in float32, finite, and copied, so that the mapped file can be closed."""
    value = state[name].to(torch.float32, copy=True).contiguous()
    if not value.isfinite().all():
        raise WeightsError(
            f"{path}: {name} holds values that are not finite: the file is damaged. {wanted.advice}"
        )
    return value
