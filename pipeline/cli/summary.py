"""What a run prints when it is over: stages, notes, failures, scores, places."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping

import pandas as pd
from rich import box
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from pipeline.compute.method_notes import method_notes
from pipeline.planning.session import Session
from pipeline.results.scores import summarise
from pipeline.running.run import RunReport
from pipeline.store.shard_manifest import ItemRecord

FRAME_COLUMNS: Mapping[str, tuple[str, ...]] = {
    "PSNR dB": ("psnr",),
    "SSIM": ("ssim",),
    "IE": ("ie",),
    "RoI PSNR": ("psnr_roi",),
    "RoI SSIM": ("ssim_roi",),
    "SSIM gauss.": ("ssim_gaussian",),
    "Chamfer 1e-5": ("chamfer",),
    "LPIPS": ("lpips",),
}
"""Columns of the printed table; one without any value is left out."""

MOTION_COLUMNS: Mapping[str, tuple[str, ...]] = {
    "coarse EPE": ("coarse_epe01", "coarse_epe10"),
    "moving": ("coarse_epe01_moving", "coarse_epe10_moving"),
    "occluded": ("coarse_epe01_occluded", "coarse_epe10_occluded"),
    "refined EPE": ("refined_epe01", "refined_epe10"),
    "moving ": ("refined_epe01_moving", "refined_epe10_moving"),
    "occluded ": ("refined_epe01_occluded", "refined_epe10_occluded"),
    "precision": ("match_precision",),
    "of moved": ("match_precision_moved",),
    "recall": ("match_recall",),
}
"""The same of the second table; end-point errors are means of both directions."""

SCALE = {"Chamfer 1e-5": 1e5}


def print_report(console: Console, report: RunReport) -> None:
    """Print the summary of a run."""
    session = report.session
    console.print(stage_table(session, report))
    for note in method_notes(session.config, session.selection.last):
        console.print(f"note: {note}", style="yellow", markup=False, highlight=False, soft_wrap=True)
    print_accepted(console, session)
    print_skipped(console, session)
    print_failures(console, session, report.broken)
    if report.scores is not None:
        print_scores(console, report.scores)
    root = session.config.store.results
    if root is not None:
        where = f"results: {root} ({report.frames_written} frames written now)"
        console.print(where, markup=False, highlight=False, soft_wrap=True)
    console.print(f"cache: {session.config.store.cache}", markup=False, highlight=False, soft_wrap=True)
    if report.record is not None:
        console.print(f"record: {report.record}", markup=False, highlight=False, soft_wrap=True)
    outcome = "finished" if report.succeeded else "finished with failures"
    console.print(f"{outcome} in {report.wall_seconds:.1f} s", highlight=False)


def stage_table(session: Session, report: RunReport | None = None) -> Table:
    """Per stage: items done, failed, skipped and missing; with a report also what was computed now."""
    table = Table("stage", "items", "done", "failed", "skipped", "missing", box=box.SIMPLE_HEAD)
    if report is not None:
        table.add_column("computed now")
        table.add_column("work s")
    for column in table.columns[1:]:
        column.justify = "right"
    for stage in session.stages:
        counts = Counter(
            "missing" if record is None else record.status for _, record in session.records(stage)
        )
        row = [stage, counts.total(), counts["ok"], counts["failed"], counts["skipped"], counts["missing"]]
        if report is not None:
            row += [report.computed[stage], f"{report.seconds[stage]:.1f}"]
        table.add_row(*(str(value) for value in row))
    return table


def print_accepted(console: Console, session: Session) -> None:
    """Print which stages' results were accepted in spite of a change."""
    for stage in session.stages:
        accepted = session.accepted(stage)
        if accepted is not None:
            console.print(
                f"accepted {accepted}", style="yellow", markup=False, highlight=False, soft_wrap=True
            )


def skip_reasons(session: Session) -> Mapping[str, Counter[str]]:
    """Why items were skipped, by stage and number of items."""
    return {
        stage: Counter(
            record.reason
            for _, record in session.records(stage)
            if record is not None and record.status == "skipped"
        )
        for stage in session.stages
    }


def print_skipped(console: Console, session: Session) -> None:
    """Print what was skipped for other reasons than a failure before."""
    for stage, reasons in skip_reasons(session).items():
        for reason, count in reasons.most_common():
            if not reason.endswith(" failed"):
                said = f"{stage}: {count} skipped, {reason}"
                console.print(said, markup=False, highlight=False, soft_wrap=True)


def print_failures(console: Console, session: Session, broken: list[str]) -> None:
    """Print what failed and why."""
    failures = session.failures()
    if failures:
        console.print(_failure_table(failures))
    for line in broken:
        console.print(f"not done: {line}", style="red", markup=False, highlight=False, soft_wrap=True)


def _failure_table(failures: list[tuple[str, ItemRecord]]) -> Table:
    table = Table(
        "pair or frame",
        "stage",
        "why",
        title=f"{len(failures)} failed",
        title_style="red",
        box=box.SIMPLE_HEAD,
    )
    for stage, record in failures:
        table.add_row(escape(record.id), stage, escape(record.reason))
    return table


def print_scores(console: Console, scores: pd.DataFrame) -> None:
    """Print mean scores: all pairs, by source, level, motion and behaviour; flows and matches below."""
    if scores.empty:
        console.print("no scores: no pair has a ground truth and a frame to compare with it", highlight=False)
        return
    summary = summarise(scores)
    for title, columns in (("scores", FRAME_COLUMNS), ("motion", MOTION_COLUMNS)):
        known = {
            column: values
            for column, metrics in columns.items()
            if (values := summary[list(metrics)].mean(axis=1)).notna().any()
        }
        if known:
            console.print(_score_table(title, summary, known))


def _score_table(title: str, summary: pd.DataFrame, columns: Mapping[str, pd.Series[float]]) -> Table:
    table = Table(title, "pairs", *columns, box=box.SIMPLE_HEAD, collapse_padding=True)
    for column in table.columns[1:]:
        column.justify = "right"
    before = ""
    for name, row in summary.iterrows():
        if row["by"] != before:
            table.add_section()
        before = row["by"]
        values = [
            _number(float(column.loc[str(name)]) * SCALE.get(heading, 1))
            for heading, column in columns.items()
        ]
        table.add_row(escape(str(name)), f"{int(row['pairs'])}", *values)
    return table


def _number(value: float) -> str:
    return "-" if value != value else f"{value:.4g}"
