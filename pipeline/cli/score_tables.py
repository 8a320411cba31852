"""The tables of `evaluate --against`."""

from __future__ import annotations

from rich.table import Table

from pipeline.cli.terminal import console, number, say, table
from pipeline.results.score_comparison import (
    CONFIDENCE,
    Comparison,
    differences,
    group_differences,
    largest_differences,
)

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
    console.print(_difference_table(comparison))
    console.print(_group_table(comparison))
    largest = _largest_table(comparison, comparison.metrics[0])
    if largest.row_count:
        console.print(largest)


def _difference_table(comparison: Comparison) -> Table:
    percent = f"{CONFIDENCE:.0%}"
    made = _table("score", "pairs", "here", "there", "mean", percent, "median", percent + " ")
    for metric, row in differences(comparison).iterrows():
        made.add_row(
            str(metric),
            f"{int(row['pairs'])}",
            number(row["here"]),
            number(row["there"]),
            _signed(row["mean"]),
            _interval(row["mean_low"], row["mean_high"]),
            _signed(row["median"]),
            _interval(row["median_low"], row["median_high"]),
        )
    return made


def _group_table(comparison: Comparison) -> Table:
    shown = comparison.metrics[:METRICS_SHOWN]
    made = _table("mean difference", "pairs", *shown)
    before = ""
    for name, row in group_differences(comparison).iterrows():
        if row["by"] != before:
            made.add_section()
        before = row["by"]
        made.add_row(str(name), f"{int(row['pairs'])}", *(_signed(row[m]) for m in shown))
    return made


def _largest_table(comparison: Comparison, metric: str) -> Table:
    others = [m for m in comparison.metrics if m != metric][:2]
    made = _table(
        f"largest in {metric}", f"{metric} here", "there", "difference", *(f"{m} difference" for m in others)
    )
    for _, row in largest_differences(comparison, metric, LARGEST).iterrows():
        made.add_row(
            str(row["id"]),
            number(row[metric]),
            number(row[f"{metric}_there"]),
            _signed(row[f"{metric}_difference"]),
            *(_signed(row[f"{m}_difference"]) for m in others),
        )
    return made


def _table(first: str, *others: str) -> Table:
    made = table(1, first, *others, collapse_padding=True)
    made.columns[0].no_wrap = True
    return made


def _signed(value: float) -> str:
    return number(value, "+.3g") if value else "0"


def _interval(low: float, high: float) -> str:
    return "-" if low != low else f"{low:+.2g}..{high:+.2g}"
