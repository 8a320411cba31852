"""What commands say of a results folder that other runs have written."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest

from tests.pipeline.small_runs import PAIRS, Command, set_options

OTHER = ("--set", "refinement.method=none")
DIFFERENCE = "refinement.method: light -> none"


@pytest.fixture
def options(finished: None, settings: list[str], tmp_path: Path) -> list[str]:
    return set_options([*settings, f"store.results={tmp_path / 'results'}"])


def test_a_run_with_other_settings_is_refused_until_it_may_replace(
    command: Command, options: list[str], tmp_path: Path
) -> None:
    assert command("run", "demo", *options, "-q")[0] == 0
    code, said = command("run", "demo", *options, *OTHER)
    assert code == 2
    lines = [line.strip() for line in said.splitlines()]
    assert DIFFERENCE in lines
    assert f"to keep both, name another folder: --set store.results={tmp_path / 'results-2'}" in lines
    for looking in (["status", "demo"], ["run", "demo", "--dry-run"]):
        code, said = command(*looking, *options, *OTHER)
        assert code == 0
        (told,) = [line for line in said.splitlines() if "holds results of another config (" in line]
        assert f"; {DIFFERENCE}; " in told
        assert told.endswith("): runs are refused without --replace-results")
    assert command("run", "demo", *options, *OTHER, "--limit", "2", "--replace-results", "-q")[0] == 0
    assert len(pd.read_csv(tmp_path / "results" / "scores.csv")) == 2
    code, said = command("evaluate", "demo", *options)
    assert code == 0  # the scores are in the cache: nothing is written
    assert "note: " in said
    assert "refinement.method: none -> light" in said


def test_status_and_runs_say_what_the_folder_holds(
    command: Command, options: list[str], tmp_path: Path
) -> None:
    results = tmp_path / "results"
    assert f"results: {results} (none yet)" in command("status", "demo", *options)[1]
    code, said = command("run", "demo", *options, "--limit", "1")
    assert code == 0
    assert f"results: {results} (1 frames of 1 pairs); 1 frames written now" in said
    assert command("run", "demo", *options, "-q")[0] == 0
    assert f"results: {results} ({PAIRS} frames of {PAIRS} pairs)" in command("status", "demo", *options)[1]


def test_the_demo_replaces_what_is_in_its_folder(command: Command, tmp_path: Path) -> None:
    small = ["--folder", str(tmp_path / "demo"), "--pairs", "1", "--height", "48", "--width", "80", "-q"]
    inline = ["--set", "executor.kind=inline"]
    assert command("demo", *small, *inline)[0] == 0
    assert command("demo", *small, *inline, *OTHER)[0] == 0
