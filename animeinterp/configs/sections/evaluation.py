"""Settings of the stage `evaluation`."""

from __future__ import annotations

from collections.abc import Set
from typing import ClassVar, Self

from pydantic import model_validator

from animeinterp.configs.sections.section import (
    OptionalPath,
    Section,
)


class EvaluationSection(Section):
    """Frames and ground truth -> scores."""

    location_fields: ClassVar[Set[str]] = {"lpips_weights", "lpips_backbone"}

    conventional_ssim: bool = True
    """Also compute conventional SSIM (`ssim_gaussian`): data range 1, Gaussian window of 11 px."""
    chamfer: bool = True
    """Also compute the chamfer line distance."""
    lpips_weights: OptionalPath = None
    """Heads of LPIPS v0.1 for AlexNet or VGG-16, from the package `lpips`; empty = no LPIPS."""
    lpips_backbone: OptionalPath = None
    """The network for these heads: torchvision's AlexNet or VGG-16."""

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
