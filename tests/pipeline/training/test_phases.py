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


def test_a_phase_may_have_a_schedule_of_its_own() -> None:
    own = PhaseSection(steps=100, rate=1e-3, schedule="steps", warm_up=0.0, weight_decay=0.0)
    fixed = PhaseSection(steps=10, rate=1e-6, schedule="constant", warm_up=0.0)
    section = SECTION.model_copy(update={"synthesis": own, "joint": fixed})
    flow, synthesis, joint = phases_of(section)
    assert (flow.warm_up, flow.schedule, flow.weight_decay) == (0.1, "cosine", 1e-4)
    assert (synthesis.warm_up, synthesis.schedule, synthesis.weight_decay) == (0.0, "steps", 0.0)
    assert joint.weight_decay == 1e-4
    rates = [learning_rate(section, step) for step in range(100, 210)]
    assert rates[:100] == pytest.approx([1e-3] * 50 + [1e-4] * 25 + [1e-5] * 25)
    assert rates[100:] == [1e-6] * 10


def test_fingerprints_leave_out_what_a_phase_does_not_set() -> None:
    assert SECTION.fingerprinted()["flow"] == {"steps": 100, "rate": 1e-3}
    assert "networks" not in SECTION.fingerprinted()
    assert PhaseSection(steps=1, schedule="").schedule is None  # type: ignore[arg-type]


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
