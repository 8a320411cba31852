"""The promise of overnight runs: killed at any moment, a run resumes to the same bytes and loses nothing."""

from __future__ import annotations

import errno
import random
from pathlib import Path

import pytest
from rich.console import Console

from animeinterp.configs.errors import CacheError
from animeinterp.configs.files import json_lines
from animeinterp.configs.loading import load_config
from animeinterp.data.cartoon import write_dataset
from animeinterp.pipeline.compute.registry import STAGES
from animeinterp.pipeline.planning.selection import Selection
from animeinterp.pipeline.planning.session import Session
from animeinterp.pipeline.running.execute import execute
from animeinterp.pipeline.store.run_records import LOG_NAME, is_alive, read_runs
from tests.pipeline.fault_checks import Results, check_before_or_after, put_back, results, settings_for
from tests.pipeline.faults import KILLS, MOMENTS, Fault, run_to_the_end, running
from tests.pipeline.mounts import remount
from tests.pipeline.small_runs import Command, set_options
from tests.project import PATIENCE


@pytest.fixture(scope="module")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("tiny")
    write_dataset(root, 3, seed=0, size=(32, 48))
    return root


@pytest.fixture
def settings(tiny: Path, tmp_path: Path) -> list[str]:
    return settings_for(tiny, tmp_path / "cache")


@pytest.fixture(scope="module")
def expected(tiny: Path, tmp_path_factory: pytest.TempPathFactory) -> Results:
    """Digests of a run that nothing happened to."""
    settings = settings_for(tiny, tmp_path_factory.mktemp("whole") / "cache")
    assert run_to_the_end(settings) == 0
    return results(settings)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("moment", "replacing"),
    [
        (moment, replacing)
        for replacing in (False, True)
        for moment in MOMENTS
        if replacing or moment != "put aside"
    ],
)
def test_killed_at_every_moment_of_a_commit(
    settings: list[str], tmp_path: Path, expected: Results, moment: str, replacing: bool
) -> None:
    selection = Selection(force=frozenset({"matching", "synthesis"})) if replacing else Selection()
    if replacing:
        assert run_to_the_end(settings) == 0
    before: dict[Path, set[str]] = check_before_or_after(tmp_path / "cache")
    for number in (1, 2):
        assert run_to_the_end(settings, selection, Fault(moment, number, "kill")) == -9
        put_back(settings)
        after = check_before_or_after(tmp_path / "cache")
        assert all(after[path] >= items for path, items in before.items())
        before = after
    assert run_to_the_end(settings) == 0
    assert results(settings) == expected
    assert not list((tmp_path / "cache").rglob("wip-*"))


@pytest.mark.slow
@pytest.mark.parametrize("kills", KILLS)
def test_killed_at_random(settings: list[str], tmp_path: Path, expected: Results, kills: int) -> None:
    choice, cache = random.Random(0), tmp_path / "cache"
    before: dict[Path, set[str]] = {}
    longest = 1.0
    for _ in range(kills):
        # A run that has everything is made to replace some of it.
        done = results(settings) == expected
        force = frozenset({choice.choice(list(STAGES)[2:])}) if done else frozenset[str]()
        with running(settings, Selection(force=force)) as process:
            process.join(choice.uniform(0.05, longest))
            if process.exitcode is not None:
                longest = max(0.4, 0.8 * longest)  # kills are to come while it works
        assert process.exitcode in (-9, 0)
        put_back(settings)
        after = check_before_or_after(cache)
        assert all(after.get(path, set()) >= items for path, items in before.items())
        before = after
    assert run_to_the_end(settings) == 0
    assert results(settings) == expected
    assert not list(cache.rglob("wip-*"))
    runs = read_runs(cache)
    assert {info.state for _, info in runs} <= {"running", "finished"}
    assert not any(is_alive(info, folder) for folder, info in runs)


def test_two_runs_at_once_do_no_harm(settings: list[str], tmp_path: Path, expected: Results) -> None:
    for force in (frozenset[str](), frozenset({"segmentation", "matching", "synthesis"})):
        with (
            running(settings, Selection(force=force)) as one,
            running(settings, Selection(force=force)) as two,
        ):
            one.join(PATIENCE)
            two.join(PATIENCE)
            assert (one.exitcode, two.exitcode) == (0, 0)
        check_before_or_after(tmp_path / "cache")
        assert results(settings) == expected
    assert not list((tmp_path / "cache").rglob("wip-*"))


def test_runs_on_parts_of_the_data_keep_each_others_work(
    settings: list[str], tmp_path: Path, expected: Results
) -> None:
    together = [*settings, "store.pairs_per_shard=3"]
    names = [pair.id for pair in Session.open(load_config("demo", settings), look_only=True).manifest.pairs]
    runs = [running(together, Selection(ids=(name,))) for name in names]
    with runs[0] as one, runs[1] as two, runs[2] as three:
        for process in (one, two, three):
            process.join(PATIENCE)
        assert [process.exitcode for process in (one, two, three)] == [0, 0, 0]
    assert results(together) == expected


@pytest.mark.parametrize("moment", ["before write", "after data", "before rename"])
def test_full_disk_stops_the_run_with_a_clear_error(
    settings: list[str], tmp_path: Path, expected: Results, moment: str
) -> None:
    assert run_to_the_end(settings, None, Fault(moment, 4, "full")) == 2
    ((folder, info),) = read_runs(tmp_path / "cache")
    assert (info.state, info.exit_code) == ("refused", 2)
    said = json_lines(folder / LOG_NAME)[-1]["why"]
    assert "cannot be written (No space left on device" in said
    assert "make room ('animeinterp cache gc' shows what can go) and run the same command again" in said
    assert len(check_before_or_after(tmp_path / "cache")) == 3  # none is computed in vain after that
    assert not list((tmp_path / "cache").rglob("wip-*"))
    assert run_to_the_end(settings) == 0
    assert results(settings) == expected


@pytest.mark.privileged
def test_a_disk_that_is_really_full(small_disk: Path, tiny: Path, expected: Results) -> None:
    settings = settings_for(tiny, small_disk / "cache")
    assert run_to_the_end(settings) == 2
    check_before_or_after(small_disk / "cache")
    remount(small_disk, "size=50m")
    assert run_to_the_end(settings) == 0
    assert results(settings) == expected


def test_a_disk_that_fills_between_shards_stops_the_run_as_well(
    settings: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(Session, "prepare", full)
    with pytest.raises(CacheError, match=r"cannot be written \(No space left on device; .* GB free\)"):
        execute("demo", settings, Selection(), Console(quiet=True))


@pytest.mark.privileged
def test_a_cache_that_cannot_be_written_is_refused_and_can_be_looked_at(
    small_disk: Path, tiny: Path, expected: Results, command: Command
) -> None:
    remount(small_disk, "size=50m")
    settings = settings_for(tiny, small_disk / "cache")
    assert run_to_the_end(settings) == 0
    remount(small_disk, "ro")
    code, said = command("run", "demo", *set_options(settings))
    assert code == 2
    assert "cannot be written (Read-only file system)" in said
    assert results(settings) == expected
    code, said = command("status", "demo", *set_options(settings))
    assert code == 0
    assert "nothing to do" in said
    remount(small_disk, "rw")


def test_a_cache_on_a_path_with_spaces_and_other_letters(
    tiny: Path, tmp_path: Path, expected: Results
) -> None:
    settings = settings_for(tiny, tmp_path / "ein Ordner – 猫" / "cache")
    assert run_to_the_end(settings) == 0
    assert results(settings) == expected
