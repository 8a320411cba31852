"""The names and shapes that weights files have, and what is said of one that has others.

LPIPS has two files: its heads, `linN.model.1.weight`, and AlexNet or VGG-16, laid out as VGG-19.

VGG-19 is laid out as torchvision distributes it: the 16 convolutions as `features.N.*` and, all or none, the
classifier. AnimeInterp's networks are laid out as in the released checkpoint: `flownet.*` (the RFR),
`feat_ext.*` and `synnet.*` (the synthesis network), or one of these halves alone; the RFR alone may lack its
prefix. The light networks are in one file, as `refinement.*` and `synthesis.*`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import cache
from typing import Literal, NamedTuple, TypeVar

import torch
from torch import Tensor, nn

from animeinterp.models.light_rfr import LightRFR
from animeinterp.models.light_synthesis import LightSynthesis
from animeinterp.models.lpips import BackboneName, backbone_shapes, head_shapes
from animeinterp.models.rfr import RFR
from animeinterp.models.synthesis_network import SynthesisNetwork
from animeinterp.models.vgg19 import convolution_shapes

Part = Literal["vgg19", "rfr", "synthesis", "light", "alexnet", "vgg16", "lpips"]
LPIPS_PARTS: tuple[Part, ...] = ("alexnet", "vgg16", "lpips")
Shapes = Mapping[str, tuple[int, ...]]
Network = TypeVar("Network", bound=nn.Module)

RFR_PREFIX = "flownet."
# The fully connected layers, which nothing here uses; Simonyan & Zisserman 2015, table 1 (arXiv:1409.1556).
CLASSIFIER_SHAPES: Shapes = {
    "classifier.0.weight": (4096, 512 * 7 * 7),
    "classifier.0.bias": (4096,),
    "classifier.3.weight": (4096, 4096),
    "classifier.3.bias": (4096,),
    "classifier.6.weight": (1000, 4096),
    "classifier.6.bias": (1000,),
}
CLASSIFIERS: Mapping[BackboneName, Shapes] = {
    "vgg16": CLASSIFIER_SHAPES,
    # Krizhevsky 2014, figure 3 (arXiv:1404.5997); torchvision counts two dropouts before the layers.
    "alexnet": {
        "classifier.1.weight": (4096, 256 * 6 * 6),
        "classifier.1.bias": (4096,),
        "classifier.4.weight": (4096, 4096),
        "classifier.4.bias": (4096,),
        "classifier.6.weight": (1000, 4096),
        "classifier.6.bias": (1000,),
    },
}
"""Those of the networks under LPIPS."""


class Layout(NamedTuple):
    """What a file is meant to hold, judged by the beginnings of its names."""

    parts: tuple[Part, ...]
    """Networks, of which it has at least one name each; empty where no name is known."""
    shapes: Shapes
    """Everything that belongs in such a file."""
    prefix: str
    """Before the RFR's names."""


class Misfit(NamedTuple):
    """How the entries of a file differ from a layout."""

    missing: list[str]
    surplus: list[str]
    reshaped: list[str]
    """`name found instead of expected`."""


def layout_of(state: Mapping[str, Tensor], wanted: Part | None = None) -> Layout:
    """The layout that a file is to be held against; the `wanted` network is part of it in any case."""
    if wanted is None and (lpips := _lpips_layout(state)):
        return lpips
    begun = {name.split(".")[0] for name in state}
    if wanted is None and begun <= {"refinement", "synthesis"}:
        return Layout(("light",), shapes_of("light"), "")
    parts: list[Part] = ["vgg19"] if wanted == "vgg19" or {"features", "classifier"} & begun else []
    joined = bool({"flownet", "feat_ext", "synnet"} & begun)
    prefix = RFR_PREFIX if joined else ""
    bare = {name.split(".")[0] for name in shapes_of("rfr")}
    if wanted == "rfr" or "flownet" in begun or (not joined and bare & begun):
        parts.append("rfr")
    if wanted == "synthesis" or {"feat_ext", "synnet"} & begun:
        parts.append("synthesis")
    if wanted is not None:
        # If a file contains only networks of the other kind, these are not expected as well.
        parts = [part for part in parts if (part == "vgg19") == (wanted == "vgg19")]
    shapes: dict[str, tuple[int, ...]] = {}
    for part in parts:
        shapes |= {(prefix if part == "rfr" else "") + name: s for name, s in shapes_of(part).items()}
    if "vgg19" in parts and "classifier" in begun:
        shapes |= CLASSIFIER_SHAPES
    return Layout(tuple(parts), shapes, prefix)


def _lpips_layout(state: Mapping[str, Tensor]) -> Layout | None:
    """The layout of a file of LPIPS, by what the other networks have not."""
    if any(name.startswith("lin0.") for name in state):
        return Layout(("lpips",), head_shapes(heads_backbone(state)), "")
    first = state.get("features.0.weight")
    if first is not None and tuple(first.shape) == backbone_shapes("alexnet")["features.0.weight"]:
        return Layout(("alexnet",), whole_backbone("alexnet", state), "")
    if "features.24.weight" in state:  # a ReLU in VGG-19
        return Layout(("vgg16",), whole_backbone("vgg16", state), "")
    return None


def heads_backbone(state: Mapping[str, Tensor]) -> BackboneName:
    """The backbone that heads of LPIPS are for, by the width of the second."""
    name = "lin1.model.1.weight"
    is_alexnet = name in state and tuple(state[name].shape) == head_shapes("alexnet")[name]
    return "alexnet" if is_alexnet else "vgg16"


def whole_backbone(name: BackboneName, state: Mapping[str, Tensor]) -> Shapes:
    """Names and shapes of a file of LPIPS's backbone, with the classifier where it has any of it."""
    with_classifier = any(key.startswith("classifier.") for key in state)
    return backbone_shapes(name) | dict(CLASSIFIERS[name] if with_classifier else {})


def misfit(state: Mapping[str, Tensor], shapes: Shapes) -> Misfit:
    """Names missing from a file, names too many, and tensors of another shape."""
    return Misfit(
        [name for name in shapes if name not in state],
        [name for name in state if name not in shapes],
        [
            f"{name} {tuple(value.shape)} instead of {shapes[name]}"
            for name, value in state.items()
            if name in shapes and tuple(value.shape) != shapes[name]
        ],
    )


@cache
def shapes_of(part: Part) -> Shapes:
    """Names and shapes of a network, VGG-19 without its classifier."""
    if part == "vgg19":
        return convolution_shapes()
    if part == "light":
        networks = {"refinement": on_meta(LightRFR), "synthesis": on_meta(LightSynthesis)}
        return {name: tuple(value.shape) for name, value in nn.ModuleDict(networks).state_dict().items()}
    network: nn.Module = on_meta(RFR if part == "rfr" else SynthesisNetwork)
    return {name: tuple(value.shape) for name, value in network.state_dict().items()}


def on_meta(make: Callable[[], Network]) -> Network:
    """Build a network without memory and without drawing random numbers."""
    with torch.device("meta"):
        return make()
