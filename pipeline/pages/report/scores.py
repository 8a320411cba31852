"""Scores of a run's report: how each is shown, means by group, distributions, the worst and best pairs."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, Literal

import numpy as np
import pandas as pd

from configs.errors import ConfigError
from pipeline.results.scores import summarise
from stages.evaluation import METRICS
from stages.evaluation.flow_scores import FLOW_METRICS

MOST_BINS = 24  # of a histogram: bars of a few pixels on a phone


@dataclass(frozen=True, slots=True)
class Metric:
    """How a score is shown."""

    name: str
    label: str
    better: Literal["higher", "lower"]
    digits: int = 4
    """After the point."""
    unit: str = ""
    factor: float = 1.0
    """By which values are multiplied to be read easily."""

    def text(self, value: float) -> str:
        """A value for people."""
        if math.isnan(value):
            return "–"
        return "∞" if math.isinf(value) else f"{value * self.factor:.{self.digits}f}"


def _flow_label(name: str) -> str:
    """`coarse_epe01_moving` -> `coarse EPE 0→1, moving`."""
    flow, error, *part = name.split("_")
    return f"{flow} EPE {error[-2]}→{error[-1]}{', ' if part else ''}{' '.join(part)}"


_METRICS = (
    Metric("psnr", "PSNR", "higher", 2, "dB"),
    Metric("ssim", "SSIM", "higher"),
    Metric("ie", "IE", "lower", 2),
    Metric("psnr_roi", "RoI PSNR", "higher", 2, "dB"),
    Metric("ssim_roi", "RoI SSIM", "higher"),
    Metric("ie_roi", "RoI IE", "lower", 2),
    Metric("ssim_gaussian", "SSIM, Gaussian", "higher"),
    Metric("chamfer", "Chamfer", "lower", 2, "10⁻⁵", 1e5),
    Metric("lpips", "LPIPS", "lower"),
    *(Metric(name, _flow_label(name), "lower", 2, "px") for name in FLOW_METRICS),
    Metric("match_precision", "match precision", "higher", 3),
    Metric("match_precision_moved", "of moved pieces", "higher", 3),
    Metric("match_recall", "match recall", "higher", 3),
)
_KNOWN: Mapping[str, Metric] = MappingProxyType({metric.name: metric for metric in _METRICS})


def describe(name: str) -> Metric:
    """How a score is shown."""
    return _KNOWN[name]


def shown_metrics(scores: pd.DataFrame) -> list[Metric]:
    """Scores that any pair has."""
    return [describe(name) for name in METRICS if name in scores and scores[name].notna().any()]


def ranking_metric(name: str) -> Metric:
    """The score that pairs are ranked by.

    Raises
    ------
    ConfigError
        There is none of this name.
    """
    if name not in _KNOWN:
        raise ConfigError(f"{name!r} is no score to rank pairs by; expected one of {', '.join(_KNOWN)}")
    return describe(name)


def ranked(scores: pd.DataFrame, metric: Metric) -> pd.DataFrame:
    """Pairs that have the score, the worst first; of equals the one that comes first in the table."""
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

    @property
    def highest(self) -> int:
        """Largest count of a bin."""
        return max((found.count for found in self.bins), default=0)


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
