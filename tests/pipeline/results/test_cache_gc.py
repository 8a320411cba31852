from __future__ import annotations

import os
import platform
import shutil
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from animeinterp.configs.files import json_lines
from animeinterp.configs.loading import load_config
from animeinterp.pipeline.compute.registry import STAGES
from animeinterp.pipeline.planning.session import Session
from animeinterp.pipeline.results.cache_contents import Key, current_keys, fingerprint_folders, shard_folders
from animeinterp.pipeline.results.cache_gc import Candidate, GcPlan, Scope, plan_gc, remove
from animeinterp.pipeline.store.acceptances import Acceptance, write_acceptance
from animeinterp.pipeline.store.commits import unfinished_folder
from animeinterp.pipeline.store.run_records import LOG_NAME, is_alive, read_runs
from animeinterp.pipeline.store.shard_manifest import note_damage
from animeinterp.pipeline.store.verification import verify_shard
from tests.pipeline.run_folders import make_run
from tests.pipeline.run_processes import start
from tests.pipeline.small_runs import Opener, Runner
from tests.project import PATIENCE

OTHER = "matching.area_penalty=7"
THIRD = "matching.area_penalty=9"
LATER = ("matching", "coarse_flow", "refinement", "synthesis", "evaluation")  # those that differ then

Keep = Callable[..., dict[Key, str]]


@pytest.fixture
def keep(settings: list[str], tmp_path: Path) -> Keep:
    """What a config with further settings uses."""

    def keep(*more: str) -> dict[Key, str]:
        return dict.fromkeys(
            current_keys(load_config("demo", [*settings, *more]), tmp_path / "cache"), "config demo"
        )

    return keep


@pytest.fixture
def cache(finished: None, run: Runner, tmp_path: Path) -> Path:
    """A cache with the results of two configs, and no run on record."""
    run(OTHER)
    shutil.rmtree(tmp_path / "cache" / "runs")
    return tmp_path / "cache"


def paths(plan: GcPlan) -> list[Path]:
    return [candidate.path for candidate in plan.candidates]


def outputs(session: Session) -> dict[str, list[object]]:
    return {stage: [record and record.output for _, record in session.records(stage)] for stage in STAGES}


def test_only_what_no_config_uses_is_unused(cache: Path, keep: Keep, open_session: Opener) -> None:
    plan = plan_gc(cache, keep(), Scope(unused=True))
    other = open_session(OTHER)
    assert paths(plan) == [other.folder(stage) for stage in LATER]
    assert plan.spared == keep()
    assert plan.size == sum(candidate.size for candidate in plan.candidates) > 0
    assert not paths(plan_gc(cache, keep() | keep(OTHER), Scope(unused=True)))
    assert len(paths(plan_gc(cache, {}, Scope(unused=True)))) == len(STAGES) + len(LATER)


def test_results_that_were_accepted_are_used(cache: Path, keep: Keep, open_session: Opener) -> None:
    plain = open_session().fingerprints
    new = open_session(THIRD).fingerprints["matching"]
    write_acceptance(cache, Acceptance("matching", new, plain["matching"], ("a change",), "2026-01-31"))
    assert keep(THIRD) == dict.fromkeys(plain.items(), "config demo")


def test_scopes_limit_each_other(cache: Path, keep: Keep, open_session: Opener) -> None:
    folder = open_session(OTHER).folder("synthesis")
    assert paths(plan_gc(cache, keep(), Scope(stage="synthesis"))) == [folder]
    assert paths(plan_gc(cache, keep(), Scope(fingerprint=folder.name[:6]))) == [folder]
    assert not paths(plan_gc(cache, keep(), Scope(stage="matching", fingerprint=folder.name)))
    assert not paths(plan_gc(cache, keep(), Scope(older_than=1)))
    kept = open_session().folder("synthesis")
    plan = plan_gc(cache, keep(), Scope(fingerprint=kept.name))
    assert (paths(plan), plan.spared) == ([], {("synthesis", kept.name): "config demo"})
    assert Scope().empty
    assert not any(scope.empty for scope in (Scope(older_than=0), Scope(stage="a"), Scope(left_over=True)))
    assert not Scope(superseded=True, stage="matching").results


def test_age_is_that_of_the_last_use(cache: Path, keep: Keep, open_session: Opener) -> None:
    for path in cache.rglob("*.json"):
        os.utime(path, (10, 10))
    assert len(paths(plan_gc(cache, keep(), Scope(older_than=1)))) == len(LATER)
    make_run(open_session(OTHER, last="coarse_flow"), ended=time.time())
    plan = plan_gc(cache, keep(), Scope(older_than=1))
    assert [path.parent.name for path in paths(plan)] == list(LATER[2:])
    assert not paths(plan_gc(cache, keep(), Scope(older_than=1e5)))


@pytest.mark.slow
def test_what_has_gone_is_computed_again(cache: Path, keep: Keep, open_session: Opener, run: Runner) -> None:
    expected, other = outputs(open_session()), outputs(open_session(OTHER))
    plan = plan_gc(cache, keep(), Scope(unused=True))
    assert [remove(cache, candidate) for candidate in plan.candidates] == [""] * len(LATER)
    assert {path.name for path in cache.glob("*/*")} == {name for _, name in keep()}
    assert outputs(open_session()) == expected
    assert set(run(OTHER).computed) == set(LATER)
    assert outputs(open_session(OTHER)) == other
    assert remove(cache, Candidate("results", cache / "absent", ("", ""), 0, 0, 0.0, "")) != ""


def test_live_runs_and_writers_are_left_alone(cache: Path, keep: Keep, open_session: Opener) -> None:
    everything = Scope(unused=True)
    plan = plan_gc(cache, keep(), everything)
    writer = unfinished_folder(open_session(OTHER).folder("refinement") / "shard")
    writer.mkdir()
    found = plan_gc(cache, keep(), everything)
    assert [path.parent.name for path in paths(found)] == ["synthesis", "evaluation"]
    left = {candidate.key[0]: remove(cache, candidate) for candidate in plan.candidates[:3]}
    assert all(why == f"the writer of {writer.name} uses it" for why in left.values())
    writer.rmdir()
    folder = make_run(open_session(OTHER))
    found = plan_gc(cache, keep(), everything)
    assert not paths(found)
    assert {who for key, who in found.spared.items() if key not in keep()} == {
        f"run {folder.name} (process {os.getpid()} on {platform.node()})"
    }


def test_a_run_that_begins_after_the_plan_is_left_alone(
    cache: Path, keep: Keep, open_session: Opener
) -> None:
    before = outputs(open_session(OTHER))
    plan = plan_gc(cache, keep(), Scope(unused=True))
    make_run(open_session(OTHER))
    assert all(remove(cache, candidate).endswith(" uses it") for candidate in plan.candidates)
    shutil.rmtree(cache / "runs")
    make_run(open_session(OTHER), ended=time.time() + 1)
    assert {remove(cache, candidate) for candidate in plan.candidates} == {"a run has used it since"}
    assert outputs(open_session(OTHER)) == before
    assert not list(cache.rglob("wip-*"))


@pytest.mark.parametrize("made_anew", [False, True])
def test_a_run_that_begins_at_the_very_moment_gets_its_results_back(
    cache: Path, keep: Keep, open_session: Opener, monkeypatch: pytest.MonkeyPatch, made_anew: bool
) -> None:
    session = open_session(OTHER)
    before = outputs(session)
    plan = plan_gc(cache, keep(), Scope(stage="matching"))
    (candidate,) = plan.candidates
    rename = Path.rename

    def overtaken(path: Path, target: Path) -> Path:
        done = rename(path, target)
        if path == candidate.path and target.name.startswith("wip-"):
            make_run(session)
            if made_anew:
                session.prepare("matching")
        return done

    monkeypatch.setattr(Path, "rename", overtaken)
    assert remove(cache, candidate).endswith(" uses it")
    assert outputs(open_session(OTHER)) == before
    assert all(verify_shard(path).sound for path in candidate.path.glob("*.zarr"))
    assert not list(cache.rglob("wip-*"))


def test_shards_whose_items_a_later_one_holds_are_superseded(
    cache: Path, keep: Keep, open_session: Opener, run: Runner
) -> None:
    scope = Scope(superseded=True)
    assert not paths(plan_gc(cache, keep(), scope))
    before = outputs(open_session())
    folder = open_session().folder("matching")
    former = set(folder.glob("*.zarr"))
    run(
        "store.pairs_per_shard=4", "store.shard_megapixels=99", last="matching", force=frozenset({"matching"})
    )
    shutil.rmtree(cache / "runs")
    superseded = {shard.path for shard in shard_folders(folder)[1:]} & former
    latest = shard_folders(folder)[0]
    assert latest.manifest is not None
    plan = plan_gc(cache, keep(), scope)
    assert superseded
    assert set(paths(plan)) == superseded
    item = latest.manifest.items[-1].id
    note_damage(latest.path, {item: "why"})
    spared = superseded - set(paths(plan_gc(cache, keep(), scope)))
    assert len(spared) == 1  # the one that still has the item
    left = [candidate for candidate in plan.candidates if remove(cache, candidate)]
    assert {candidate.path for candidate in left} == spared
    assert outputs(open_session()) == before
    (latest.path / "damaged.json").unlink()
    make_run(open_session())
    assert not paths(plan_gc(cache, keep(), scope))


def test_left_overs_go_when_their_writer_has_died(cache: Path, keep: Keep, open_session: Opener) -> None:
    folder = open_session().folder("matching")
    dead = f"wip-{platform.node()}-999999999-abcdef012345"
    shard = next(folder.glob("*.zarr"))
    gone = [folder / dead, folder.parent / dead, folder / f"{dead}-replaced-{shard.name}"]
    stay = [unfinished_folder(folder / "shard"), folder / f"{dead}-replaced-only-copy.zarr"]
    for path in (*gone, *stay):
        path.mkdir()
        (path / "file").write_bytes(os.urandom(5000))
    plan = plan_gc(cache, keep(), Scope(left_over=True))
    assert sorted(paths(plan)) == sorted(gone)
    assert plan.size >= 15000
    assert not any(remove(cache, candidate) for candidate in plan.candidates)
    assert not any(path.exists() for path in gone)
    assert all(path.exists() for path in stay)


def test_records_of_runs_go_by_age_when_asked_for(cache: Path, keep: Keep, open_session: Opener) -> None:
    session, now = open_session(), time.time()
    old = make_run(session, ended=now - 40 * 86400)
    died = make_run(session, started=now - 50 * 86400, process=999999999)
    make_run(session, ended=now - 86400)
    make_run(session, started=now - 50 * 86400)  # still going
    plan = plan_gc(cache, keep(), Scope(runs_older_than=30))
    assert set(paths(plan)) == {old, died}
    assert not any(remove(cache, candidate) for candidate in plan.candidates)
    assert len(read_runs(cache)) == 2
    assert not paths(plan_gc(cache, keep(), Scope(unused=True, left_over=True, superseded=True)))[
        len(LATER) :
    ]


def live_runs(cache: Path) -> Iterator[tuple[Path, dict[str, str]]]:
    for folder, info in read_runs(cache):
        if is_alive(info, folder):
            yield folder, info.fingerprints


@pytest.mark.slow
@pytest.mark.parametrize("running", [[], [THIRD]], ids=["the same config", "another config"])
def test_runs_that_go_on_meanwhile_end_with_all_results_right(
    cache: Path,
    keep: Keep,
    settings: list[str],
    open_session: Opener,
    running: list[str],
) -> None:
    expected = outputs(open_session())
    for folder in fingerprint_folders(cache):
        if (folder.parent.name, folder.name) in keep() and folder.parent.name in LATER[1:]:
            shutil.rmtree(folder)  # so that the run has something to do, and results before it to read
    process = start([*settings, *running])
    try:
        patience = time.monotonic() + PATIENCE
        while not any(live_runs(cache)):
            assert process.poll() is None, process.communicate()[0]
            assert time.monotonic() < patience
            time.sleep(0.01)
        rounds = 0
        while process.poll() is None:
            plan = plan_gc(cache, keep(), Scope(unused=True, superseded=True, left_over=True))
            if not any(live_runs(cache)):
                break  # what it used may go from now on
            for candidate in plan.candidates:
                remove(cache, candidate)
            rounds += 1
            time.sleep(0.05)  # the run wants to get on
        printed, _ = process.communicate()
    finally:
        process.kill()
    assert process.returncode == 0, printed
    assert rounds
    ((folder, info),) = read_runs(cache)
    assert info.state == "finished"
    assert not [event for event in json_lines(folder / LOG_NAME) if event["event"] in ("trouble", "repair")]
    session = open_session(*running)
    if not running:
        assert outputs(session) == expected
    assert all(record is not None for stage in STAGES for record in outputs(session)[stage])
