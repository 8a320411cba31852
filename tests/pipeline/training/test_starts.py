from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from animeinterp import interpolate
from animeinterp.configs.errors import CacheError
from animeinterp.configs.sections import TrainingSection
from animeinterp.data.images import to_uint8
from animeinterp.pipeline.training import starts
from animeinterp.pipeline.training.starts import composite_of, smooth_noise, starting_flows
from tests.pipeline.training.tiny_plans import MakePlan


def test_flows_of_scenes_are_those_that_the_light_refinement_starts_from(plan_of: MakePlan) -> None:
    plan = plan_of()
    scene = plan.scenes.scene(1)
    first, _, last = scene.frames
    flows = plan.starts.flows(1, scene)
    assert flows.dtype == np.float32
    assert flows.shape == (2, 2, 40, 48)
    made = to_uint8(composite_of(first, last, flows, 0.5))
    assert np.array_equal(made, interpolate(first, last, settings=["refinement.method=inverse_search"]))


def test_flows_are_kept_once(plan_of: MakePlan, monkeypatch: pytest.MonkeyPatch) -> None:
    plan = plan_of()
    expected = [plan.starts.flows(k, plan.scenes.scene(k)) for k in range(5)]
    assert list(plan.starts.prepare(5, 1)) == [(1, 1)]
    monkeypatch.setattr(starts, "searched_flows", lambda *_, **__: pytest.fail("computed again"))
    assert list(plan.starts.prepare(5, 1)) == []
    for k in range(5):
        assert np.array_equal(plan.starts.flows(k, plan.scenes.scene(k)), expected[k])


def test_damaged_files_are_no_loss(plan_of: MakePlan) -> None:
    plan = plan_of()
    expected = plan.starts.flows(0, plan.scenes.scene(0))
    list(plan.starts.prepare(5, 1))
    assert plan.starts.root is not None
    (path,) = plan.starts.root.iterdir()
    path.write_bytes(path.read_bytes()[:200])
    assert np.array_equal(plan.starts.flows(0, plan.scenes.scene(0)), expected)


def test_a_folder_that_cannot_be_written_is_named(plan_of: MakePlan) -> None:
    plan = plan_of()
    assert plan.starts.root is not None
    plan.starts.root.parent.mkdir(parents=True)
    plan.starts.root.write_text("")
    with pytest.raises(CacheError, match=r"00000\.npz: cannot be written"):
        list(plan.starts.prepare(5, 1))


def test_drawings_without_an_end_are_not_kept(plan_of: MakePlan, sets: Path) -> None:
    plan = plan_of(source="drawings", scenes=sets / "book", drawn_size=64)
    assert plan.starts.root is None
    assert list(plan.starts.prepare(10, 1)) == []
    assert plan.starts.flows(0, plan.scenes.scene(0)).shape == (2, 2, 64, 64)


def test_kinds_of_starts() -> None:
    searched = np.random.default_rng(1).normal(0, 4, (2, 2, 64, 68)).astype(np.float32)
    before = searched.copy()

    def start(seed: int, **settings: float) -> np.ndarray:
        section = TrainingSection(**settings)  # type: ignore[arg-type]
        return starting_flows(searched, section, np.random.default_rng(seed))

    assert not start(0, zero_starts=1.0).any()
    plain = start(0, zero_starts=0.0, start_noise=0.0)
    assert np.array_equal(plain, searched)
    noisy = start(0, zero_starts=0.0, start_noise=2.0)
    assert 0.05 < np.abs(noisy - plain).mean() < 4
    assert np.array_equal(noisy, start(0, zero_starts=0.0, start_noise=2.0))
    assert np.array_equal(searched, before)


def test_noise_is_smooth() -> None:
    noise = smooth_noise((96, 64), np.random.default_rng(0))
    assert noise.shape == (2, 96, 64)
    assert np.abs(np.diff(noise, axis=1)).max() < 0.5
