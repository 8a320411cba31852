"""Settings of the stage `refinement`."""

from __future__ import annotations

from collections.abc import Mapping, Set
from typing import Any, ClassVar, Literal

from pydantic import Field

from animeinterp.configs.sections.section import (
    NetworkSection,
    OptionalPath,
    Precision,
    WorkingHeight,
)


class RefinementSection(NetworkSection):
    """Coarse flow -> refined flow."""

    network_method: ClassVar[str] = "rfr"
    light_method: ClassVar[str] = "light"
    plain_method: ClassVar[str] = "light"
    classical_method: ClassVar[str] = "inverse_search"
    fields_of_method: ClassVar[Mapping[str, Set[str]]] = {
        "rfr": {
            "confidence_mask",
            "initial_flow_additions",
            "iterations",
            "precision",
            "fraction_bits",
            "height",
        },
        "light": {"start", "precision", "fraction_bits", "height"},
        "inverse_search": {"height"},
        "none": set(),
    }
    held_values: ClassVar[Mapping[str, Mapping[str, Any]]] = {
        "none": {
            "confidence_mask": True,
            "initial_flow_additions": 1,
            "iterations": 12,
            "precision": "float32",
        }
    }
    later_fields: ClassVar[Set[str]] = {"fraction_bits", "height"}

    method: Literal["auto", "rfr", "light", "inverse_search", "none"] = "auto"
    """`rfr` = the recurrent network (needs weights); `light` = its light variant, whose weights come with the
    program; `inverse_search` = dense inverse search from several starts, with the best result in each region;
    `none` = the coarse flow unchanged; `auto` = `rfr` with its weights, without them `light`, but
    `inverse_search` where the light synthesis does not draw the frames."""
    weights: OptionalPath = None
    """Checkpoint with RFR, or light networks other than the shipped ones (may be the same file as
    `synthesis.weights`)."""
    start: Literal["coarse_flow", "inverse_search"] = "inverse_search"
    """Flow from which `light` starts: the coarse flow, or what `inverse_search` makes of it."""
    confidence_mask: bool = True
    """Weight the initial flow by exp(-g^2). The released program computes g but does not use it."""
    initial_flow_additions: Literal[1, 2] = 1
    """How often the initial flow is added. The released program adds it twice."""
    iterations: int = Field(12, ge=1, le=100)
    """Recurrent updates."""
    precision: Precision = "auto"
    """Precision of the convolutions; flows, correlations and the confidence are always float32. `auto` =
    `bfloat16` if the workers' processors have instructions for it (AMX, AVX-512 BF16), which halves the time,
    `float16` on GPUs, else `float32`; decided once for a cache."""
    fraction_bits: int = Field(0, ge=0, le=16)
    """Round the network's flows to multiples of 2^-n px; 0 = no rounding. 10 halves the cache space of a pair
    and changes flows by at most 1/2048 px."""
    height: WorkingHeight = 0
    """Larger frames are refined at this height, px, and their flows are scaled up; 0 = full size."""
