"""Compare the scores of a run with published scores or those of another run."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from animeinterp.configs.errors import DataError
from animeinterp.pipeline.results.better_side import ScoreChange, verdict_on
from animeinterp.pipeline.results.scores import ABOUT_PAIRS, SCORE_LABELS, group_pairs
from animeinterp.stages.metrics import METRICS

CONFIDENCE = 0.95
RESAMPLES = 2000  # the interval's ends vary by a hundredth of its width
SEED = 0
DRAWN_AT_ONCE = 10_000_000  # numbers, for the sake of memory
IDS_SHOWN = 3

Statistic = Callable[..., Any]


@dataclass(frozen=True)
class Comparison:
    """Scores of the same pairs from here and from there."""

    joined: pd.DataFrame
    """One row per pair of either: the columns `ABOUT_PAIRS`, then for each metric `<metric>` (here),
    `<metric>_there` and `<metric>_difference` (here minus there; nan if either is unknown)."""
    metrics: tuple[str, ...]
    """Those that both have."""
    only_here: tuple[str, ...]
    """Ids without scores there."""
    only_there: tuple[str, ...]
    """Ids without scores here."""

    @property
    def common(self) -> pd.DataFrame:
        """Rows of the pairs that both have."""
        lone = {*self.only_here, *self.only_there}
        return self.joined[~self.joined["id"].isin(lone)]


def compare(here: pd.DataFrame, there: pd.DataFrame) -> Comparison:
    """Join two tables of scores by id.

    Parameters
    ----------
    here
        As `pipeline.results.scores.score_table` makes it.
    there
        Likewise, or as `pipeline.results.score_files.read_scores` makes it.

    Raises
    ------
    DataError
        They have no id, or no score, in common.
    """
    metrics = tuple(
        metric
        for metric in METRICS
        if metric in there.columns and here[metric].notna().any() and there[metric].notna().any()
    )
    ids = set(here["id"])
    # Tables add blanks to ids, or lose them.
    meant = {name.strip(): name for name in here["id"]}
    found = [name if name in ids else meant.get(name.strip(), name.strip()) for name in there["id"]]
    there = there.assign(id=found)
    others = set(found)
    if not ids & others:
        shown, wanted = (", ".join(list(table["id"])[:IDS_SHOWN]) or "none" for table in (there, here))
        raise DataError(f"no pair in common: the ids there are {shown}, ...; here {wanted}, ...")
    if not metrics:
        raise DataError(
            f"no score in common: there {', '.join(m for m in METRICS if m in there)}; "
            f"here {', '.join(m for m in METRICS if here[m].notna().any())}"
        )
    renamed = there[["id", *metrics]].rename(columns={m: f"{m}_there" for m in metrics})
    joined = here[[*ABOUT_PAIRS, *metrics]].merge(renamed, on="id", how="outer")
    for metric in metrics:
        own, other = joined[metric], joined[f"{metric}_there"]
        # Two perfect frames do not differ, though infinity minus infinity is NaN.
        joined[f"{metric}_difference"] = (own - other).where(own != other, 0.0)
    order = [*ABOUT_PAIRS, *(f"{m}{part}" for m in metrics for part in ("", "_there", "_difference"))]
    return Comparison(joined[order], metrics, tuple(sorted(ids - others)), tuple(sorted(others - ids)))


def differences(comparison: Comparison) -> pd.DataFrame:
    """Mean and median difference of each metric, and the side that has the better mean.

    Returns
    -------
    DataFrame
        Indexed by metric: `pairs` with a finite difference, over which the others go; `here` and `there`
        (means); `better` (`here` or `there`; empty where 0 is inside the interval); `mean` and `median` of
        the differences, each with `_low` and `_high`, its paired bootstrap interval (95%, percentile, 2,000
        resamples of the pairs from a fixed seed; nan for fewer than two pairs).

    References
    ----------
    Efron & Tibshirani, "An Introduction to the Bootstrap", 1993, chapter 13.
    """
    rows = {}
    for metric in comparison.metrics:
        known = comparison.common[np.isfinite(comparison.common[f"{metric}_difference"])]
        values = known[f"{metric}_difference"].to_numpy(np.float64)
        rows[metric] = {
            "pairs": len(values),
            "here": known[metric].mean(),
            "there": known[f"{metric}_there"].mean(),
            **(mean := _centre("mean", np.mean, values)),
            **_centre("median", np.median, values),
            "better": {"A": "there", "B": "here", "": ""}[_change(metric, mean).better],
        }
    return pd.DataFrame.from_dict(rows, orient="index")


def _change(metric: str, row: Mapping[Any, Any]) -> ScoreChange:
    low, high = row["mean_low"], row["mean_high"]
    return ScoreChange(SCORE_LABELS[metric], row["mean"], None if low != low else (low, high))


def verdict(comparison: Comparison, found: pd.DataFrame, there: str) -> Iterator[str]:
    """Which side is better by which scores, in words; from the `differences`, and the other side's name."""
    common = comparison.common
    differ = [m for m in comparison.metrics if (common[f"{m}_difference"].fillna(0) != 0).any()]
    rows = found.to_dict("index")
    changes = {metric: _change(metric, rows[metric]) for metric in differ}
    return verdict_on(changes, len(common), (there, "This config"))


def _centre(name: str, statistic: Statistic, values: npt.NDArray[np.float64]) -> dict[str, float]:
    low, high = bootstrap_interval(values, statistic)
    centre = float(statistic(values)) if len(values) else float("nan")
    return {name: centre, f"{name}_low": low, f"{name}_high": high}


def bootstrap_interval(
    values: npt.NDArray[np.float64], statistic: Statistic = np.mean
) -> tuple[float, float]:
    """Interval (95%, percentile) of a statistic over resamples from a fixed seed; nan for fewer than two."""
    if len(values) < 2:
        return float("nan"), float("nan")
    generator, left, found = np.random.default_rng(SEED), RESAMPLES, []
    while left:
        rows = min(left, max(1, DRAWN_AT_ONCE // len(values)))
        drawn = generator.integers(0, len(values), (rows, len(values)))
        found.append(statistic(values[drawn], axis=-1))
        left -= rows
    outside = (1 - CONFIDENCE) / 2
    low, high = np.percentile(np.concatenate(found), [100 * outside, 100 * (1 - outside)])
    return float(low), float(high)


def group_differences(comparison: Comparison) -> pd.DataFrame:
    """Mean difference of each metric, over all pairs and by source and level.

    Returns
    -------
    DataFrame
        Indexed by group: `by` (see `results.scores.summarise`), `pairs` in common, and a column a metric:
        the mean of the finite differences.
    """
    rows = {}
    for name, (by, part) in group_pairs(comparison.common).items():
        if by in ("", "source", "level"):
            means = {
                m: part[f"{m}_difference"].replace([np.inf, -np.inf], np.nan).mean()
                for m in comparison.metrics
            }
            rows[name] = {"by": by, "pairs": len(part), **means}
    return pd.DataFrame.from_dict(rows, orient="index")


def largest_differences(comparison: Comparison, metric: str, count: int) -> pd.DataFrame:
    """Rows of the pairs that differ most in a metric, the largest first; equal ones by id."""
    common = comparison.common.assign(size=comparison.common[f"{metric}_difference"].abs())
    ranked = common[common["size"] > 0].sort_values(["size", "id"], ascending=[False, True])
    return ranked.head(count).drop(columns="size")
