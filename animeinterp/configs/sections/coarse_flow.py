"""Settings of the stage `coarse_flow`."""

from __future__ import annotations

from collections.abc import Mapping, Set
from typing import ClassVar, Literal, Self

from pydantic import Field, model_validator

from animeinterp.configs.sections.section import (
    MethodSection,
    OptionalPath,
)


class CoarseFlowSection(MethodSection):
    """Matches -> a flow for each piece that moves."""

    location_fields: ClassVar[Set[str]] = {"imported_from"}
    later_fields: ClassVar[Set[str]] = {"finest_scale"}
    fields_of_method: ClassVar[Mapping[str, Set[str]]] = {
        "sgm": {
            "rank_sum_limit",
            "max_shift",
            "min_area",
            "max_area_share",
            "max_area_ratio",
            "min_overlap",
            "dark_gray",
            "variational_iterations",
            "gradient_iterations",
            "finest_scale",
        },
        "zero": set(),
        "imported": {"imported_as"},
    }

    method: Literal["sgm", "zero", "imported"] = "sgm"
    """`sgm` = segment-guided matching; `zero` = no coarse flow (the paper's ablation); `imported` = flows
    read from `imported_from`. The last two need neither segmentation nor features nor matching."""
    imported_from: OptionalPath = None
    """Folder of flows in the layout of ATD-12K's pre-computed ones: `<id>/guide_flo13.npy` and
    `guide_flo31.npy`. Once a pair is imported, its files may be deleted: the cache holds it."""
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
    finest_scale: int = Field(0, ge=0, le=1)
    """Of the dense inverse search: 0 = full size, 1 = half size. Small pieces are always searched at full
    size."""

    @model_validator(mode="after")
    def _import_has_a_folder(self) -> Self:
        if self.method == "imported" and self.imported_from is None:
            raise ValueError(
                "method = 'imported' needs imported_from, which is not set; name the folder that holds "
                "<id>/guide_flo13.npy and guide_flo31.npy, or choose method = 'sgm'"
            )
        return self
