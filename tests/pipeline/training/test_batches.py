from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from animeinterp.configs.errors import ConfigError, DataError
from animeinterp.configs.loading import load_config
from animeinterp.data.cutouts import SetSettings, TrainingSet, write_training_set
from animeinterp.pipeline.training.batches import Batches, split, whole_scene
from animeinterp.pipeline.training.plan import make_plan
from tests.pipeline.training.tiny_plans import MakePlan


def test_batches_follow_from_seed_and_step(plan_of: MakePlan) -> None:
    plan = plan_of()
    first, again = (Batches(plan.starts, plan.section) for _ in range(2))
    again.batch(4)
    for step in (3, 0):
        for one, other in zip(first.batch(step), again.batch(step), strict=True):
            assert torch.equal(torch.as_tensor(one), torch.as_tensor(other))
    other = plan_of(seed=1)
    assert not torch.equal(Batches(other.starts, other.section).batch(0).frame0, first.batch(0).frame0)


def test_every_scene_comes_once_before_any_comes_again(plan_of: MakePlan) -> None:
    plan = plan_of()
    batches = Batches(plan.starts, plan.section)
    seen = [position for step in range(5) for position in batches.positions(step)]
    assert sorted(seen[:5]) == sorted(seen[5:]) == list(range(5))


def test_ahead_gives_the_same_batches(plan_of: MakePlan) -> None:
    plan = plan_of()
    batches = Batches(plan.starts, plan.section)
    with batches.ahead(2, 5) as ahead:
        made = list(ahead)
    assert len(made) == 3
    for step, batch in zip(range(2, 5), made, strict=True):
        assert torch.equal(batch.start, batches.batch(step).start)


@pytest.mark.slow
@pytest.mark.parametrize("source", ["scenes", "drawings"])
def test_processes_make_the_same_batches(source: str, plan_of: MakePlan, sets: Path) -> None:
    settings = {"source": source, "scenes": sets / ("training" if source == "scenes" else "book")}
    plan = plan_of(**settings, drawn_size=64, workers=2)
    batches = Batches(plan.starts, plan.section)
    with batches.ahead(1, 4) as ahead:
        made = list(ahead)
    for step, batch in zip(range(1, 4), made, strict=True):
        expected = batches.batch(step)
        assert batch.positions == expected.positions
        for one, other in zip(batch[:-2], expected[:-2], strict=True):
            assert torch.equal(torch.as_tensor(one), torch.as_tensor(other))
    assert plan_of(**settings, drawn_size=64).fingerprint == plan.fingerprint


def test_drawn_scenes_are_those_of_a_set(plan_of: MakePlan, sets: Path, tmp_path: Path) -> None:
    plan = plan_of(source="drawings", scenes=sets / "book", drawn_size=64)
    write_training_set(sets / "book", tmp_path / "set", SetSettings(3, (64, 64), cartoons=0.5))
    kept, drawn = TrainingSet(tmp_path / "set").scene(2), plan.scenes.scene(2)
    assert np.array_equal(kept.frames, drawn.frames)
    assert np.array_equal(kept.flows, drawn.flows)
    assert np.array_equal(kept.occluded, drawn.occluded)
    assert (kept.t, kept.seed, kept.degraded) == (drawn.t, drawn.seed, drawn.degraded)
    assert len(set(Batches(plan.starts, plan.section).positions(7))) == plan.section.batch
    other = plan_of(source="drawings", scenes=sets / "book", drawn_size=65)
    assert other.fingerprint != plan.fingerprint
    with pytest.raises(DataError, match="not a book of drawings"):
        plan_of(source="drawings", scenes=sets / "training")
    with pytest.raises(ConfigError, match="expected a folder of a book of drawings"):
        plan_of(source="drawings", scenes="")


def test_shapes_and_parts(plan_of: MakePlan) -> None:
    plan = plan_of(batch=3)
    batch = Batches(plan.starts, plan.section).batch(0)
    assert batch.frame0.shape == batch.middle.shape == (3, 3, 32, 32)
    assert batch.start.shape == batch.truth.shape == (6, 2, 32, 32)
    assert batch.occluded.shape == (6, 1, 32, 32)
    assert batch.composite.shape == batch.frame0.shape
    assert (batch.composite - batch.middle).abs().mean() < (batch.frame0 - batch.middle).abs().mean()
    assert ((batch.t > 0) & (batch.t < 1)).all()
    one, two = split(batch, 2)
    assert (len(one.positions), len(two.positions)) == (1, 2)
    assert torch.equal(torch.cat([one.truth[:1], two.truth[:2]]), batch.truth[:3])
    assert torch.equal(torch.cat([one.composite, two.composite]), batch.composite)
    assert torch.equal(torch.cat([one.truth[1:], two.truth[2:]]), batch.truth[3:])
    assert len(split(batch, 5)) == 3
    assert whole_scene(plan.scenes.scene(0), 0, plan.starts.flows(0, plan.scenes.scene(0))).truth.shape == (
        2,
        2,
        40,
        48,
    )


def test_each_step_draws_its_masks_at_a_size_of_its_own(plan_of: MakePlan) -> None:
    plan = plan_of(shrink=3.0)
    batches, again = (Batches(plan.starts, plan.section) for _ in (0, 1))
    found = [batches.batch(step) for step in range(4)]
    assert len({batch.shrink for batch in found}) == 4
    assert all(1 < batch.shrink < 3 for batch in found)
    assert again.batch(3).shrink == found[3].shrink
    assert {part.shrink for part in split(found[3], 2)} == {found[3].shrink}
    assert found[3].to(torch.device("cpu")).shrink == found[3].shrink
    plain = plan_of(shrink=1.0)
    unchanged = Batches(plain.starts, plain.section).batch(3)
    assert unchanged.shrink == 1
    assert torch.equal(unchanged.frame0, found[3].frame0)
    assert plain.fingerprint != plan.fingerprint


def test_refuses_frames_smaller_than_the_crop(plan_of: MakePlan) -> None:
    with pytest.raises(DataError, match=r"40x48.*training\.crop = 41 is larger.*at most 40"):
        plan_of(crop=41)


def test_refuses_to_train_on_nothing() -> None:
    with pytest.raises(ConfigError, match=r"training\.scenes is not set.*--set training\.scenes"):
        make_plan(load_config("train_light"))
