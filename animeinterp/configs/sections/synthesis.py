"""Settings of the stage `synthesis`."""

from __future__ import annotations

from collections.abc import Mapping, Set
from typing import Any, ClassVar, Literal

from pydantic import Field, field_validator

from animeinterp.configs.sections.section import (
    NetworkSection,
    OptionalPath,
    Precision,
    Times,
    WorkingHeight,
)


class SynthesisSection(NetworkSection):
    """Frames and refined flows -> in-between frames."""

    network_method: ClassVar[str] = "gridnet"
    light_method: ClassVar[str] = "light"
    plain_method: ClassVar[str] = "light"
    classical_method: ClassVar[str] = "composite"
    fields_of_method: ClassVar[Mapping[str, Set[str]]] = {
        "gridnet": {"splatting", "softmax_alpha", "precision", "times", "dtype", "height"},
        "light": {"precision", "times", "dtype", "height"},
        "composite": {"times", "dtype"},
        "blend": {"splatting", "softmax_alpha", "times", "dtype"},
    }
    held_values: ClassVar[Mapping[str, Mapping[str, Any]]] = {
        "gridnet": {"softmax_alpha": -20.0},
        "blend": {"softmax_alpha": -20.0, "precision": "float32"},
    }
    later_fields: ClassVar[Set[str]] = {"height"}

    method: Literal["auto", "gridnet", "light", "composite", "blend"] = "auto"
    """`gridnet` = the network (needs weights); `light` = its light variant, whose weights come with the
    program; `composite` = the two splatted frames combined by reliability, with holes filled from the
    background; `blend` = the average of the two splatted frames; `auto` = `gridnet` with its weights, without
    them `light`, but `composite` after another refinement than `light` and for scene-linear frames."""
    weights: OptionalPath = None
    """Checkpoint with feature extractor and GridNet, or light networks other than the shipped ones (may be
    the same file as `refinement.weights`)."""
    splatting: Literal["softmax", "average"] = "softmax"
    """How overlapping pixels are weighted; the released program averages."""
    softmax_alpha: float = Field(-20.0, ge=-100, le=100)
    """Softmax splatting: factor on the brightness difference; negative = consistent pixels win."""
    precision: Precision = "auto"
    """Precision of the convolutions, as for `refinement`; flows and splatting are always float32."""
    times: Times = (0.5,)
    """Times of the frames, in (0, 1), ascending; 0 = frame 0."""
    dtype: Literal["uint8", "float16", "uint16", "linear"] = "uint8"
    """Type of cached frames; with `float16`, scores are those of the unquantised frame; `uint16` draws from
    all bits of 16-bit originals; `linear` draws scene-linear values, as half floats, of OpenEXR originals."""
    height: WorkingHeight = 0
    """Larger frames are drawn by the network at this height, px, and scaled up, which blurs them; 0 = full
    size."""

    @property
    def used_fields(self) -> Set[str]:
        """The fields of the method; averages do not use `softmax_alpha`."""
        return super().used_fields - ({"softmax_alpha"} if self.splatting == "average" else set())

    @field_validator("times")
    @classmethod
    def _at_least_one(cls, times: tuple[float, ...]) -> tuple[float, ...]:
        if not times:
            raise ValueError("times is empty; give at least one between 0 and 1, such as 0.5")
        return times
