"""The tables of `evaluate --against`."""

from __future__ import annotations

from typing import Any

import pandas as pd

from animeinterp.pipeline.cli.as_json import failures_content
from animeinterp.pipeline.cli.fitting_table import FittingTable
from animeinterp.pipeline.cli.terminal import console, say, table
from animeinterp.pipeline.planning.session import Session
from animeinterp.pipeline.results.score_comparison import (
    CONFIDENCE,
    Comparison,
    differences,
    group_differences,
    largest_differences,
    verdict,
)
from animeinterp.pipeline.results.scores import SCORE_LABELS, Metric, score_table, summarise

LARGEST = 10
METRICS_SHOWN = 8
"""Columns of the table by group: the first of the metrics in common."""
IDS_SHOWN = 3


def print_comparison(comparison: Comparison, there: str) -> None:
    """Print where the scores of a run differ from those of `there`."""
    say("")
    say(f"against {there}: {len(comparison.common)} pairs in common; differences are here less there")
    for ids, where in ((comparison.only_here, "there"), (comparison.only_there, "here")):
        if ids:
            shown = ", ".join(ids[:IDS_SHOWN]) + (", ..." if len(ids) > IDS_SHOWN else "")
            say(f"{len(ids)} without scores {where}: {shown}")
    found = differences(comparison)
    for line in verdict(comparison, found, there):
        say(line, style="bold")
    console.print(_difference_table(found))
    console.print(_group_table(comparison))
    largest = _largest_table(comparison)
    if largest.row_count:
        console.print(largest)


def scores_content(session: Session, comparison: Comparison | None) -> dict[str, Any]:
    """Scores of a session and their means, and what they are compared with, for --json."""
    scores = score_table(session)
    content: dict[str, Any] = {
        "failures": failures_content(session),
        "scores": scores.to_dict("records"),
        "means": _rows(summarise(scores)),
    }
    if comparison is not None:
        content["comparison"] = {
            "pairs": len(comparison.common),
            "only_here": comparison.only_here,
            "only_there": comparison.only_there,
            "differences": _rows(differences(comparison)),
            "groups": _rows(group_differences(comparison)),
        }
    return content


def _rows(table: pd.DataFrame) -> dict[str, Any]:
    """Rows of a table by their names."""
    return {str(name): row for name, row in table.to_dict("index").items()}


def _difference_table(found: pd.DataFrame) -> FittingTable:
    of = f"{CONFIDENCE:.0%} of"
    means = ("mean", f"{of} mean", "median", f"{of} median")
    made = _table("score", "pairs", "here", "there", "better", *means)
    for name, row in found.iterrows():
        metric = SCORE_LABELS[str(name)]
        made.add_row(
            metric.title,
            f"{int(row['pairs'])}",
            metric.text(row["here"]),
            metric.text(row["there"]),
            row["better"] or "–",
            metric.change(row["mean"]),
            _interval(metric, row["mean_low"], row["mean_high"]),
            metric.change(row["median"]),
            _interval(metric, row["median_low"], row["median_high"]),
        )
    return made


def _group_table(comparison: Comparison) -> FittingTable:
    shown = [SCORE_LABELS[name] for name in comparison.metrics[:METRICS_SHOWN]]
    made = _table("mean difference", "pairs", *(metric.heading for metric in shown))
    before = ""
    for name, row in group_differences(comparison).iterrows():
        if row["by"] != before:
            made.add_section()
        before = row["by"]
        made.add_row(str(name), f"{int(row['pairs'])}", *(m.change(row[m.name]) for m in shown))
    return made


def _largest_table(comparison: Comparison) -> FittingTable:
    metric, *others = (SCORE_LABELS[name] for name in comparison.metrics[:3])
    changes = (f"{one.label} difference" for one in others)
    made = _table(f"largest in {metric.label}", f"{metric.heading} here", "there", "difference", *changes)
    for _, row in largest_differences(comparison, metric.name, LARGEST).iterrows():
        made.add_row(
            str(row["id"]),
            metric.text(row[metric.name]),
            metric.text(row[f"{metric.name}_there"]),
            *(one.change(row[f"{one.name}_difference"]) for one in (metric, *others)),
        )
    return made


def _table(first: str, *others: str) -> FittingTable:
    return table(1, first, *others, collapse_padding=True)


def _interval(metric: Metric, low: float, high: float) -> str:
    return "–" if low != low else f"{metric.change(low)} to {metric.change(high)}"
