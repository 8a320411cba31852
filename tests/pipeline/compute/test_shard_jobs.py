from __future__ import annotations

import pickle
from collections import Counter
from dataclasses import replace
from pathlib import Path

import pytest

from animeinterp.configs.errors import CacheError
from animeinterp.configs.loading import load_config
from animeinterp.pipeline.compute.shard_jobs import ItemJob, ShardJob, run_shard
from animeinterp.pipeline.planning.selection import Selection
from animeinterp.pipeline.planning.session import Session
from animeinterp.pipeline.planning.shard_planning import shard_job
from animeinterp.pipeline.store.shard_manifest import ShardManifest, read_manifest
from animeinterp.pipeline.store.shards import read_item
from animeinterp.pipeline.store.versions import library_versions
from tests.pipeline.damaged_shards import damage
from tests.pipeline.small_runs import Opener, Runner, small_settings


@pytest.fixture(scope="module")
def segmentation(cartoons: Path, finished_cache: Path) -> ShardJob:
    """The first shard of a finished run's frames, to be computed again; commit it elsewhere."""
    config = load_config("demo", small_settings(cartoons, finished_cache))
    session = Session.open(config, Selection(force=frozenset({"segmentation"})))
    return shard_job(session, "segmentation", 0)


@pytest.fixture
def job(segmentation: ShardJob, tmp_path: Path) -> ShardJob:
    return replace(segmentation, path=tmp_path / "shard.zarr")


def with_item(job: ShardJob, number: int, item: ItemJob) -> ShardJob:
    return replace(job, items=(*job.items[:number], item, *job.items[number + 1 :]))


def committed(path: Path) -> ShardManifest:
    manifest = read_manifest(path)
    assert manifest is not None
    return manifest


def test_a_shard_is_computed_and_committed(segmentation: ShardJob, job: ShardJob) -> None:
    outcome = run_shard(pickle.loads(pickle.dumps(job)))
    assert (outcome.stage, outcome.shard) == (job.stage, job.shard)
    assert (outcome.computed, outcome.skipped, outcome.failures) == (len(job.items), 0, ())
    assert outcome.counts == Counter(ok=len(job.items))
    assert outcome.seconds > 0
    assert outcome.size > 0
    assert outcome.peak_memory > 50e6
    manifest, before = committed(job.path), committed(segmentation.path)
    assert [(r.id, r.input, r.output) for r in manifest.items] == [
        (r.id, r.input, r.output) for r in before.items
    ]
    assert manifest.fingerprint == job.fingerprint
    assert manifest.versions == library_versions()
    assert read_item(job.path, manifest, 0).keys() == {"label_map", "area", "centroid", "box"}


def test_a_bad_item_fails_alone_with_its_reason(job: ShardJob, tmp_path: Path) -> None:
    (tmp_path / "bad.png").write_bytes(b"")
    source = job.items[1].source
    assert source is not None
    bad = replace(job.items[1], source=replace(source, frames=(tmp_path / "bad.png",)))
    outcome = run_shard(with_item(job, 1, bad))
    assert [failure.id for failure in outcome.failures] == [bad.id]
    assert outcome.counts == Counter(ok=len(job.items) - 1, failed=1)
    assert outcome.computed == len(job.items)
    record = committed(job.path).items[1]
    assert record.status == "failed"
    assert record.input == bad.input
    assert record.reason == f"{tmp_path / 'bad.png'}: empty file (0 bytes); expected an image; replace it"


def test_unforeseen_errors_are_named_with_their_type(job: ShardJob) -> None:
    source = job.items[0].source
    assert source is not None
    run_shard(with_item(job, 0, replace(job.items[0], source=replace(source, frames=()))))
    assert committed(job.path).items[0].reason.startswith("IndexError: ")


def test_items_without_a_source_are_recorded_as_told(job: ShardJob) -> None:
    job = with_item(job, 0, ItemJob("a", "in a", status="skipped", reason="no ground truth"))
    job = with_item(job, 1, ItemJob("b", "in b", status="failed", reason="one image"))
    outcome = run_shard(job)
    assert (outcome.computed, outcome.skipped) == (len(job.items) - 1, 1)
    assert [failure.id for failure in outcome.failures] == ["b"]
    records = committed(job.path).items[:2]
    assert [(r.status, r.input, r.reason, r.output) for r in records] == [
        ("skipped", "in a", "no ground truth", {}),
        ("failed", "in b", "one image", {}),
    ]


def keep(job: ShardJob) -> ShardJob:
    records = committed(job.path).items
    return replace(job, items=tuple(replace(i, kept=r) for i, r in zip(job.items, records, strict=True)))


def test_what_is_good_is_carried_over_and_not_computed(job: ShardJob) -> None:
    run_shard(job)
    before = committed(job.path)
    outcome = run_shard(keep(job))
    assert (outcome.computed, outcome.skipped) == (0, 0)
    assert outcome.counts == Counter(ok=len(job.items))
    after = committed(job.path)
    assert after.items == before.items
    for row in range(len(after.items)):
        read_item(job.path, after, row)


@pytest.mark.parametrize("lost", [True, False])
def test_carried_items_that_are_damaged_are_computed_again(job: ShardJob, lost: bool) -> None:
    run_shard(job)
    before, kept = committed(job.path), keep(job)
    damage(job.path, "label_map")
    if lost:
        (job.path / "manifest.json").unlink()
    run_shard(kept)
    after = committed(job.path)
    assert [record.output for record in after.items] == [record.output for record in before.items]
    for row in range(len(after.items)):
        read_item(job.path, after, row)


def test_failed_and_skipped_items_are_carried_over_too(job: ShardJob) -> None:
    run_shard(with_item(job, 0, ItemJob("a", "", status="skipped", reason="no ground truth")))
    outcome = run_shard(keep(job))
    assert outcome.counts == Counter(ok=len(job.items) - 1, skipped=1)
    assert outcome.computed == outcome.skipped == 0


@pytest.mark.parametrize("damaged", [False, True])
def test_items_of_other_runs_are_carried_over_unless_damaged(job: ShardJob, damaged: bool) -> None:
    run_shard(job)
    if damaged:
        damage(job.path, "label_map")
    first = job.items[0]
    outcome = run_shard(replace(job, items=(first,)))
    assert outcome.computed == 1
    ids = [record.id for record in committed(job.path).items]
    assert ids == [first.id] if damaged else [item.id for item in job.items]


def test_what_was_committed_since_the_plan_is_not_computed_again(job: ShardJob) -> None:
    outcome = run_shard(job)
    before = committed(job.path)
    repeated = run_shard(job)
    assert committed(job.path) == before
    assert (repeated.computed, repeated.counts) == (outcome.computed, outcome.counts)
    assert repeated.size == before.size
    damage(job.path, "label_map")
    run_shard(job)
    after = committed(job.path)
    assert [record.output for record in after.items] == [record.output for record in before.items]
    assert after != before


def test_what_is_to_be_replaced_is_computed_again_once(job: ShardJob) -> None:
    run_shard(job)
    before = committed(job.path)
    items = tuple(replace(i, former=r) for i, r in zip(job.items, before.items, strict=True))
    again = replace(job, items=items, present=True)
    run_shard(again)
    after = committed(job.path)
    assert all(new.seconds != old.seconds for new, old in zip(after.items, before.items, strict=True))
    run_shard(again)
    assert committed(job.path) == after


def test_an_item_found_to_have_failed_is_recorded_in_place_of_a_good_one(job: ShardJob) -> None:
    run_shard(job)
    first = job.items[0]
    run_shard(replace(job, items=(ItemJob(first.id, first.input, status="failed", reason="deadly"),)))
    assert committed(job.path).items[0].reason == "deadly"


def test_what_a_worker_that_died_had_put_aside_is_put_back(job: ShardJob) -> None:
    run_shard(job)
    job.path.rename(job.path.with_name(f"wip-elsewhere-1-{12 * '0'}-replaced-{job.path.name}"))
    first = job.items[0]
    outcome = run_shard(replace(job, items=(first,), present=True))
    assert outcome.counts == Counter(ok=len(job.items))
    assert [record.id for record in committed(job.path).items] == [item.id for item in job.items]
    assert [path.name for path in job.path.parent.iterdir()] == [job.path.name]


def test_a_session_hands_on_what_it_takes_to_mend_a_damaged_item(run: Runner, open_session: Opener) -> None:
    together = "store.pairs_per_shard=16"
    run(together, last="coarse_flow")
    session = open_session(together)
    first, *others = (
        session.layout.item_id("coarse_flow", item) for item in session.layout.items("coarse_flow", 0)
    )
    assert others
    path = session.shard_path("coarse_flow", 0)
    before = committed(path)
    damage(path, "coarse_flow01")
    run(together, last="coarse_flow", ids=(first,), force=frozenset({"coarse_flow"}))
    after = committed(path)
    assert [record.output for record in after.items] == [record.output for record in before.items]
    for row in range(len(after.items)):
        read_item(path, after, row)


def test_trouble_with_the_disk_is_raised_and_commits_nothing(job: ShardJob, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(OSError, match="file"):
        run_shard(replace(job, path=tmp_path / "file" / "shard.zarr"))
    assert [path.name for path in tmp_path.iterdir()] == ["file"]


def test_upstream_that_has_gone_is_raised_and_commits_nothing(
    finished: None, open_session: Opener, tmp_path: Path
) -> None:
    session = open_session(force=frozenset({"features"}))
    job = replace(shard_job(session, "features", 0), path=tmp_path / "shard.zarr")
    (session.shard_path("segmentation", 0) / "manifest.json").unlink()
    with pytest.raises(CacheError, match="disappeared or changed during the run; run again"):
        run_shard(job)
    assert not job.path.exists()
