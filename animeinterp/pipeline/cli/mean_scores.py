"""The tables of mean scores."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import pandas as pd
from rich.console import Console

from animeinterp.pipeline.cli.fitting_table import FittingTable
from animeinterp.pipeline.cli.terminal import say, table
from animeinterp.pipeline.results.scores import SCORE_LABELS, Metric, summarise
from animeinterp.stages.metrics import FRAME_METRICS, METRICS


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
