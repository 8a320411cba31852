from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path

import pytest

from animeinterp.data.cartoon import write_dataset
from animeinterp.pipeline.compute.registry import STAGES
from animeinterp.pipeline.planning.estimates import (
    Estimate,
    PastRate,
    PastRates,
    StageEstimate,
    estimate,
    free_space,
    space_note,
    workers,
)
from animeinterp.pipeline.store.shard_manifest import FileState, read_manifest, write_manifest
from tests.pipeline.small_runs import PAIRS, SIZE, Opener

RATE = PastRate(10, 2.0, 1000.0, 100.0, "as now")


def test_nothing_to_do_takes_nothing(finished: None, open_session: Opener) -> None:
    found = estimate(open_session())
    assert (found.stages, found.seconds, found.size, found.unknown) == ((), 0, 0, ())


def test_without_a_past_nothing_is_known(open_session: Opener) -> None:
    found = estimate(open_session())
    assert found.unknown == tuple(STAGES)
    assert [stage.items for stage in found.stages] == [2 * PAIRS] * 2 + [PAIRS] * 5
    assert found.seconds == found.size == 0


def test_rates_are_those_of_the_manifests(finished: None, open_session: Opener) -> None:
    session = open_session(force=frozenset({"matching"}))
    records = [record for _, record in session.records("matching") if record is not None]
    found = PastRates(session).rate("matching")
    assert found is not None
    assert found.items == PAIRS
    assert found.source == "as now"
    assert found.seconds == pytest.approx(sum(record.seconds for record in records) / PAIRS)
    assert (
        found.size == sum(shard.size for shard in session.current.index("matching").shards.values()) / PAIRS
    )
    assert found.pixels == SIZE[0] * SIZE[1]
    (stage,) = estimate(session).stages
    assert (stage.stage, stage.items, stage.scale) == ("matching", PAIRS, 1.0)
    assert stage.seconds == pytest.approx(found.seconds * PAIRS)
    assert stage.shards == len(session.layout.wanted_groups("matching"))


def test_other_settings_serve_where_there_is_nothing_else(finished: None, open_session: Opener) -> None:
    before = open_session()
    session = open_session("coarse_flow.max_shift=99")
    found = estimate(session)
    assert [stage.stage for stage in found.stages] == list(STAGES)[3:]
    rate = found.stages[0].rate
    assert rate is not None
    assert rate.source == f"as {before.fingerprints['coarse_flow'][:8]}"
    assert rate.items == PAIRS


def test_larger_frames_take_more(
    finished: None, open_session: Opener, cartoons: Path, tmp_path: Path
) -> None:
    root = tmp_path / "mixed"
    write_dataset(root, 1, seed=50, size=(SIZE[0] * 2, SIZE[1] * 2))
    for folder in ("test_2k_540p", "test_2k_annotations"):
        shutil.copytree(cartoons / folder, root / folder, dirs_exist_ok=True)
    session = open_session(f"data.root='{root}'")
    found = {stage.stage: stage for stage in estimate(session).stages}
    new = len(session.manifest.pairs) - PAIRS
    assert found["refinement"].items == new
    assert found["refinement"].scale == pytest.approx(4.0)


def test_frames_of_unknown_size_are_not_scaled(finished: None, open_session: Opener, tmp_path: Path) -> None:
    write_dataset(tmp_path / "others", 1, seed=50, size=(SIZE[0] * 2, SIZE[1] * 2))
    found = estimate(open_session(f"data.root='{tmp_path / 'others'}'"))
    assert found.stages[0].rate is not None
    assert found.stages[0].rate.pixels is None
    assert found.stages[0].scale == 1.0


def test_work_is_divided_by_the_workers_as_far_as_there_are_shards() -> None:
    many, few = StageEstimate("matching", 12, 6, RATE), StageEstimate("coarse_flow", 3, 1, RATE)
    unknown = StageEstimate("refinement", 3, 1, None)
    found = Estimate((many, few, unknown), 4, 0)
    assert found.seconds == 24 / 4 + 6
    assert found.size == 15_000
    assert found.unknown == ("refinement",)
    assert replace(found, workers=None).seconds == 30
    assert replace(many, scale=2.0).seconds == 48


def test_workers_are_those_of_the_executor(open_session: Opener) -> None:
    assert workers(open_session()) == 1
    three = ("executor.kind=local", "executor.workers=3")
    assert workers(open_session(*three, "store.pairs_per_shard=1")) == 3
    assert workers(open_session(*three, limit=1)) == 1  # there is one shard
    assert workers(open_session("executor.kind=tcp://localhost:1")) is None


def test_free_space_of_a_folder_that_is_not_there_is_its_parents(tmp_path: Path) -> None:
    assert free_space(tmp_path / "not" / "there") == pytest.approx(free_space(tmp_path), rel=0.2)


def test_a_disk_too_small_is_noted(finished: None, open_session: Opener) -> None:
    assert space_note(open_session("coarse_flow.max_shift=99")) is None
    for shard in open_session().folder("coarse_flow").glob("*.zarr"):
        manifest = read_manifest(shard)
        assert manifest is not None
        write_manifest(shard, replace(manifest, files={"vast": FileState(10**16, 0)}))
    note = space_note(open_session("coarse_flow.max_shift=99"))
    assert note is not None
    assert "store.cache" in note
    assert "TB are needed" in note
