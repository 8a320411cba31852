"""Running with a summary: stages, notes, failures, scores, paths."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import TYPE_CHECKING

import typer
from rich.console import Console

from animeinterp.configs.loading import load_config
from animeinterp.pipeline.cli.fitting_table import FittingTable
from animeinterp.pipeline.cli.late_imports import imported
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

if TYPE_CHECKING:
    from animeinterp.pipeline.running.run import RunReport


def run_and_report(config: str, settings: Sequence[str], selection: Selection, *, quiet: bool) -> RunReport:
    """Run stages and print the outcome."""
    # Late: help and dry runs do without it.
    execute = imported("animeinterp.pipeline.running.execute", "execute")
    if not quiet:
        print_methods(load_config(config, settings), selection.last)
    with interruptible():
        report: RunReport = execute(config, settings, selection, console, quiet=quiet)
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
        imported("animeinterp.pipeline.cli.mean_scores", "print_scores")(console, report.scores)
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
