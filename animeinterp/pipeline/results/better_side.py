"""Which of two sides has the better scores, and that in words."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Literal

from animeinterp.pipeline.results.scores import Metric
from animeinterp.stages.metrics import FRAME_METRICS

Better = Literal["A", "B", ""]
"""One of two sides; empty where it is not clear."""


@dataclass(frozen=True, slots=True)
class ScoreChange:
    """How the mean of a score changes from A to B."""

    score: Metric
    mean: float
    interval: tuple[float, float] | None
    """Of the mean; None for fewer than two pairs."""

    @property
    def better(self) -> Better:
        """The side with the better score, if 0 is outside the interval."""
        low, high = (self.mean, self.mean) if self.interval is None else self.interval
        return "" if low <= 0 <= high else better_by(self.score, self.mean)


def better_by(score: Metric, change: float) -> Better:
    """The side that a change from A to B speaks for; empty for none."""
    if math.isnan(change) or not change:
        return ""
    return "B" if (change > 0) == (score.better == "higher") else "A"


def verdict_on(
    changes: Mapping[str, ScoreChange], pairs: int, names: tuple[str, str] = ("A", "B")
) -> Iterator[str]:
    """Which side is better by which scores, in words; by those of the frames, if any of these differs.

    Parameters
    ----------
    changes
        Of the scores that differ in some pair, by their names.
    pairs
        How many both sides have scores of.
    names
        What A and B are called.
    """
    if not pairs:
        yield "No pair has scores on both sides, so neither can be called better."
        return
    if not changes:
        yield f"Neither side is better: no score of the {pairs} pairs differs."
        return
    found = [changes[name] for name in FRAME_METRICS if name in changes] or list(changes.values())
    over = f"mean over {pairs} pair{'' if pairs == 1 else 's'}"
    for side in ("B", "A"):
        if told := "; ".join(_gain(change) for change in found if change.better == side):
            yield f"{names[side == 'B']} is better ({over}): {told}."
    if told := "; ".join(change.score.label for change in found if not change.better):
        yield f"Neither is clearly better: {told}."


def _gain(change: ScoreChange) -> str:
    return f"{change.score.label} by {change.score.change_with_unit(abs(change.mean)).removeprefix('+')}"
