"""Coarse flows -> refined flows -> frames -> scores."""

from __future__ import annotations

from typing import ClassVar, Literal, Self

from pydantic import Field, field_validator, model_validator

from configs.sections.section import NetworkSection, OptionalPath, Precision, Section, Times, WorkingHeight


class RefinementSection(NetworkSection):
    """Coarse flow -> refined flow."""

    location_fields: ClassVar[frozenset[str]] = frozenset({"weights"})
    network_method: ClassVar[str] = "rfr"
    plain_method: ClassVar[str] = "inverse_search"
    network_fields: ClassVar[frozenset[str]] = frozenset(
        {"confidence_mask", "initial_flow_additions", "iterations", "precision", "fraction_bits"}
    )

    method: Literal["auto", "rfr", "inverse_search", "none"] = "auto"
    """`rfr` = the recurrent network (needs weights); `inverse_search` = dense inverse search from several
    starts, the best answer in each region, without weights; `none` = the coarse flow as it is; `auto` = `rfr`
    with weights, else `inverse_search`."""
    weights: OptionalPath = None
    """Checkpoint that holds the RFR (may be the same file as `synthesis.weights`)."""
    confidence_mask: bool = True
    """Weight the initial flow by exp(-g^2). The released program computes g and never uses it."""
    initial_flow_additions: Literal[1, 2] = 1
    """How often the initial flow is added. The released program adds it twice."""
    iterations: int = Field(12, ge=1, le=100)
    """Recurrent updates."""
    precision: Precision = "float32"
    """Precision of the convolutions; flows, correlations and the confidence are float32 either way.
    `bfloat16` halves the time on CPUs that compute in it (AMX, AVX-512 BF16) and is for GPUs, as `float16`
    is."""
    fraction_bits: int = Field(0, ge=0, le=16)
    """The network's flows are rounded to multiples of 2^-n px; 0 = not at all. 10 halves what they take in
    the cache and changes them by at most 1/2048 px."""
    height: WorkingHeight = 0
    """Larger frames are refined at this height, px, and their flows made larger; 0 = at their own."""

    @property
    def unused_fields(self) -> frozenset[str]:
        """Those of the network without it, and what does nothing at its default.

        The latter so that results of before it was there stay valid.
        """
        at_default = frozenset(name for name in ("fraction_bits", "height") if not getattr(self, name))
        return at_default | (self.network_fields if self.chosen_method == self.plain_method else frozenset())


class SynthesisSection(NetworkSection):
    """Frames and refined flows -> frames at the times wanted."""

    location_fields: ClassVar[frozenset[str]] = frozenset({"weights"})
    network_method: ClassVar[str] = "gridnet"
    plain_method: ClassVar[str] = "composite"
    network_fields: ClassVar[frozenset[str]] = frozenset(
        {"splatting", "softmax_alpha", "precision", "height"}
    )

    method: Literal["auto", "gridnet", "composite", "blend"] = "auto"
    """`gridnet` = the network (needs weights); `composite` = the two splatted frames by how far each is to be
    trusted, holes filled from the background, without weights; `blend` = the average of the two splatted
    frames; `auto` = `gridnet` with weights, else `composite`."""
    weights: OptionalPath = None
    """Checkpoint that holds feature extractor and GridNet (may be the same file as `refinement.weights`)."""
    splatting: Literal["softmax", "average"] = "softmax"
    """How overlapping pixels are weighed; the released program averages."""
    softmax_alpha: float = Field(-20.0, ge=-100, le=100)
    """Softmax splatting: factor on the brightness difference; negative = consistent pixels win."""
    precision: Precision = "float32"
    """Precision of the convolutions; flows and splatting are float32 either way. As for `refinement`."""
    times: Times = (0.5,)
    """Times in (0, 1), ascending, 0 = frame 0."""
    dtype: Literal["uint8", "float16"] = "uint8"
    """How frames are cached; `float16` where scores must be those of the unquantised frame."""
    height: WorkingHeight = 0
    """Larger frames are drawn by the network at this height, px, and made larger, which blurs them; 0 = at
    their own."""

    @property
    def unused_fields(self) -> frozenset[str]:
        """Those of the network without it, and what does nothing at its default.

        The latter so that results of before it was there stay valid.
        """
        at_default = frozenset() if self.height else frozenset({"height"})
        return at_default | (self.network_fields if self.chosen_method == self.plain_method else frozenset())

    @field_validator("times")
    @classmethod
    def _at_least_one(cls, times: tuple[float, ...]) -> tuple[float, ...]:
        if not times:
            raise ValueError("times is empty; give at least one between 0 and 1, such as 0.5")
        return times


class EvaluationSection(Section):
    """Frames and ground truth -> scores."""

    location_fields: ClassVar[frozenset[str]] = frozenset({"lpips_weights", "lpips_backbone"})

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
