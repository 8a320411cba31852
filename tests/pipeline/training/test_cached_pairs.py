"""Training on the pairs of a dataset, from the coarse flows in the cache."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from animeinterp.configs.errors import ConfigError, DataError
from animeinterp.configs.loading import load_config
from animeinterp.data.images import read_image
from animeinterp.models.weights.light import load_light
from animeinterp.pipeline.planning.session import Session
from animeinterp.pipeline.training.batches import Batches
from animeinterp.pipeline.training.cached_pairs import CachedPairs
from animeinterp.pipeline.training.checkpoints import LAST, Log
from animeinterp.pipeline.training.loop import train
from animeinterp.pipeline.training.plan import make_plan
from animeinterp.pipeline.training.starts import Starts
from animeinterp.stages.inverse_search import search_flows
from tests.pipeline.small_runs import small_settings

TINY = (
    "training.source=cache",
    "training.crop=32",
    "training.batch=2",
    "training.iterations=1",
    "training.log_steps=1",
    "training.flow.steps=0",
    "training.synthesis.steps=2",
    "training.joint.steps=2",
)


@pytest.fixture
def settings(cartoons: Path, finished_cache: Path) -> list[str]:
    return small_settings(cartoons, finished_cache)


def test_pairs_are_the_frames_and_flows_of_the_cache(settings: list[str], tmp_path: Path) -> None:
    config = load_config("demo", settings)
    pairs = CachedPairs(config)
    session = Session.open(config, look_only=True)
    assert len(pairs) == len(session.manifest.pairs)
    scene, pair = pairs.scene(1), session.manifest.pairs[1]
    assert pair.truth is not None
    paths = [session.manifest.frames[pair.frames[0]].path, pair.truth.path]
    assert all(np.array_equal(scene.frames[k], read_image(path)) for k, path in enumerate(paths))
    location = session.current.locate("coarse_flow", 1)
    assert location is not None
    assert np.array_equal(scene.flows[1], location.read()["coarse_flow10"])
    section = config.training.model_copy(update={"crop": 32, "batch": 2})
    starts = Starts.of(pairs, tmp_path)
    batch = Batches(starts, section).batch(0)
    assert not batch.exact
    # The light refinement starts from flows that were searched, as it does in runs, the full one from these.
    assert not torch.equal(batch.start, batch.truth)
    searched = np.stack(search_flows(*(scene.frames[k] for k in (0, 2)), *scene.flows))
    assert np.array_equal(starts.flows(1, scene), searched)
    assert list(starts.prepare(len(pairs), workers=1))
    assert np.array_equal(starts.flows(1, scene), searched)
    full = Batches(starts, section.model_copy(update={"networks": "full"})).batch(0)
    assert torch.equal(full.start, full.truth)


def test_both_networks_learn_from_them(settings: list[str], tmp_path: Path) -> None:
    config = load_config("demo", [*settings, *TINY])
    plan = make_plan(config)
    before = plan.networks()
    assert train(plan) == 4
    entries = Log(plan.folder).entries()
    assert [entry["phase"] for entry in entries if entry["kind"] == "steps"] == ["synthesis"] * 2 + [
        "joint"
    ] * 2
    assert all("frame" in entry and "error" not in entry for entry in entries if entry["kind"] == "steps")
    after = load_light(plan.folder / LAST)
    for network, other in zip(before, after, strict=True):
        changed = [
            not torch.equal(a.half(), b.half())
            for a, b in zip(network.parameters(), other.parameters(), strict=True)
        ]
        assert any(changed)


def test_what_is_missing_is_told(settings: list[str], tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"training.flow.steps = 3: this phase needs true flows"):
        make_plan(load_config("demo", [*settings, *TINY, "training.flow.steps=3"]))
    elsewhere = [*settings, *TINY, f"store.cache={tmp_path}"]
    with pytest.raises(DataError, match="none of 4 pairs has both a ground truth and a current coarse flow"):
        make_plan(load_config("demo", elsewhere))
    with pytest.raises(DataError, match=r"its frames are 72x128, and training.crop = 100 is larger"):
        make_plan(load_config("demo", [*settings, *TINY, "training.crop=100"]))
