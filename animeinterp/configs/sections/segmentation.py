"""Settings of the stage `segmentation`."""

from __future__ import annotations

from collections.abc import Set
from typing import ClassVar, Self

from pydantic import Field, model_validator

from animeinterp.configs.sections.section import (
    Section,
    WorkingHeight,
)


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

    later_fields: ClassVar[Set[str]] = {"height"}

    anime: ContourPreset = ContourPreset()
    """Contours of Japanese animation: thin, dark, complete outlines."""
    disney: DisneyContourPreset = DisneyContourPreset()
    """Contours of western animation: stronger smoothing, weaker edges kept."""
    merge_rounds: int = Field(10, ge=0, le=1000)
    """Largest number of rounds that merge small fills into their most similar neighbour; 0 = none."""
    height: WorkingHeight = 0
    """Larger frames are segmented, described and matched at this height, px, and their coarse flows are
    scaled up; 0 = full size. The thresholds are for frames of about 540 rows."""
