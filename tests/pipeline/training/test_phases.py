from __future__ import annotations

import pytest
from pydantic import ValidationError

from animeinterp.configs.sections import PhaseSection, TrainingSection
from animeinterp.models.weights.light import new_networks
from animeinterp.pipeline.training.phases import learning_rate, phase_at, phases_of, set_learning

SECTION = TrainingSection(
    flow=PhaseSection(steps=100, rate=1e-3),
    synthesis=PhaseSection(steps=0),
    joint=PhaseSection(steps=50, rate=1e-4),
    warm_up=0.1,
)


def test_phases_follow_each_other_and_those_without_steps_are_left_out() -> None:
    assert [(phase.name, phase.first, phase.last) for phase in phases_of(SECTION)] == [
        ("flow", 0, 100),
        ("joint", 100, 150),
    ]
    assert [phase_at(SECTION, step).name for step in (0, 99, 100, 150)] == ["flow", "flow", "joint", "joint"]
    with pytest.raises(ValidationError, match="are all 0"):
        TrainingSection(flow=PhaseSection(), synthesis=PhaseSection(), joint=PhaseSection())


@pytest.mark.parametrize("schedule", ["cosine", "linear"])
def test_rate_rises_falls_and_starts_again(schedule: str) -> None:
    section = SECTION.model_copy(update={"schedule": schedule})
    rates = [learning_rate(section, step) for step in range(150)]
    assert rates[9] == max(rates[:100]) == pytest.approx(1e-3)
    assert rates[:10] == sorted(rates[:10])
    assert rates[9:100] == sorted(rates[9:100], reverse=True)
    assert rates[99] == pytest.approx(1e-5)
    assert max(rates[100:]) == pytest.approx(1e-4)


def test_what_learns() -> None:
    networks = new_networks(0)
    counts = {
        name: sum(p.numel() for p in set_learning(networks, name)) for name in ("flow", "synthesis", "joint")
    }
    importance = sum(p.numel() for p in networks.refinement.importance.parameters())
    refinement, synthesis = (sum(p.numel() for p in network.parameters()) for network in networks)
    assert counts == {
        "flow": refinement - importance,
        "synthesis": synthesis + importance,
        "joint": refinement + synthesis,
    }
