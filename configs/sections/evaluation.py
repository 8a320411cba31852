"""Settings of the stage `evaluation`."""

from __future__ import annotations

from collections.abc import Set
from typing import ClassVar, Self

from pydantic import model_validator

from configs.sections.section import (
    OptionalPath,
    Section,
)


class EvaluationSection(Section):
    """Frames and ground truth -> scores."""

    location_fields: ClassVar[Set[str]] = {"lpips_weights", "lpips_backbone"}

    conventional_ssim: bool = True
    """Also score SSIM with data range 1 and a Gaussian window of 11, under a name of its own."""
    chamfer: bool = True
    """Also score the chamfer line distance."""
    lpips_weights: OptionalPath = None
    """Heads of LPIPS v0.1, on AlexNet or VGG-16, as the package `lpips` has them; empty = no LPIPS."""
    lpips_backbone: OptionalPath = None
    """The network that those heads are for: torchvision's AlexNet or VGG-16."""

    @model_validator(mode="after")
    def _lpips_has_both_files(self) -> Self:
        if (self.lpips_weights is None) != (self.lpips_backbone is None):
            given, absent = "lpips_weights", "lpips_backbone"
            if self.lpips_weights is None:
                given, absent = absent, given
            raise ValueError(
                f"{given} is given and {absent} is not; LPIPS needs both: the heads, and torchvision's "
                "AlexNet or VGG-16 that they are for"
            )
        return self
