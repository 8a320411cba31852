"""Settings of the stage `features`."""

from __future__ import annotations

import re
from collections.abc import Mapping, Set
from typing import ClassVar, Literal

from pydantic import Field, field_validator

from animeinterp.configs.sections.section import (
    NetworkSection,
    OptionalPath,
)

PAPER_LAYERS = ("relu1_2", "relu2_2", "relu3_4", "relu4_4")

RELEASED_LAYERS = ("relu1_1", "relu2_1", "relu3_1", "relu4_1")

CONVOLUTIONS_PER_BLOCK = (2, 2, 4, 4, 4)  # VGG-19, Simonyan & Zisserman 2015, table 1, column E


class FeaturesSection(NetworkSection):
    """Pieces -> features for matching."""

    network_method: ClassVar[str] = "vgg19"
    plain_method: ClassVar[str] = "appearance"
    needs_weights: ClassVar[bool] = False
    fields_of_method: ClassVar[Mapping[str, Set[str]]] = {
        "vgg19": {"layers", "seed", "precision"},
        "appearance": set(),
    }

    method: Literal["auto", "vgg19", "appearance"] = "auto"
    """`vgg19` = VGG-19 maps averaged over each piece; `appearance` = colour, surrounding colours, shape and
    position of each piece, without a network; `auto` = `vgg19` with weights, else `appearance`."""
    layers: tuple[str, ...] = PAPER_LAYERS
    """VGG-19 layers, `reluB_N`, finest first, at most one per block and blocks in order. Each is pooled at
    its block's scale: 1, 1/2, 1/4, 1/8, 1/16."""
    weights: OptionalPath = None
    """VGG-19 weights (torchvision's layout); without them, `vgg19` uses random weights made from `seed`."""
    seed: int = Field(0, ge=0)
    """Seed of the random weights; unused with `weights`."""
    precision: Literal["auto", "float32", "bfloat16"] = "auto"
    """Precision of the network's weights and maps, as for `refinement` (on GPUs `auto` = `float32`); pooling
    and features are always float32. With `bfloat16`, fewer than 1 in 100 matches change."""

    @property
    def used_fields(self) -> Set[str]:
        """The fields of the method; with weights, `seed` is not used.

        With VGG-19 the method itself is left out, so that results made before there was another stay valid.
        """
        left_out = {"method"} if self.chosen_method == self.network_method else set()
        return super().used_fields - left_out - ({"seed"} if self.weights is not None else set())

    @field_validator("layers")
    @classmethod
    def _known_layers(cls, layers: tuple[str, ...]) -> tuple[str, ...]:
        blocks = [_layer_block(layer) for layer in layers]
        if not layers or blocks != list(range(1, len(layers) + 1)):
            raise ValueError(
                f"layers {list(layers)} must name one layer of each block from 1 on, in order, "
                f"such as {list(PAPER_LAYERS)}"
            )
        return layers


def _layer_block(layer: str) -> int:
    match = re.fullmatch(r"relu([1-5])_([1-4])", layer)
    if match is None or int(match[2]) > CONVOLUTIONS_PER_BLOCK[int(match[1]) - 1]:
        raise ValueError(f"{layer!r} is not a VGG-19 layer; expected relu1_1, relu1_2, ..., relu5_4")
    return int(match[1])
