from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest

from animeinterp.configs.errors import ConfigError
from animeinterp.pipeline.pages.report.scores import (
    MOST_BINS,
    distribution,
    mean_scores,
    ranked,
    ranking_metric,
    shown_metrics,
)
from animeinterp.pipeline.results.scores import SCORE_LABELS, summarise
from animeinterp.stages.metrics import METRICS


def scores(*rows: dict[str, Any]) -> pd.DataFrame:
    about = {"source": "Japan", "level": None, "motion": None, "behavior": None}
    return pd.DataFrame(
        [{"id": str(k), **about, **dict.fromkeys(METRICS, np.nan), **row} for k, row in enumerate(rows)]
    )


def of_psnr(*values: float) -> pd.DataFrame:
    return scores(*({"psnr": value} for value in values))


def test_values_for_people() -> None:
    assert SCORE_LABELS["psnr"].text(23.456) == "23.46"
    assert SCORE_LABELS["psnr"].text(np.inf) == "∞"
    assert SCORE_LABELS["ssim"].text(np.nan) == "–"
    assert SCORE_LABELS["chamfer"].text(1.234e-5) == "1.23"
    flow = SCORE_LABELS["coarse_epe01_moving"]
    assert (flow.label, flow.unit, flow.better) == ("coarse EPE 0→1, moving", "px", "lower")


@pytest.mark.parametrize("name", METRICS)
def test_every_score_is_described(name: str) -> None:
    assert SCORE_LABELS[name].name == name
    assert ranking_metric(name).label


def test_scores_that_no_pair_has_are_not_shown() -> None:
    assert [metric.name for metric in shown_metrics(scores({"ssim": 1.0, "psnr": 3.0}, {}))] == [
        "psnr",
        "ssim",
    ]
    assert shown_metrics(scores({})) == []


def test_pairs_are_ranked_the_worst_first_whichever_way_is_better() -> None:
    table = scores(
        {"psnr": 20.0, "ie": 3.0}, {"psnr": np.inf, "ie": 0.0}, {"ie": 9.0}, {"psnr": 20.0, "ie": 5.0}
    )
    assert list(ranked(table, ranking_metric("psnr"))["id"]) == ["0", "3", "1"]
    assert list(ranked(table, ranking_metric("ie"))["id"]) == ["2", "3", "0", "1"]


def test_pairs_cannot_be_ranked_by_anything_else() -> None:
    with pytest.raises(
        ConfigError, match="'level' is not a score that can rank pairs; expected one of psnr, ssim"
    ):
        ranking_metric("level")


def test_means_are_those_that_a_run_prints() -> None:
    table = scores({"psnr": 20.0, "level": "hard"}, {"psnr": np.inf, "level": "easy"}, {"level": "easy"})
    means = mean_scores(table)
    assert [row["name"] for row in means] == list(summarise(table).index)
    assert [(row["by"], row["pairs"], row["psnr"]) for row in means[-2:]] == [
        ("level", 2, np.inf),
        ("level", 1, 20.0),
    ]
    assert np.isnan(means[0]["ssim"])


def test_bins_count_every_finite_value() -> None:
    values = np.random.default_rng(0).normal(30, 5, 1000)
    found = distribution(of_psnr(*values, np.inf, np.inf, np.nan), SCORE_LABELS["psnr"])
    assert len(found.bins) == MOST_BINS
    assert sum(each.count for each in found.bins) == 1000
    assert (found.bins[0].start, found.bins[-1].end) == pytest.approx((values.min(), values.max()))
    for each in found.bins[:-1]:
        assert each.count == ((values >= each.start) & (values < each.end)).sum()
    assert (found.pairs, found.perfect) == (1002, 2)
    assert found.median == pytest.approx(np.median([*values, np.inf, np.inf]))
    assert len(distribution(of_psnr(*values[:9]), SCORE_LABELS["psnr"]).bins) == 6


def test_equal_values_make_one_bin_and_infinite_ones_none() -> None:
    (only,) = distribution(of_psnr(3.0, 3.0), SCORE_LABELS["psnr"]).bins
    assert (only.start, only.end, only.count) == (3, 3, 2)
    perfect = distribution(of_psnr(np.inf), SCORE_LABELS["psnr"])
    assert (perfect.bins, perfect.perfect) == ((), 1)
