"""Training of the networks."""

from __future__ import annotations

import math
from collections.abc import Set
from typing import Annotated, Any, ClassVar, Literal, Self

from pydantic import BeforeValidator, Field, model_validator

from animeinterp.configs.sections.section import OptionalPath, Section, none_if_empty

Schedule = Literal["cosine", "linear", "steps", "constant"]


class PhaseSection(Section):
    """Steps and learning rate of a training phase; what is empty is as for the other phases."""

    steps: int = Field(0, ge=0)
    """Batches; 0 = skip the phase."""
    rate: float = Field(2e-4, gt=0, le=1)
    """Largest learning rate of the phase."""
    schedule: Annotated[Schedule | None, BeforeValidator(none_if_empty)] = None
    """As `training.schedule`, for this phase."""
    warm_up: Annotated[float | None, Field(ge=0, lt=1), BeforeValidator(none_if_empty)] = None
    """As `training.warm_up`, for this phase."""
    weight_decay: Annotated[float | None, Field(ge=0), BeforeValidator(none_if_empty)] = None
    """As `training.weight_decay`, for this phase."""


class TrainingSection(Section):
    """Scenes with exact flows, or pairs with a true middle frame -> weights (`animeinterp train`)."""

    location_fields: ClassVar[Set[str]] = {
        "scenes",
        "validation_scenes",
        "weights",
        "threads",
        "workers",
        "log_steps",
        "checkpoint_minutes",
        "validation_minutes",
        "pictured_scenes",
    }
    later_fields: ClassVar[Set[str]] = {"networks", "drawn_size", "drawn_cartoons", "shrink"}

    networks: Literal["light", "full"] = "light"
    """`light` = the light networks; `full` = the paper's, RFR and GridNet, with `confidence_mask` and
    `initial_flow_additions` of `[refinement]`, `splatting` and `softmax_alpha` of `[synthesis]`."""
    source: Literal["scenes", "drawings", "cache"] = "scenes"
    """`scenes` = a set of scenes with exact flows; `drawings` = such scenes, drawn as they are needed;
    `cache` = the pairs of `data` that have a ground truth, with their coarse flows from the cache, without
    the phase `flow`."""
    scenes: OptionalPath = None
    """Folder of scenes, or with `drawings` of a book of drawings; `animeinterp draw-scenes` writes
    both (`OUT/training`, `OUT/book`)."""
    drawn_size: int = Field(256, ge=64)
    """With `drawings`: height and width of a scene, px."""
    drawn_cartoons: float = Field(0.5, ge=0, le=1)
    """With `drawings`: share of scenes that show drawn cartoons."""
    validation_scenes: OptionalPath = None
    """Folder of scenes made from other drawings; empty = no validation, and the last weights count as the
    best."""
    validation_count: int = Field(64, ge=1)
    """How many of these are used, from the first."""
    weights: OptionalPath = None
    """File of such networks to start from; empty = random weights from `seed`."""
    licence: str = "MIT"
    """Licence of the trained weights, written into their files."""
    data_name: str = "cut-out scenes"
    """Description of the training data, written into the weights files beside the data's digest."""
    seed: int = Field(0, ge=0)
    """Seed of the initial weights, the order of scenes and all randomness in a batch."""
    flow: PhaseSection = PhaseSection(steps=60_000, rate=4e-4)
    """First phase: refinement alone, on exact flows."""
    synthesis: PhaseSection = PhaseSection(steps=20_000, rate=3e-4)
    """Second phase: synthesis and the importance of pixels, with the refined flows."""
    joint: PhaseSection = PhaseSection(steps=20_000, rate=1e-4)
    """Third phase: both networks."""
    crop: int = Field(192, ge=16)
    """Height and width of the crop of a scene, px. Square, so that it can be rotated."""
    shrink: float = Field(1.0, ge=1, le=8)
    """The light synthesis draws its masks for frames made up to this many times as small, at random, as runs
    do with large frames; 1 = at their own size. Validation takes its square root."""
    batch: int = Field(8, ge=1)
    """Scenes per step; both directions of each are trained."""
    iterations: int = Field(6, ge=1, le=100)
    """Recurrent updates of the refinement."""
    mirror: bool = True
    """Whether half of the crops are mirrored horizontally."""
    rotate: bool = True
    """Whether crops are rotated by multiples of 90 degrees."""
    swap: bool = True
    """Whether half of the pairs are reversed in time."""
    recolour: float = Field(0.5, ge=0, le=1)
    """Share of crops whose colour channels are permuted, scaled and shifted."""
    zero_starts: float = Field(0.25, ge=0, le=1)
    """Share of crops whose refinement starts from no motion; the others start from the flows of
    inverse search."""
    start_noise: float = Field(2.0, ge=0)
    """Largest standard deviation of smooth noise added to the initial flow, px; 0 = none."""
    gamma: float = Field(0.8, gt=0, le=1)
    """Flow loss: weight of an iteration relative to the next one."""
    occluded_weight: float = Field(0.5, ge=0)
    """Flow loss: weight of pixels hidden in the other frame, relative to the others."""
    matching_weight: float = Field(1.0, ge=0)
    """Flow loss: weight of the matching loss, nats, relative to the distances, px."""
    pyramid_weight: float = Field(1.0, ge=0)
    """Frame loss: weight of the Laplacian pyramid relative to the frame itself."""
    flow_weight: float = Field(0.01, ge=0)
    """Third phase: weight of the flow loss, px, relative to the frame loss."""
    schedule: Schedule = "cosine"
    """How the rate falls after the warm-up: to nearly 0 by `cosine` or `linear`; to a tenth after half of the
    phase and to a hundredth after three quarters by `steps`; not at all by `constant`."""
    warm_up: float = Field(0.03, ge=0, lt=1)
    """Share of a phase's steps in which the rate rises to its maximum."""
    weight_decay: float = Field(1e-4, ge=0)
    """Weight decay of AdamW."""
    clip: float = Field(1.0, gt=0)
    """Largest norm of all gradients together; larger gradients are scaled down to it."""
    average: float = Field(0.999, ge=0, lt=1)
    """Decay of the running average of weights; the average is what the weights files hold."""
    precision: Literal["auto", "float32", "bfloat16"] = "auto"
    """Precision of convolutions; `auto` = `bfloat16` on GPUs and on processors with instructions for it."""
    threads: int = Field(0, ge=0)
    """Threads that share each batch, at most one per scene; 0 = as many as cores. Another number changes the
    last digits of losses."""
    workers: int = Field(0, ge=0)
    """Processes that read or draw the scenes of the next batches; 0 = a thread. They make no difference to
    losses; a GPU needs several."""
    log_steps: int = Field(10, ge=1)
    """Steps per line of the log."""
    checkpoint_minutes: float = Field(5.0, gt=0)
    """Time between checkpoints; a kill loses at most this much."""
    validation_minutes: float = Field(15.0, gt=0)
    """Time between validations."""
    pictured_scenes: int = Field(4, ge=0)
    """Held-out scenes whose pictures each validation keeps, for the training's page; 0 = none."""

    def fingerprinted(self) -> dict[str, Any]:
        """As of every section; phases without what they do not set themselves, which came later."""
        return {
            name: {key: kept for key, kept in value.items() if kept is not None}
            if isinstance(value, dict)
            else value
            for name, value in super().fingerprinted().items()
        }

    @property
    def validation_shrink(self) -> float:
        """How many times as small the frames are made in validation."""
        return math.sqrt(self.shrink)

    @model_validator(mode="after")
    def _does_something(self) -> Self:
        if not any((self.flow.steps, self.synthesis.steps, self.joint.steps)):
            raise ValueError(
                "flow.steps, synthesis.steps and joint.steps are all 0; set at least one of them"
            )
        return self
