"""Scores of a run's report: means by group, distributions, the worst and best pairs."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from animeinterp.configs.errors import ConfigError
from animeinterp.pipeline.results.scores import SCORE_LABELS, Metric, summarise
from animeinterp.stages.metrics import METRICS

MOST_BINS = 24  # of a histogram: bars of a few pixels on a phone


def shown_metrics(scores: pd.DataFrame) -> list[Metric]:
    """Scores that any pair has."""
    return [SCORE_LABELS[name] for name in METRICS if name in scores and scores[name].notna().any()]


def ranking_metric(name: str) -> Metric:
    """The score that pairs are ranked by.

    Raises
    ------
    ConfigError
        There is none of this name.
    """
    if name not in SCORE_LABELS:
        raise ConfigError(
            f"{name!r} is not a score that can rank pairs; expected one of {', '.join(SCORE_LABELS)}"
        )
    return SCORE_LABELS[name]


def ranked(scores: pd.DataFrame, metric: Metric) -> pd.DataFrame:
    """Pairs that have the score, the worst first; on ties in the order of the table."""
    known = scores[scores[metric.name].notna()]
    return known.sort_values(metric.name, ascending=metric.better == "higher", kind="stable")


def mean_scores(scores: pd.DataFrame) -> list[dict[str, Any]]:
    """Means by group as `results.scores.summarise` gives them: `name`, `by`, `pairs` and each score."""
    summary = summarise(scores)
    names = ["name", *summary.columns]
    return [dict(zip(names, row, strict=True)) for row in summary.itertuples(name=None)]


@dataclass(frozen=True, slots=True)
class Bin:
    """A bar of a histogram."""

    start: float
    end: float
    count: int


@dataclass(frozen=True, slots=True)
class Distribution:
    """How a score is distributed over the pairs."""

    metric: Metric
    bins: tuple[Bin, ...]
    """Equally wide, from the least to the greatest finite value; one where these are equal."""
    pairs: int
    mean: float
    median: float
    perfect: int
    """Pairs whose score is infinite; in no bin."""


def distribution(scores: pd.DataFrame, metric: Metric) -> Distribution:
    """Distribution of a score that any pair has."""
    values = scores[metric.name].dropna().to_numpy(np.float64)
    finite = values[np.isfinite(values)]
    return Distribution(
        metric,
        tuple(_bins(finite)) if finite.size else (),
        pairs=values.size,
        mean=float(values.mean()),
        median=float(np.median(values)),
        perfect=int(values.size - finite.size),
    )


def _bins(values: np.ndarray[Any, np.dtype[np.float64]]) -> list[Bin]:
    low, high = float(values.min()), float(values.max())
    if low == high:
        return [Bin(low, high, values.size)]
    number = min(MOST_BINS, math.ceil(2 * math.sqrt(values.size)))  # few values in many bins would be a comb
    counts, edges = np.histogram(values, bins=number, range=(low, high))
    return [
        Bin(float(start), float(end), int(count))
        for start, end, count in zip(edges[:-1], edges[1:], counts, strict=True)
    ]
