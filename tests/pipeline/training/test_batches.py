from __future__ import annotations

import pytest
import torch

from animeinterp.configs.errors import ConfigError, DataError
from animeinterp.configs.loading import load_config
from animeinterp.pipeline.training.batches import Batches, split, whole_scene
from animeinterp.pipeline.training.plan import make_plan
from tests.pipeline.training.tiny_plans import MakePlan


def test_batches_follow_from_seed_and_step(plan_of: MakePlan) -> None:
    plan = plan_of()
    first, again = (Batches(plan.scenes, plan.section) for _ in range(2))
    again.batch(4)
    for step in (3, 0):
        for one, other in zip(first.batch(step), again.batch(step), strict=True):
            assert torch.equal(torch.as_tensor(one), torch.as_tensor(other))
    other = plan_of(seed=1)
    assert not torch.equal(Batches(other.scenes, other.section).batch(0).frame0, first.batch(0).frame0)


def test_every_scene_comes_once_before_any_comes_again(plan_of: MakePlan) -> None:
    plan = plan_of()
    batches = Batches(plan.scenes, plan.section)
    seen = [position for step in range(5) for position in batches.positions(step)]
    assert sorted(seen[:5]) == sorted(seen[5:]) == list(range(5))


def test_ahead_gives_the_same_batches(plan_of: MakePlan) -> None:
    plan = plan_of()
    batches = Batches(plan.scenes, plan.section)
    with batches.ahead(2, 5) as ahead:
        made = list(ahead)
    assert len(made) == 3
    for step, batch in zip(range(2, 5), made, strict=True):
        assert torch.equal(batch.start, batches.batch(step).start)


def test_shapes_and_parts(plan_of: MakePlan) -> None:
    plan = plan_of(batch=3)
    batch = Batches(plan.scenes, plan.section).batch(0)
    assert batch.frame0.shape == batch.middle.shape == (3, 3, 32, 32)
    assert batch.start.shape == batch.truth.shape == (6, 2, 32, 32)
    assert batch.occluded.shape == (6, 1, 32, 32)
    assert ((batch.t > 0) & (batch.t < 1)).all()
    one, two = split(batch, 2)
    assert (len(one.positions), len(two.positions)) == (1, 2)
    assert torch.equal(torch.cat([one.truth[:1], two.truth[:2]]), batch.truth[:3])
    assert torch.equal(torch.cat([one.truth[1:], two.truth[2:]]), batch.truth[3:])
    assert len(split(batch, 5)) == 3
    assert whole_scene(plan.scenes.scene(0), 0).truth.shape == (2, 2, 40, 48)


def test_refuses_frames_smaller_than_the_crop(plan_of: MakePlan) -> None:
    with pytest.raises(DataError, match=r"40x48.*training\.crop = 41 is larger.*at most 40"):
        plan_of(crop=41)


def test_refuses_to_train_on_nothing() -> None:
    with pytest.raises(ConfigError, match=r"training\.scenes is not set.*--set training\.scenes"):
        make_plan(load_config("train_light"))
