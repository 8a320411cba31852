"""Running with a summary: stages, notes, failures, scores, paths."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence

import pandas as pd
import typer
from rich.console import Console

from animeinterp.configs.loading import load_config
from animeinterp.pipeline.cli.fitting_table import FittingTable
from animeinterp.pipeline.cli.outcomes import print_accepted, print_failures, print_methods, print_skipped
from animeinterp.pipeline.cli.terminal import (
    EXIT_FAILURES,
    console,
    errors,
    interruptible,
    say,
    table,
)
from animeinterp.pipeline.planning.selection import Selection
from animeinterp.pipeline.planning.session import Session
from animeinterp.pipeline.results.results_record import results_line
from animeinterp.pipeline.results.scores import SCORE_LABELS, Metric, summarise
from animeinterp.pipeline.running.execute import execute
from animeinterp.pipeline.running.run import RunReport
from animeinterp.stages.evaluation import FRAME_METRICS, METRICS


def run_and_report(config: str, settings: Sequence[str], selection: Selection, *, quiet: bool) -> RunReport:
    """Run stages and print the outcome."""
    if not quiet:
        print_methods(load_config(config, settings), selection.last)
    with interruptible():
        report = execute(config, settings, selection, console, quiet=quiet)
    if quiet:
        print_failures(errors, report.session, report.broken)
    else:
        print_report(console, report)
    return report


def leave_if_failed(report: RunReport) -> None:
    """End the command with exit code 1 if anything failed."""
    if not report.succeeded:
        raise typer.Exit(EXIT_FAILURES)


def print_report(console: Console, report: RunReport) -> None:
    """Print the summary of a run."""
    session = report.session
    console.print(stage_table(session, report))
    for note in session.manifest.notes:
        say(f"note: {note}", "yellow", console)
    print_accepted(console, session)
    print_skipped(console, session)
    print_failures(console, session, report.broken)
    if report.scores is not None:
        print_scores(console, report.scores)
    if line := results_line(session):
        say(f"{line}; {report.frames_written} frames written now", on=console)
    say(f"cache: {session.config.store.cache}", on=console)
    if report.record is not None:
        say(f"record: {report.record}", on=console)
    outcome = "finished" if report.succeeded else "finished with failures"
    say(f"{outcome} in {report.wall_seconds:.1f} s", on=console)


def stage_table(session: Session, report: RunReport | None = None) -> FittingTable:
    """Per stage: items done, failed, skipped and missing; with a report also those computed now."""
    now = () if report is None else ("computed now", "work s")
    stages = table(1, "stage", "items", "done", "failed", "skipped", "missing", *now)
    for stage in session.stages:
        counts = Counter(
            "missing" if record is None else record.status for _, record in session.records(stage)
        )
        row = [stage, counts.total(), counts["ok"], counts["failed"], counts["skipped"], counts["missing"]]
        if report is not None:
            row += [report.computed[stage], f"{report.seconds[stage]:.1f}"]
        stages.add_row(*(str(value) for value in row))
    return stages


def print_scores(console: Console, scores: pd.DataFrame) -> None:
    """Print mean scores: all pairs, by source, level, motion and behaviour; then of flows and matches."""
    if scores.empty:
        say("no scores: no pair has a ground truth and a frame to compare with it", on=console)
        return
    summary = summarise(scores)
    motion = [name for name in METRICS if name not in FRAME_METRICS]
    for title, metrics in (("scores", FRAME_METRICS), ("motion", motion)):
        columns = list(_columns(summary, metrics))
        if columns:
            console.print(_score_table(title, summary, columns))


Column = tuple[Metric, "pd.Series[float]"]


def _columns(summary: pd.DataFrame, metrics: Sequence[str]) -> Iterator[Column]:
    """The available scores with their means; end-point errors are means of both directions."""
    for name in metrics:
        if "epe10" not in name:
            both = summary[[name, name.replace("epe01", "epe10")]].mean(axis=1)
            if both.notna().any():
                yield SCORE_LABELS[name], both


def _score_table(title: str, summary: pd.DataFrame, columns: Sequence[Column]) -> FittingTable:
    scores = table(1, title, "pairs", *(metric.heading for metric, _ in columns), collapse_padding=True)
    before = ""
    for name, row in summary.iterrows():
        if row["by"] != before:
            scores.add_section()
        before = row["by"]
        values = (metric.text(float(means.loc[str(name)])) for metric, means in columns)
        scores.add_row(str(name), f"{int(row['pairs'])}", *values)
    return scores
