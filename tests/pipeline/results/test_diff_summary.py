from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from animeinterp.pipeline.results.diff_reasons import Reasons
from animeinterp.pipeline.results.diff_summary import BETTER, COLUMNS, INTERVAL, summaries, verdict
from animeinterp.pipeline.results.result_diff import StageComparison
from animeinterp.stages.metrics import METRICS

NOTHING_TOLD = Reasons([], [], [])


def compared(stage: str, identical: int = 0, **columns: list[float]) -> StageComparison:
    table = pd.DataFrame(columns, dtype=float)
    table.index = pd.Index([f"pair{number}" for number in range(len(table))], name="id")
    return StageComparison(stage, NOTHING_TOLD, {}, {}, identical, table)


def scores(identical: int = 0, **changes: list[float]) -> StageComparison:
    count = len(next(iter(changes.values())))
    return compared(
        "evaluation", identical, **{name: changes.get(name, [np.nan] * count) for name in METRICS}
    )


def test_figures_are_over_all_items_that_both_have() -> None:
    flows = compared("refinement", 2, mean=[6.0, 2.0], far=[0.5, 0.25], largest=[9.0, 8.0])
    first, *_ = summaries(flows)
    assert (first.mean, first.median, first.largest, first.item) == (2.0, 1.0, 6.0, "pair0")
    assert first.interval == flows.interval("mean")
    assert list(first.cells()) == [column for column in COLUMNS if column != BETTER]
    assert first.cells()["mean"] == "2"


def test_infinite_measures_have_no_interval() -> None:
    (psnr,) = summaries(compared("synthesis", 3, psnr=[30.0, 20.0]))
    assert (psnr.mean, psnr.largest, psnr.interval) == (25.0, 20.0, None)
    assert psnr.cells()[INTERVAL] == "–"


def test_measures_without_a_difference_are_left_out() -> None:
    assert [found.measure.name for found in summaries(scores(psnr=[0.5, 1.0], ssim=[0.0, 0.0]))] == ["psnr"]
    assert summaries(compared("evaluation", 4, **{name: [] for name in METRICS})) == []


@pytest.mark.parametrize(
    ("metric", "changes", "better"),
    [
        ("psnr", [1.0, 2.0, 3.0], "B"),
        ("psnr", [-1.0, -2.0, -3.0], "A"),
        ("ie", [1.0, 2.0, 3.0], "A"),
        ("chamfer", [-1e-5, -2e-5, -3e-5], "B"),
        ("psnr", [-3.0, 0.1, 3.0], ""),
        ("ssim", [0.1], "B"),
        ("ssim", [np.nan, 0.1], "B"),
    ],
)
def test_the_better_side(metric: str, changes: list[float], better: str) -> None:
    (found,) = summaries(scores(**{metric: changes}))
    assert found.change is not None
    assert found.change.better == better
    assert found.cells()[BETTER] == (better or "–")


def test_a_flow_is_not_better_than_another() -> None:
    flows = summaries(compared("refinement", mean=[2.0, 3.0], far=[1, 1], largest=[3, 4]))
    assert {found.change for found in flows} == {None}


def test_the_verdict_names_side_and_scores_in_their_units() -> None:
    found = list(
        verdict(
            [
                scores(
                    psnr=[0.5, 0.7, 0.6],
                    ie=[0.1, 0.2, 0.3],
                    chamfer=[-1e-5, -3e-5, -2e-5],
                    ssim=[-0.1, 0.1, 0.0],
                    coarse_epe01=[1.0, 1.0, 1.0],
                )
            ]
        )
    )
    assert found == [
        "B is better (mean over 3 pairs): PSNR by 0.600 dB; Chamfer by 2.00 × 10⁻⁵.",
        "A is better (mean over 3 pairs): IE by 0.200.",
        "Neither is clearly better: SSIM.",
    ]


def test_without_scores_or_differences_neither_is_better() -> None:
    none = scores(psnr=[]), compared("segmentation", 2)
    assert list(verdict(none)) == ["No pair has scores on both sides, so neither can be called better."]
    assert list(verdict([])) == list(verdict(none))
    same = scores(identical=4, psnr=[])
    assert list(verdict([same])) == ["Neither side is better: no score of the 4 pairs differs."]


def test_scores_of_flows_count_where_the_frames_are_the_same() -> None:
    (line,) = verdict([scores(coarse_epe01=[-1.0, -2.0])])
    assert line == "B is better (mean over 2 pairs): coarse EPE 0→1 by 1.50 px."
