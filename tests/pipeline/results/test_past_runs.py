from __future__ import annotations

import time
from pathlib import Path

import pytest

from animeinterp.configs.errors import CacheError
from animeinterp.pipeline.results.past_runs import DIED, changed_settings, find_run, past_runs
from tests.pipeline.run_folders import make_run
from tests.pipeline.small_runs import Command, Opener, set_options

SHARD = {"event": "shard", "stage": "matching", "shard": "s", "computed": 2, "failed": 1, "skipped": 0}
EVENTS = [
    {"event": "begin", "totals": {"matching": 5}},
    SHARD | {"seconds": 1.5, "bytes": 1000, "peak_memory": 70},
    SHARD | {"seconds": 2.0, "bytes": 500, "peak_memory": 50},
    {"event": "trouble", "stage": "matching", "shard": "t", "what": "a gap"},
]


@pytest.fixture
def runs(open_session: Opener) -> list[str]:
    """Ids of three runs, the earliest first: finished with failures, died, going on."""
    session, now = open_session(limit=1), time.time()
    finished = make_run(
        session, started=now - 500, ended=now - 400, state="failed", exit_code=1, events=EVENTS
    )
    (finished / "failures.csv").write_text("stage,item,reason\nmatching,a,no pieces\n")
    died = make_run(session, started=now - 300, process=999999999, events=EVENTS[:2])
    going = make_run(session, started=now - 200)
    return [folder.name for folder in (finished, died, going)]


def test_runs_are_told_the_latest_first_with_what_they_did(runs: list[str], tmp_path: Path) -> None:
    going, died, finished = past_runs(tmp_path / "cache")
    assert [run.info.id for run in (finished, died, going)] == runs
    assert [run.state for run in (finished, died, going)] == ["failed", DIED, "running"]
    assert finished.duration.total_seconds() == pytest.approx(100, abs=0.01)
    assert died.duration.total_seconds() >= 299  # its record was just written
    assert going.duration.total_seconds() >= 199
    found = finished.stages["matching"]
    assert (found.planned, found.computed, found.failed, found.skipped) == (5, 4, 2, 0)
    assert (found.seconds, found.size, found.peak_memory) == (3.5, 1500, 70)
    assert (finished.sum("computed"), died.sum("computed"), going.sum("computed")) == (4, 2, 0)
    assert finished.command == "animeinterp run demo"


def test_settings_that_are_not_the_default(runs: list[str], tmp_path: Path) -> None:
    changed = changed_settings(find_run(tmp_path / "cache", runs[0]).info.config)
    assert changed["store.pairs_per_shard"] == (2, 16)
    assert changed["features.layers"][0] == ["relu1_1", "relu2_1"]
    assert "matching.area_penalty" not in changed


def test_a_run_is_found_by_the_beginning_of_its_id(runs: list[str], tmp_path: Path) -> None:
    assert find_run(tmp_path / "cache", runs[1][:-1]).info.id == runs[1]
    with pytest.raises(CacheError, match="ambiguous"):
        find_run(tmp_path / "cache", "2")
    with pytest.raises(CacheError, match=f"run '1999': not in .*, the latest is {runs[2]}"):
        find_run(tmp_path / "cache", "1999")
    with pytest.raises(CacheError, match="there are none"):
        find_run(tmp_path / "absent", "1999")


def test_history_lists_and_shows(
    command: Command, settings: list[str], runs: list[str], tmp_path: Path
) -> None:
    code, text = command("history", "demo", *set_options(settings))
    assert code == 0
    rows = [line.split() for line in text.splitlines()[2:]]
    assert [row[0] for row in rows] == runs[::-1]
    assert [row[3] for row in rows] == ["running", "died", "failed"]
    assert rows[2][-4:] == ["4", "2", "run", "demo"]
    place = ("--cache", str(tmp_path / "cache"))
    assert "2 earlier ones: --limit 3" in command("history", *place, "--limit", "1")[1]
    for arguments in ([runs[0], *place], ["demo", runs[0], *set_options(settings)]):
        code, text = command("history", *arguments)
        assert code == 0
        assert f"run {runs[0]}: failed, exit code 1" in text
        assert "store.pairs_per_shard = 2 (default 16)" in text
        assert "trouble: stage matching, shard t, what a gap" in text
        assert "failed: matching,a,no pieces" in text
        assert f"files: {tmp_path / 'cache' / 'runs' / runs[0]}" in text
        (row,) = [line.split() for line in text.splitlines() if line.startswith("matching ")]
        assert row[:6] == ["matching", "5", "4", "2", "0", "3.5"]


def test_history_of_a_real_run(command: Command, finished_cache: Path) -> None:
    (run,) = past_runs(finished_cache)
    assert run.state == "finished"
    assert run.sum("computed") == run.sum("planned")
    code, text = command("history", run.info.id, "--cache", str(finished_cache))
    assert code == 0
    assert "finished, exit code 0" in text


def test_history_of_nothing_and_of_no_id(command: Command, tmp_path: Path) -> None:
    (tmp_path / "cache").mkdir()
    place = ("--cache", str(tmp_path / "cache"))
    assert command("history", *place) == (0, f"cache: {tmp_path / 'cache'}\nno recorded runs\n")
    code, text = command("history", "demo", "nonsense", *place)
    assert code == 2
    assert "'nonsense' is not a run id" in text
