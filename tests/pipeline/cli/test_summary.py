from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from rich.console import Console

from animeinterp.configs.loading import load_config
from animeinterp.data.images import write_image
from animeinterp.pipeline.cli.mean_scores import print_scores
from animeinterp.pipeline.cli.outcomes import print_failures, print_skipped, skip_reasons
from animeinterp.pipeline.cli.plain_console import plain_console
from animeinterp.pipeline.cli.summary import (
    print_report,
    stage_table,
)
from animeinterp.pipeline.planning.selection import Selection
from animeinterp.pipeline.planning.session import Session
from animeinterp.pipeline.results.scores import score_table
from animeinterp.stages.metrics import FLOW_METRICS, MATCHING_METRICS, METRICS
from tests.pipeline.small_runs import PAIRS, Opener, Runner, small_settings

WIDTH = 200


def printed(show: Callable[[Console], None], width: int = WIDTH) -> str:
    console = plain_console(width=width, force_terminal=False)
    with console.capture() as capture:
        show(console)
    return capture.get()


def row_of(text: str, name: str) -> list[str]:
    """Cells of the table row that begins with a name."""
    (line,) = [line for line in text.splitlines() if line.split()[:1] == [name]]
    return line.split()[1:]


@pytest.fixture(scope="module")
def session(cartoons: Path, finished_cache: Path) -> Session:
    """A session on a finished run; read it, never change it."""
    return Session.open(load_config("demo", small_settings(cartoons, finished_cache)), Selection())


def test_stages_of_a_finished_run(session: Session) -> None:
    text = printed(lambda console: console.print(stage_table(session)))
    assert row_of(text, "segmentation") == [str(2 * PAIRS), str(2 * PAIRS), "0", "0", "0"]
    assert row_of(text, "synthesis") == [str(PAIRS), str(PAIRS), "0", "0", "0"]
    assert "computed now" not in text


def test_stages_of_an_empty_cache(open_session: Opener) -> None:
    text = printed(lambda console: console.print(stage_table(open_session(last="matching"))))
    assert row_of(text, "matching") == [str(PAIRS), "0", "0", "0", str(PAIRS)]
    assert "synthesis" not in text


def test_report_of_a_good_run(finished: None, run: Runner, tmp_path: Path) -> None:
    report = run("coarse_flow.max_shift=9", f"store.results='{tmp_path / 'results'}'")
    text = printed(lambda console: print_report(console, report))
    assert row_of(text, "matching")[5] == "0"
    assert row_of(text, "coarse_flow")[5] == str(PAIRS)
    assert str(tmp_path / "results") in text
    assert f"cache: {tmp_path / 'cache'}" in text
    assert "PSNR dB" in text
    assert "failed" not in text.replace("failed    skipped", "").replace("failed   skipped", "")
    assert re.search(r"^finished in \d+\.\d s$", text, re.MULTILINE)


def test_report_of_a_run_with_failures(run: Runner, spoilt: str) -> None:
    report = run(spoilt)
    assert not report.succeeded
    text = printed(lambda console: print_report(console, report))
    (record,) = (record for _, record in report.session.failures())
    assert row_of(text, "segmentation")[:5] == ["4", "3", "1", "0", "0"]
    assert row_of(text, "synthesis")[:5] == ["2", "1", "0", "1", "0"]
    assert "1 failed" in text
    assert record.id in text
    assert "empty file (0 bytes)" in text
    assert "finished with failures in" in text


def test_skip_reasons_are_counted_and_those_of_failures_not_repeated(run: Runner, spoilt: str) -> None:
    session = run(spoilt).session
    reasons = skip_reasons(session)
    (record,) = (record for _, record in session.failures())
    because = f"segmentation of {record.id} failed"
    assert reasons["segmentation"] == Counter()
    assert reasons["matching"] == Counter([because])
    assert reasons["evaluation"] == Counter([because, "no ground truth"])
    skipped = printed(lambda console: print_skipped(console, session))
    assert skipped == "evaluation: 1 skipped, no ground truth\n"
    text = printed(lambda console: print_failures(console, session, ["synthesis, shard x: disk full"]))
    assert record.id in text
    assert "not done: synthesis, shard x: disk full" in text


def test_nothing_is_said_of_failures_where_there_are_none(session: Session) -> None:
    assert printed(lambda console: print_failures(console, session, [])) == ""


def tables(table: pd.DataFrame, width: int = WIDTH) -> tuple[str, str]:
    """The printed tables of scores: frames, then flows and matches (empty where there is none)."""
    text = printed(lambda console: print_scores(console, table), width)
    frames, _, motion = text.partition("\n  motion ")
    return frames, motion


def test_scores_are_printed_by_group(session: Session) -> None:
    table = score_table(session)
    frames, motion = tables(table)
    assert row_of(frames, "all")[:2] == [str(PAIRS), f"{table['psnr'].mean():.2f}"]
    for column in ("source", "level", "motion", "behavior"):
        for name, part in table.groupby(column):
            assert row_of(frames, str(name))[:2] == [str(len(part)), f"{part['psnr'].mean():.2f}"]
    assert row_of(frames, "all")[-1] == f"{table['chamfer'].mean() * 1e5:.2f}"
    both = (table["coarse_epe01"].mean() + table["coarse_epe10"].mean()) / 2
    assert row_of(motion, "all")[:2] == [str(PAIRS), f"{both:.2f}"]
    assert row_of(motion, "all")[-1] == f"{table['match_recall'].mean():.3f}"


def test_tables_fit_in_120_columns(session: Session) -> None:
    table = score_table(session)
    table["behavior"] = "a longer behavior"
    table[list(METRICS)] += 1 / 3
    narrow, wide = (printed(lambda console: print_scores(console, table), width) for width in (120, 400))
    assert [line.rstrip() for line in narrow.splitlines()] == [line.rstrip() for line in wide.splitlines()]


def test_columns_without_any_value_are_left_out(session: Session) -> None:
    table = score_table(session)
    frames = tables(table)[0]
    table.loc[:, [*FLOW_METRICS, *MATCHING_METRICS, "psnr_roi"]] = np.nan
    without, motion = tables(table)
    assert motion == ""
    assert "RoI PSNR" in frames
    assert "RoI PSNR" not in without
    assert "RoI SSIM" in without


def test_odd_scores_and_odd_names_are_printed_as_they_are(session: Session) -> None:
    table = score_table(session).head(2)
    table[["psnr", "psnr_roi"]] = [[np.inf, np.nan], [30.0, 20.0]]
    table["source"] = ["[red]", "green"]
    text = tables(table)[0]
    assert row_of(text, "[red]")[:5] == ["1", "∞", *row_of(text, "[red]")[2:4], "–"]
    assert row_of(text, "all")[4] == "20.00"


def test_no_scores_are_said_to_be_none(open_session: Opener) -> None:
    text = printed(lambda console: print_scores(console, score_table(open_session())))
    assert text.startswith("no scores: no pair has a ground truth")


def test_names_and_reasons_with_brackets_survive(run: Runner, tmp_path: Path) -> None:
    folder = tmp_path / "frames" / "[Group] Show [1080p]"
    write_image(folder / "a.png", np.zeros((32, 32, 3), np.uint8))
    report = run(f"data.root='{tmp_path / 'frames'}'")
    text = printed(lambda console: print_report(console, report))
    assert "[Group] Show [1080p]" in text
    assert "1 image (a); expected two frames" in " ".join(text.split())
