"""The measures of a comparison in figures, and which side has the better scores."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from animeinterp.pipeline.results.diff_measures import Measure, measures_of
from animeinterp.pipeline.results.result_diff import StageComparison
from animeinterp.pipeline.results.score_comparison import CONFIDENCE
from animeinterp.pipeline.results.scores import SCORE_LABELS, Metric
from animeinterp.stages.evaluation import FRAME_METRICS

Better = Literal["A", "B", ""]
BETTER, INTERVAL = "better", f"{CONFIDENCE:.0%} interval"
COLUMNS: dict[str, str] = {
    "mean": "over all items that both have; identical ones count as 0, infinite ones not at all",
    BETTER: "the side with the better score, if 0 is outside the interval",
    INTERVAL: "of the mean, by bootstrap",
    "largest": "the largest difference, and the item that has it",
    "median": "over the same items as the mean",
}
"""What the columns of a table of measures mean, the most important first."""


@dataclass(frozen=True, slots=True)
class MeasureSummary:
    """A measure over all items of a stage."""

    measure: Measure
    mean: float
    interval: tuple[float, float] | None
    """None for fewer than two items, and for measures that are infinite of equal results."""
    better: Better
    """The side with the better score; empty without a score, or where it is not clear."""
    largest: float
    item: str
    """The item that differs most."""
    median: float

    def cells(self) -> dict[str, str]:
        """Texts of the columns, by their names; `better` only of scores."""
        text = self.measure.text
        better = {} if self.measure.score is None else {BETTER: self.better or "–"}
        interval = "–" if self.interval is None else " to ".join(map(text, self.interval))
        values = {"mean": self.mean, "largest": self.largest, "median": self.median}
        found = {name: text(value) for name, value in values.items()} | better | {INTERVAL: interval}
        return {name: found[name] for name in COLUMNS if name in found}


def summaries(compared: StageComparison) -> list[MeasureSummary]:
    """The measures of a stage in which any of its items differ."""
    found = (_summary(compared, measure) for measure in measures_of(compared.stage).measures)
    return [summary for summary in found if summary is not None]


def _summary(compared: StageComparison, measure: Measure) -> MeasureSummary | None:
    column = compared.table[measure.name]
    values = column.to_numpy(float)
    finite = values[np.isfinite(values)]
    if not (finite != measure.equal).any():
        return None
    interval = None
    if not np.isinf(measure.equal):  # there is no mean over all, if it is infinite of some
        finite = compared.values(measure.name)
        interval = compared.interval(measure.name) if len(finite) > 1 else None
    worst = int(np.nanargmax([measure.worst(value) for value in values]))
    mean = float(finite.mean())
    return MeasureSummary(
        measure,
        mean,
        interval,
        _better(measure, mean, interval),
        float(values[worst]),
        str(column.index[worst]),
        float(np.median(finite)),
    )


def _better(measure: Measure, mean: float, interval: tuple[float, float] | None) -> Better:
    if measure.score is None:
        return ""
    low, high = (mean, mean) if interval is None else interval
    return "" if low <= 0 <= high else better_by(measure.score, mean)


def better_by(score: Metric, change: float) -> Better:
    """The side that a change from A to B speaks for; empty for none."""
    if math.isnan(change) or not change:
        return ""
    return "B" if (change > 0) == (score.better == "higher") else "A"


def verdict(comparisons: Sequence[StageComparison]) -> Iterator[str]:
    """Which side is better by which scores of its frames, in words."""
    evaluated = next((compared for compared in comparisons if compared.stage == "evaluation"), None)
    if evaluated is None or not (evaluated.identical or len(evaluated.table)):
        yield "No pair has scores on both sides, so neither can be called better."
        return
    pairs = evaluated.identical + len(evaluated.table)
    if not len(evaluated.table):
        yield f"Neither side is better: the scores of all {pairs} pairs are identical."
        return
    found = [summary for summary in summaries(evaluated) if summary.measure.name in FRAME_METRICS]
    over = f"mean over {pairs} pair{'' if pairs == 1 else 's'}"
    for side in ("B", "A"):
        if told := "; ".join(_gain(summary) for summary in found if summary.better == side):
            yield f"{side} is better ({over}): {told}."
    if told := "; ".join(_score(summary).label for summary in found if not summary.better):
        yield f"Neither is clearly better: {told}."


def _gain(summary: MeasureSummary) -> str:
    score = _score(summary)
    return f"{score.label} by {score.change_with_unit(abs(summary.mean)).removeprefix('+')}"


def _score(summary: MeasureSummary) -> Metric:
    return SCORE_LABELS[summary.measure.name]
