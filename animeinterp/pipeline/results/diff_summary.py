"""The measures of a comparison in figures, and which side has the better scores."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from animeinterp.pipeline.results.better_side import ScoreChange, verdict_on
from animeinterp.pipeline.results.diff_measures import Measure, measures_of
from animeinterp.pipeline.results.result_diff import StageComparison
from animeinterp.pipeline.results.score_comparison import CONFIDENCE

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
    largest: float
    item: str
    """The item that differs most."""
    median: float

    @property
    def change(self) -> ScoreChange | None:
        """Of the score that the measure is of, if any."""
        score = self.measure.score
        return None if score is None else ScoreChange(score, self.mean, self.interval)

    def cells(self) -> dict[str, str]:
        """Texts of the columns, by their names; `better` only of scores."""
        text = self.measure.text
        better = {} if self.change is None else {BETTER: self.change.better or "–"}
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
        float(values[worst]),
        str(column.index[worst]),
        float(np.median(finite)),
    )


def verdict(comparisons: Sequence[StageComparison]) -> Iterator[str]:
    """Which side is better by which scores, in words."""
    evaluated = next((compared for compared in comparisons if compared.stage == "evaluation"), None)
    found = () if evaluated is None else summaries(evaluated)
    changes = {summary.measure.name: summary.change for summary in found if summary.change is not None}
    pairs = 0 if evaluated is None else evaluated.identical + len(evaluated.table)
    return verdict_on(changes, pairs)
