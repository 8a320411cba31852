"""Training of the light networks."""

from __future__ import annotations

from collections.abc import Set
from typing import ClassVar, Literal, Self

from pydantic import Field, model_validator

from configs.sections.section import OptionalPath, Section


class PhaseSection(Section):
    """How long a phase of training takes, and how fast it goes."""

    steps: int = Field(0, ge=0)
    """Batches; 0 = the phase is left out."""
    rate: float = Field(2e-4, gt=0, le=1)
    """Greatest learning rate of the phase."""


class TrainingSection(Section):
    """Scenes with exact flows -> weights of the light networks (`animeinterp train`)."""

    location_fields: ClassVar[Set[str]] = {
        "scenes",
        "validation_scenes",
        "weights",
        "threads",
        "log_steps",
        "checkpoint_minutes",
        "validation_minutes",
    }

    scenes: OptionalPath = None
    """Folder of a training set of cut-out scenes, as `data.cutouts.write_training_set` writes it."""
    validation_scenes: OptionalPath = None
    """Folder of a set of other scenes, of other drawings; empty = no validation, the best weights are the
    last."""
    validation_count: int = Field(64, ge=1)
    """How many of those are looked at, from the first on."""
    weights: OptionalPath = None
    """File of light networks to start from; empty = random ones, made by `seed`."""
    licence: str = "MIT"
    """Of the weights made; written into their files."""
    data_name: str = "cut-out scenes"
    """What they are trained on, in words; written into their files beside the data's digest."""
    seed: int = Field(0, ge=0)
    """Of the first weights, the order of scenes and everything random about a batch."""
    flow: PhaseSection = PhaseSection(steps=60_000, rate=4e-4)
    """First phase: the refinement alone, on exact flows."""
    synthesis: PhaseSection = PhaseSection(steps=20_000, rate=3e-4)
    """Second phase: the synthesis and the importance of pixels, with the flows as they have become."""
    joint: PhaseSection = PhaseSection(steps=20_000, rate=1e-4)
    """Third phase: both networks."""
    crop: int = Field(192, ge=16)
    """Height and width of what is cut out of a scene, pixels. Square, so that it can be turned."""
    batch: int = Field(8, ge=1)
    """Scenes in a step; both directions of each are trained."""
    iterations: int = Field(6, ge=1, le=100)
    """Recurrent updates of the refinement."""
    mirror: bool = True
    """Whether half of the crops are mirrored, left to right."""
    rotate: bool = True
    """Whether crops are turned by quarters of a turn."""
    swap: bool = True
    """Whether half of the pairs run backward in time."""
    recolour: float = Field(0.5, ge=0, le=1)
    """Share of crops whose colour channels are exchanged, stretched and shifted."""
    zero_starts: float = Field(0.25, ge=0, le=1)
    """Share of crops whose refinement starts from no motion; the others start from OpenCV's DIS flow of the
    crop."""
    start_noise: float = Field(2.0, ge=0)
    """Greatest standard deviation of smooth noise put on the flow to start from, px; 0 = none."""
    gamma: float = Field(0.8, gt=0, le=1)
    """Flow loss: weight of an iteration relative to the next one."""
    occluded_weight: float = Field(0.5, ge=0)
    """Flow loss: weight of pixels that the other frame does not show, relative to the others."""
    pyramid_weight: float = Field(1.0, ge=0)
    """Frame loss: weight of the Laplacian pyramid beside that of the frame itself."""
    flow_weight: float = Field(0.01, ge=0)
    """Third phase: weight of the flow loss, px, beside the frame loss."""
    schedule: Literal["cosine", "linear"] = "cosine"
    """How the rate falls to nearly nothing after the warm-up. `linear` with a warm-up of 0.05 is RAFT's."""
    warm_up: float = Field(0.03, ge=0, lt=1)
    """Share of a phase's steps in which the rate rises to its greatest."""
    weight_decay: float = Field(1e-4, ge=0)
    """Of AdamW."""
    clip: float = Field(1.0, gt=0)
    """Greatest norm of all gradients together; larger ones are scaled down to it."""
    average: float = Field(0.999, ge=0, lt=1)
    """Share of the running average of weights that a step keeps; the average is what is shipped."""
    precision: Literal["auto", "float32", "bfloat16"] = "auto"
    """Of convolutions; `auto` = `bfloat16` on processors with instructions for it and on GPUs."""
    threads: int = Field(0, ge=0)
    """Each takes a share of every batch, and at most as many work as there are scenes in it; 0 = as many as
    cores. With another number the last digits of losses differ."""
    log_steps: int = Field(10, ge=1)
    """Steps that a line of the log sums up."""
    checkpoint_minutes: float = Field(5.0, gt=0)
    """Time between checkpoints; a kill loses no more than this."""
    validation_minutes: float = Field(15.0, gt=0)
    """Time between validations."""

    @model_validator(mode="after")
    def _does_something(self) -> Self:
        if not any((self.flow.steps, self.synthesis.steps, self.joint.steps)):
            raise ValueError("flow.steps, synthesis.steps and joint.steps are all 0; give one of them steps")
        return self
