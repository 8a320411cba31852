"""The phases of a training: what learns in each, and at which rate."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

from torch import nn

from animeinterp.configs.sections import TrainingSection
from animeinterp.configs.sections.training import Schedule
from animeinterp.models.weights.light import LightNetworks
from animeinterp.pipeline.training.networks import Networks, parts_of

PhaseName = Literal["flow", "synthesis", "joint"]
ORDER: tuple[PhaseName, ...] = ("flow", "synthesis", "joint")
FINAL_SHARE = 0.01
"""Share of the maximal rate at the last step, for rates that fall all the time."""
DROPS, DROP = (1 / 2, 3 / 4), 0.1
"""Shares of a phase after which a rate falls in steps, and to what: the 100th and 150th of 200 epochs, as
`train_paper.toml` gives AnimeInterp's recipe."""


@dataclass(frozen=True, slots=True)
class Phase:
    """A phase: a range of steps."""

    name: PhaseName
    first: int
    """Its first step, counted from the training's."""
    steps: int
    rate: float
    """The maximal rate."""
    warm_up: float
    """Share of its steps in which the rate rises."""
    schedule: Schedule
    """How the rate falls after that."""
    weight_decay: float

    @property
    def last(self) -> int:
        """The step after its last one."""
        return self.first + self.steps


def phases_of(section: TrainingSection) -> list[Phase]:
    """The phases that have steps, in their order."""
    phases, first = [], 0
    for name in ORDER:
        wanted = getattr(section, name)
        if wanted.steps:
            own = [
                getattr(section if getattr(wanted, key) is None else wanted, key)
                for key in ("warm_up", "schedule", "weight_decay")
            ]
            phases.append(Phase(name, first, wanted.steps, wanted.rate, *own))
            first += wanted.steps
    return phases


def phase_at(section: TrainingSection, step: int) -> Phase:
    """The phase of a step; after the end, the last one."""
    phases = phases_of(section)
    return next((phase for phase in phases if step < phase.last), phases[-1])


def learning_rate(section: TrainingSection, step: int) -> float:
    """Rate of a step: a linear rise, then a fall according to the schedule of its phase.

    References
    ----------
    .. [1] I. Loshchilov, F. Hutter, "SGDR: Stochastic Gradient Descent with Warm Restarts", ICLR 2017,
       equation 5, one period. arXiv:1608.03983
    .. [2] L. Smith, N. Topin, "Super-Convergence: Very Fast Training of Neural Networks Using Large Learning
       Rates", 2017: one cycle, in lines. arXiv:1708.07120
    """
    phase = phase_at(section, step)
    warm = phase.warm_up * phase.steps
    done = step - phase.first + 1
    if done <= warm:
        return phase.rate * done / warm
    share = (done - warm) / max(1.0, phase.steps - warm)
    if phase.schedule == "constant":
        return phase.rate
    if phase.schedule == "steps":
        return phase.rate * DROP ** sum(share > drop for drop in DROPS)
    falling = (1 + math.cos(math.pi * share)) / 2 if phase.schedule == "cosine" else 1 - share
    return phase.rate * (FINAL_SHARE + (1 - FINAL_SHARE) * falling)


def set_learning(networks: Networks, phase: PhaseName) -> list[nn.Parameter]:
    """Enable gradients for the networks of a phase and disable all others; return the parameters to train.

    The light refinement's importance of pixels affects only frames, so it is trained with the synthesis.
    """
    networks.refinement.requires_grad_(phase != "synthesis")
    if isinstance(networks, LightNetworks):
        networks.refinement.importance.requires_grad_(phase != "flow")
    networks.synthesis.requires_grad_(phase != "flow")
    return [
        parameter
        for network in parts_of(networks).values()
        for parameter in network.parameters()
        if parameter.requires_grad
    ]
