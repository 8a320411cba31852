from __future__ import annotations

import math
from typing import Any

import numpy as np
import pandas as pd
import pytest
from scipy.stats import bootstrap

from animeinterp.configs.errors import DataError
from animeinterp.pipeline.results import score_comparison
from animeinterp.pipeline.results.score_comparison import (
    bootstrap_interval,
    compare,
    differences,
    group_differences,
    largest_differences,
    verdict,
)
from animeinterp.stages.metrics import METRICS


def here(psnr: dict[str, float], **columns: Any) -> pd.DataFrame:
    """A score table with these PSNRs by id."""
    table = pd.DataFrame(
        {"id": list(psnr), "source": "Japan", "level": "easy", "motion": None, "behavior": None}
    )
    table[list(METRICS)] = np.nan
    return table.assign(psnr=list(psnr.values()), **columns)


def there(psnr: dict[str, float], **columns: Any) -> pd.DataFrame:
    return pd.DataFrame({"id": list(psnr), "psnr": list(psnr.values()), **columns})


def test_tables_are_joined_by_id_whatever_their_order() -> None:
    found = compare(here({"a": 30, "b": 20, "c": 10}), there({"d": 5, "c": 12, "a": 29.5}))
    assert found.metrics == ("psnr",)
    assert (found.only_here, found.only_there) == (("b",), ("d",))
    assert list(found.joined["id"]) == ["a", "b", "c", "d"]
    assert list(found.joined.columns[-3:]) == ["psnr", "psnr_there", "psnr_difference"]
    np.testing.assert_array_equal(found.joined["psnr_difference"], [0.5, np.nan, -2, np.nan])
    assert list(found.common["id"]) == ["a", "c"]


def test_scores_that_only_one_side_has_are_left_out() -> None:
    found = compare(
        here({"a": 30, "b": 20}, ssim=[0.9, 0.8], lpips=[0.1, 0.2]),
        there({"a": 1, "b": 2}, ie=[3.0, 4.0], lpips=[np.nan, np.nan], ssim=[0.8, 0.8]),
    )
    assert found.metrics == ("psnr", "ssim")


def test_nothing_in_common_is_refused() -> None:
    with pytest.raises(DataError, match=r"no pair in common: the ids there are x, \.\.\.; here a, \.\.\."):
        compare(here({"a": 1}), there({"x": 1}))
    with pytest.raises(DataError, match="no score in common: there ie; here psnr"):
        compare(here({"a": 1}), pd.DataFrame({"id": ["a"], "ie": [2.0]}))


def test_means_medians_and_intervals() -> None:
    rng = np.random.default_rng(1)
    shift = rng.normal(0.5, 0.1, 400)
    base = rng.normal(30, 3, 400)
    ids = [str(k) for k in range(400)]
    own, other = dict(zip(ids, base + shift, strict=True)), dict(zip(ids, base, strict=True))
    row = differences(compare(here(own), there(other))).loc["psnr"]
    assert row["pairs"] == 400
    assert row["here"] - row["there"] == pytest.approx(row["mean"])
    assert row["mean"] == pytest.approx(shift.mean())
    assert row["median"] == pytest.approx(np.median(shift))
    # Of paired differences with a deviation of 0.1: far narrower than the spread of the scores would give.
    half = 1.96 * shift.std() / math.sqrt(400)
    assert row["mean_low"] == pytest.approx(shift.mean() - half, abs=0.2 * half)
    assert row["mean_high"] == pytest.approx(shift.mean() + half, abs=0.2 * half)
    assert row["median_low"] < row["median"] < row["median_high"]
    again = differences(compare(here(own), there(other))).loc["psnr"]
    pd.testing.assert_series_equal(again, row)


def test_the_verdict_names_the_better_side_and_the_scores() -> None:
    found = compare(
        here(
            {"a": 30, "b": 20, "c": 10}, ie=[5.0, 6.0, 7.0], ssim=[0.5, 0.6, 0.7], chamfer=[1e-5, 1e-5, 1e-5]
        ),
        there(
            {"a": 29, "b": 18, "c": 8}, ie=[4.0, 5.5, 6.5], ssim=[0.4, 0.7, 0.7], chamfer=[1e-5, 1e-5, 1e-5]
        ),
    )
    table = differences(found)
    assert dict(table["better"]) == {"psnr": "here", "ie": "there", "ssim": "", "chamfer": ""}
    assert list(verdict(found, table, "other.csv")) == [
        "This config is better (mean over 3 pairs): PSNR by 1.67 dB.",
        "other.csv is better (mean over 3 pairs): IE by 0.667.",
        "Neither is clearly better: SSIM.",
    ]


def test_without_a_difference_neither_side_is_better() -> None:
    found = compare(here({"a": 3, "b": 4}), there({"a": 3, "b": 4}))
    (line,) = verdict(found, differences(found), "other.csv")
    assert line == "Neither side is better: no score of the 2 pairs differs."


def test_no_difference_and_too_few_pairs_for_an_interval() -> None:
    same = differences(compare(here({"a": 3, "b": 4}), there({"a": 3, "b": 4}))).loc["psnr"]
    assert (same["mean"], same["mean_low"], same["mean_high"], same["median"]) == (0, 0, 0, 0)
    one = differences(compare(here({"a": 3}), there({"a": 2}))).loc["psnr"]
    assert (one["pairs"], one["mean"], one["median"]) == (1, 1, 1)
    assert math.isnan(one["mean_low"])
    none = differences(compare(here({"a": 3, "b": np.nan}), there({"a": np.nan, "b": 3}))).loc["psnr"]
    assert none["pairs"] == 0
    assert math.isnan(none["mean"])


def test_perfect_frames() -> None:
    found = compare(here({"a": math.inf, "b": math.inf, "c": 30}), there({"a": math.inf, "b": 50, "c": 29}))
    assert list(found.joined["psnr_difference"]) == [0, math.inf, 1]
    row = differences(found).loc["psnr"]
    assert (row["pairs"], row["mean"]) == (2, 0.5)
    assert list(largest_differences(found, "psnr", 9)["id"]) == ["b", "c"]
    assert group_differences(found).loc["all", "psnr"] == 0.5


def test_groups_by_source_and_level() -> None:
    own = here({"a": 10, "b": 20, "c": 30, "d": 40}, motion="rotation")
    own["source"], own["level"] = ["Japan", "Japan", "Disney", "Disney"], ["easy", "hard", "easy", None]
    groups = group_differences(compare(own, there({"a": 9, "b": 18, "c": 27})))
    assert list(groups.index) == ["all", "Disney", "Japan", "easy", "hard"]
    assert list(groups["pairs"]) == [3, 1, 2, 2, 1]
    assert list(groups["psnr"]) == [2, 3, 1.5, 2, 2]


def test_largest_differences_come_first() -> None:
    found = compare(
        here({"a": 1, "b": 2, "c": 3, "d": 4, "e": 5}), there({"e": 5, "d": 3, "c": 6, "b": 1, "a": 1.5})
    )
    assert list(largest_differences(found, "psnr", 3)["id"]) == ["c", "b", "d"]
    assert list(largest_differences(found, "psnr", 9)["id"]) == ["c", "b", "d", "a"]


def test_blanks_at_the_ends_of_ids_do_not_part_them() -> None:
    found = compare(here({" a": 30, "a": 20, "b ": 10}), there({" a": 30, "a": 20, "b": 10, "c ": 1}))
    assert found.only_here == ()
    assert found.only_there == ("c",)
    assert len(found.common) == 3


@pytest.mark.parametrize("statistic", [np.mean, np.median])
@pytest.mark.parametrize("at_once", [10_000_000, 10_000])
def test_intervals_are_those_of_scipy(
    monkeypatch: pytest.MonkeyPatch, statistic: score_comparison.Statistic, at_once: int
) -> None:
    monkeypatch.setattr(score_comparison, "DRAWN_AT_ONCE", at_once)
    values = np.random.default_rng(3).normal(0.2, 1, 37)
    wanted = bootstrap(
        (values,),
        statistic,
        n_resamples=score_comparison.RESAMPLES,
        batch=at_once // len(values),
        confidence_level=score_comparison.CONFIDENCE,
        method="percentile",
        rng=np.random.default_rng(score_comparison.SEED),
    ).confidence_interval
    assert bootstrap_interval(values, statistic) == pytest.approx((wanted.low, wanted.high), rel=1e-13)
