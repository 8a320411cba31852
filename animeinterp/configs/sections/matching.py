"""Settings of the stage `matching`."""

from __future__ import annotations

from pydantic import Field

from animeinterp.configs.sections.section import Section


class MatchingSection(Section):
    """Features of both frames -> matches."""

    area_ratio_limit: float = Field(3.0, ge=1)
    """Area ratio above which `ratio / area_penalty` is subtracted from a candidate's affinity."""
    area_penalty: float = Field(20.0, gt=0)
    """Divisor of the area penalty."""
    distance_limit: float = Field(0.15, ge=0)
    """Centroid distance, as a share of the frame's diagonal, above which `distance / distance_penalty` is
    subtracted from a candidate's affinity. 0.14 in the released program."""
    distance_penalty: float = Field(5.0, gt=0)
    """Divisor of the distance penalty."""
    keep_affinity: bool = False
    """Also store the affinity matrices (`pieces0 x pieces1` floats per pair)."""
