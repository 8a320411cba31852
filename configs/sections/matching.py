"""Segment-guided matching: frames -> pieces -> features -> matches -> coarse flows."""

from __future__ import annotations

import re
from typing import ClassVar, Literal, Self

from pydantic import Field, field_validator, model_validator

from configs.sections.section import NetworkSection, OptionalPath, Section, WorkingHeight

PAPER_LAYERS = ("relu1_2", "relu2_2", "relu3_4", "relu4_4")
RELEASED_LAYERS = ("relu1_1", "relu2_1", "relu3_1", "relu4_1")
CONVOLUTIONS_PER_BLOCK = (2, 2, 4, 4, 4)  # VGG-19, Simonyan & Zisserman 2015, table 1, column E


class ContourPreset(Section):
    """Filter and thresholds of the contour step for Japanese animation."""

    diameter: int = Field(10, ge=1, le=101)
    """Diameter of the bilateral filter's neighbourhood, px."""
    sigma_color: float = Field(10.0, gt=0)
    """Bilateral filter: colour distance that still mixes, grey levels."""
    sigma_space: float = Field(10.0, gt=0)
    """Bilateral filter: spatial standard deviation, px."""
    low: float = Field(2.0, ge=0)
    """Lower hysteresis threshold on the Laplacian scaled to a maximum of 255."""
    high: float = Field(20.0, ge=0)
    """Upper hysteresis threshold; at least `low`."""

    @model_validator(mode="after")
    def _ordered(self) -> Self:
        if self.high < self.low:
            raise ValueError(f"high ({self.high}) must be at least low ({self.low})")
        return self


class DisneyContourPreset(ContourPreset):
    """Filter and thresholds of the contour step for western animation."""

    diameter: int = Field(30, ge=1, le=101)
    """Diameter of the bilateral filter's neighbourhood, px."""
    sigma_color: float = Field(40.0, gt=0)
    """Bilateral filter: colour distance that still mixes, grey levels."""
    sigma_space: float = Field(30.0, gt=0)
    """Bilateral filter: spatial standard deviation, px."""
    low: float = Field(1.0, ge=0)
    """Lower hysteresis threshold on the Laplacian scaled to a maximum of 255."""


class SegmentationSection(Section):
    """Frame -> colour pieces."""

    anime: ContourPreset = ContourPreset()
    """Contours of Japanese animation: thin, dark, complete outlines."""
    disney: DisneyContourPreset = DisneyContourPreset()
    """Contours of western animation: stronger smoothing, weaker edges kept."""
    merge_rounds: int = Field(10, ge=0, le=1000)
    """Most rounds of merging small fills into the neighbour most alike; 0 = none."""
    height: WorkingHeight = 0
    """Larger frames are segmented, described and matched at this height, px, and their coarse flows made
    larger; 0 = at their own. The thresholds are for frames of about 540 rows."""

    @property
    def unused_fields(self) -> frozenset[str]:
        """What does nothing at its default, so that results of before it was there stay valid."""
        return frozenset() if self.height else frozenset({"height"})


class FeaturesSection(NetworkSection):
    """Pieces -> features by which they are matched."""

    location_fields: ClassVar[frozenset[str]] = frozenset({"weights"})
    network_method: ClassVar[str] = "vgg19"
    plain_method: ClassVar[str] = "appearance"
    network_fields: ClassVar[frozenset[str]] = frozenset({"layers", "seed", "precision"})

    method: Literal["auto", "vgg19", "appearance"] = "auto"
    """`vgg19` = VGG-19 maps averaged over each piece; `appearance` = colour, the colours around, shape and
    place of each piece, without a network; `auto` = `vgg19` with weights."""
    layers: tuple[str, ...] = PAPER_LAYERS
    """VGG-19 layers, `reluB_N`, finest first, at most one a block and blocks in order: each is pooled at its
    block's scale, 1, 1/2, 1/4, 1/8, 1/16."""
    weights: OptionalPath = None
    """VGG-19 weights (torchvision's layout); without them `vgg19` is a seeded random network."""
    seed: int = Field(0, ge=0)
    """Seed of the random network; unused with weights."""
    precision: Literal["float32", "bfloat16"] = "float32"
    """Precision of the network's weights and maps; pooling and features are float32 either way. `bfloat16` is
    for GPUs and for CPUs that compute in it (AMX, AVX-512 BF16); on others it is slower than float32 by about
    a tenth and takes more memory. Fewer than 1 in 100 matches change."""

    @property
    def unused_fields(self) -> frozenset[str]:
        """Those of the other method, and the random network's seed where weights are given.

        With VGG-19 the method itself is left out, so that results of before there was another stay valid.
        """
        if self.chosen_method == self.plain_method:
            return self.network_fields
        return frozenset({"method"} if self.weights is None else {"method", "seed"})

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
        raise ValueError(f"{layer!r} is no VGG-19 layer; expected relu1_1, relu1_2, ..., relu5_4")
    return int(match[1])


class MatchingSection(Section):
    """Features of both frames -> matches."""

    area_ratio_limit: float = Field(3.0, ge=1)
    """Area ratio above which a candidate pays `ratio / area_penalty`."""
    area_penalty: float = Field(20.0, gt=0)
    """Divisor of the area penalty."""
    distance_limit: float = Field(0.15, ge=0)
    """Centroid distance, as a share of the frame's diagonal, above which a candidate pays
    `distance / distance_penalty`. 0.14 in the released program."""
    distance_penalty: float = Field(5.0, gt=0)
    """Divisor of the distance penalty."""
    keep_affinity: bool = False
    """Also store the affinity matrices (`pieces0 x pieces1` floats a pair)."""


class CoarseFlowSection(Section):
    """Matches -> a flow for each piece that moves."""

    location_fields: ClassVar[frozenset[str]] = frozenset({"imported_from"})

    method: Literal["sgm", "zero", "imported"] = "sgm"
    """`sgm` = segment-guided matching; `zero` = no coarse flow (the paper's ablation); `imported` = flows
    read from `imported_from`. The last two need neither segmentation nor features nor matching."""
    imported_from: OptionalPath = None
    """Folder of flows in the layout of ATD-12K's pre-computed ones: `<id>/guide_flo13.npy` and
    `guide_flo31.npy`. Once a pair is imported the cache has it, and its files may go."""
    imported_as: str = ""
    """Name of the import: imports with different names are kept side by side."""
    rank_sum_limit: int = Field(0, ge=0)
    """Largest rank sum of a match that may move; 0 = mutual best matches only."""
    max_shift: float = Field(250.0, gt=0)
    """Largest centroid shift, px."""
    min_area: int = Field(50, ge=0)
    """A piece must be larger than this, px."""
    max_area_share: float = Field(0.12, gt=0, le=1)
    """A piece must be smaller than this share of the frame."""
    max_area_ratio: float = Field(3.0, gt=1)
    """Area ratio to the match must be below this."""
    min_overlap: float = Field(0.8, ge=0, lt=1)
    """Share of the moved mask that must land inside the match."""
    dark_gray: float = Field(20.0, ge=0)
    """Mean grey below which a piece is brightened (0.8 v + 40) so that the flow finds texture."""
    variational_iterations: int = Field(25, ge=0)
    """Variational refinement iterations of the dense inverse search."""
    gradient_iterations: int = Field(50, ge=1)
    """Gradient descent iterations of the dense inverse search."""

    @property
    def unused_fields(self) -> frozenset[str]:
        """Those of the other methods."""
        if self.method == "sgm":
            return frozenset({"imported_as"})
        used = {"method", "imported_as"} if self.method == "imported" else {"method"}
        return frozenset(type(self).model_fields) - used

    @model_validator(mode="after")
    def _import_has_a_folder(self) -> Self:
        if self.method == "imported" and self.imported_from is None:
            raise ValueError(
                "method = 'imported' needs imported_from, which is not set; name the folder that holds "
                "<id>/guide_flo13.npy and guide_flo31.npy, or choose method = 'sgm'"
            )
        return self
