from __future__ import annotations

import shlex
from importlib.util import find_spec
from pathlib import Path

import pandas as pd

from tests.html_page import Page
from tests.pipeline.damaged_shards import damage
from tests.pipeline.small_runs import PAIRS, Command, Opener, Runner, set_options


def test_report_of_a_finished_run(
    finished: None, command: Command, settings: list[str], tmp_path: Path
) -> None:
    code, said = command("report", "demo", *set_options(settings), "--pages", "1")
    assert code == 0
    folder = tmp_path / "report"
    lines = said.splitlines()
    assert lines[0] == str(folder / "report.html")
    assert {str(folder / name) for name in ("scores.csv", "items.csv")} < set(lines)
    if find_spec("pyarrow") is None:
        assert lines[3].startswith("note: scores.parquet needs pyarrow")
    assert len(list((tmp_path / "inspect").glob("*.html"))) == 1


def test_report_goes_where_it_is_told_and_is_of_the_pairs_asked_for(
    finished: None, command: Command, settings: list[str], tmp_path: Path
) -> None:
    out = tmp_path / "elsewhere"
    code, _ = command(
        "report", "demo", *set_options(settings), "-o", str(out), "--limit", "2", "--by", "ssim"
    )
    assert code == 0
    assert len(pd.read_csv(out / "scores.csv")) == 2
    assert "Worst pairs, by SSIM" in Page((out / "report.html").read_text(encoding="utf-8")).text


def test_report_names_the_command_that_runs_the_rest(
    command: Command, settings: list[str], tmp_path: Path
) -> None:
    options = set_options(settings)
    assert command("report", "demo", *options)[0] == 0
    page = Page((tmp_path / "report" / "report.html").read_text(encoding="utf-8"))
    assert shlex.join(["animeinterp", "run", "-c", "demo", *options]) in page.text


def test_report_refuses_what_is_no_score(command: Command, settings: list[str]) -> None:
    code, said = command("report", "demo", *set_options(settings), "--by", "level")
    assert code == 2
    assert "error: 'level' is not a score that can rank pairs" in said


def test_report_leaves_out_damaged_scores_and_says_how_to_mend_them(
    finished: None,
    command: Command,
    settings: list[str],
    run: Runner,
    open_session: Opener,
    tmp_path: Path,
) -> None:
    session = open_session()
    shard = session.shard_path("evaluation", 0)
    lost = [session.layout.item_id("evaluation", item) for item in session.layout.items("evaluation", 0)]
    damage(shard, "scores")
    options = set_options(settings)
    code, said = command("report", "demo", *options)
    assert code == 0
    mending = shlex.join(["animeinterp", "run", "-c", "demo", *options])
    assert f"note: {shard}: the scores of {lost[0]!r} and of 1 more of its pairs are damaged (" in said
    assert f"to recompute it: {mending}" in said
    page = Page((tmp_path / "report" / "report.html").read_text(encoding="utf-8"))
    assert str(shard) in page.text
    assert f"evaluation lacks {len(lost)} of {PAIRS} pairs" in page.text
    assert mending in page.text
    kept = list(pd.read_csv(tmp_path / "report" / "scores.csv")["id"])
    assert kept == [pair.id for pair in session.manifest.pairs if pair.id not in lost]

    assert run().succeeded
    code, said = command("report", "demo", *options)
    assert code == 0
    assert "note: " not in said
    assert len(pd.read_csv(tmp_path / "report" / "scores.csv")) == PAIRS
