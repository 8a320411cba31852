from __future__ import annotations

import os
import platform
import shutil
import time
from pathlib import Path

import pytest

from animeinterp.configs.errors import CacheError, ConfigError
from animeinterp.pipeline.compute.registry import STAGES
from animeinterp.pipeline.results.cache_contents import (
    check_cache,
    contents_of,
    fingerprint_folders,
    last_use,
    occupied,
    read_users,
    shard_folders,
)
from animeinterp.pipeline.store.commits import unfinished_folder
from animeinterp.pipeline.store.shard_manifest import note_damage, read_manifest
from tests.pipeline.run_folders import make_run
from tests.pipeline.small_runs import PAIRS, Opener


@pytest.fixture
def unused(finished: None, tmp_path: Path) -> Path:
    """The cache of a finished run that is on no record."""
    shutil.rmtree(tmp_path / "cache" / "runs")
    return tmp_path / "cache"


def test_every_fingerprint_is_listed_with_what_it_holds(finished_cache: Path) -> None:
    found = [contents_of(folder) for folder in fingerprint_folders(finished_cache)]
    assert [one.stage for one in found] == list(STAGES)
    for one in found:
        assert one.items == {"ok": PAIRS * (2 if STAGES[one.stage].unit == "frame" else 1)}
        assert (one.damaged, one.unreadable, one.trouble) == (0, 0, "")
        assert one.description is not None
        assert one.shards == len(list(one.path.glob("*.zarr")))
        assert one.size > sum(
            manifest.size for shard in one.path.glob("*.zarr") if (manifest := read_manifest(shard))
        )
        assert one.made <= one.written <= time.time()
    assert [path.parent.name for path in fingerprint_folders(finished_cache, "matching")] == ["matching"]


@pytest.mark.usefixtures("finished")
def test_what_is_damaged_is_counted_and_said(open_session: Opener) -> None:
    folder = open_session().folder("matching")
    first, second = shard_folders(folder)[:2]
    assert first.manifest is not None
    noted = first.manifest.items[0].id
    note_damage(first.path, {noted: "why"})
    (second.path / "manifest.json").write_text("{")
    (folder / "stage.json").write_text("{")
    found = contents_of(folder)
    assert (found.damaged, found.unreadable, found.description) == (1, 1, None)
    assert found.trouble == f"{folder / 'stage.json'}: damaged"
    assert second.manifest is not None
    assert found.items["ok"] == PAIRS - 1 - len(second.manifest.items)


def test_last_use_is_that_of_the_last_run_on_record(open_session: Opener, unused: Path) -> None:
    session, cache = open_session(), unused
    found = contents_of(session.folder("matching"))
    assert last_use(found, read_users(cache)) == found.written
    make_run(session, ended=found.written + 500)
    make_run(session, ended=found.written + 100)
    make_run(open_session("matching.area_penalty=9"), ended=found.written + 900)
    users = read_users(cache)
    assert last_use(found, users) == pytest.approx(found.written + 500, abs=1e-3)
    assert last_use(contents_of(session.folder("features")), users) == pytest.approx(
        found.written + 900, abs=1e-3
    )
    assert not users.live


def test_a_run_uses_only_what_its_results_rest_on(open_session: Opener, unused: Path) -> None:
    session = open_session("coarse_flow.method=zero")
    make_run(session, ended=time.time())
    assert [stage for stage, _ in read_users(unused).last] == list(STAGES)[3:]


@pytest.mark.usefixtures("finished")
def test_live_runs_and_writers_are_users(open_session: Opener, tmp_path: Path) -> None:
    session, cache = open_session(), tmp_path / "cache"
    dead = session.folder("coarse_flow") / f"wip-{platform.node()}-999999999-abcdef012345"
    dead.mkdir()
    make_run(session, process=999999999)
    assert not read_users(cache).live
    unfinished_folder(session.folder("matching") / "shard").mkdir()
    live = read_users(cache).live
    assert [stage for stage, _ in sorted(live)] == ["features", "matching", "segmentation"]
    assert all(who.startswith(f"the writer of wip-{platform.node()}-{os.getpid()}-") for who in live.values())
    other = open_session("matching.area_penalty=9")
    run = make_run(other)
    live = read_users(cache).live
    who = f"run {run.name} (process {os.getpid()} on {platform.node()})"
    assert live["matching", other.fingerprints["matching"]] == who
    assert live["segmentation", session.fingerprints["segmentation"]] == who


def test_files_that_vanish_occupy_nothing(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    (tmp_path / "a" / "file").write_bytes(os.urandom(5000))
    assert occupied(tmp_path) >= 5000
    shutil.rmtree(tmp_path / "a")
    assert occupied(tmp_path) == 0


def test_a_cache_that_is_not_there_and_an_unknown_stage(tmp_path: Path) -> None:
    check_cache(tmp_path, ["matching"])
    with pytest.raises(CacheError, match="not a cache; name its folder with --cache"):
        check_cache(tmp_path / "absent")
    with pytest.raises(ConfigError, match="stage 'match' is unknown; did you mean 'matching'"):
        check_cache(tmp_path, ["match"])
