from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from animeinterp.configs.errors import CacheError
from animeinterp.pipeline.compute.registry import STAGES
from animeinterp.pipeline.results.diff_reasons import Reasons
from animeinterp.pipeline.results.reading import open_results
from animeinterp.pipeline.results.result_diff import StageComparison, compare_results, most_changed, open_side
from tests.pipeline.small_runs import PAIRS, Command, Runner, set_options

CHANGE = "coarse_flow.rank_sum_limit=3"


def by_stage(found: list[StageComparison]) -> dict[str, StageComparison]:
    return {compared.stage: compared for compared in found}


def test_a_result_is_identical_to_itself(finished: None, settings: list[str]) -> None:
    results = open_results("demo", settings)
    found = by_stage(compare_results(results, results))
    assert found.keys() == STAGES.keys()
    for compared in found.values():
        assert compared.identical == len(results[compared.stage].ids)
        assert not len(compared.table)
        assert [*compared.explanations(), *compared.only_one, *compared.only_other] == []
    assert most_changed(list(found.values()), 3) == []


def test_a_changed_setting_is_named_where_it_stands_and_its_effect_after(
    finished: None, settings: list[str], run: Runner
) -> None:
    run(CHANGE)
    one, other = open_results("demo", settings), open_results("demo", [*settings, CHANGE])
    found = by_stage(compare_results(one, other))
    assert [str(difference) for difference in found["coarse_flow"].reasons.settings] == [
        "coarse_flow.rank_sum_limit: 0 -> 3"
    ]
    assert not any(found[stage].reasons.settings for stage in STAGES if stage != "coarse_flow")
    for stage in ("segmentation", "features", "matching"):
        assert not len(found[stage].table)
    flows = found["coarse_flow"].table
    assert flows["largest"].max() > 1
    assert list(flows["mean"]) == sorted(flows["mean"], reverse=True)
    name = str(flows.index[0])
    apart = [
        np.hypot(*(one["coarse_flow"].arrays(name)[way] - other["coarse_flow"].arrays(name)[way]))
        for way in ("coarse_flow01", "coarse_flow10")
    ]
    assert flows.loc[name, "mean"] == pytest.approx(np.mean(apart), rel=1e-5)
    scores = one.scores().set_index("id")["psnr"], other.scores().set_index("id")["psnr"]
    evaluated = found["evaluation"].table["psnr"]
    for pair in evaluated.index:
        assert evaluated[pair] == pytest.approx(scores[1][pair] - scores[0][pair])
    worst = found["synthesis"].table["psnr"].idxmin()
    assert most_changed(list(found.values()), 1) == [worst]


def test_items_that_only_one_has_are_listed(finished: None, settings: list[str], run: Runner) -> None:
    one = open_results("demo", settings)
    name = one["coarse_flow"].ids[1]
    run(CHANGE, ids=(name,))
    found = by_stage(compare_results(one, open_results("demo", [*settings, CHANGE])))
    assert len(found["coarse_flow"].only_one) == PAIRS - 1
    assert name not in found["coarse_flow"].only_one
    assert found["coarse_flow"].only_other == {}


def test_sides_are_configs_runs_and_fingerprints(
    finished: None, settings: list[str], run: Runner, tmp_path: Path
) -> None:
    report = run(CHANGE)
    assert report.record is not None
    by_run = open_side(str(report.record), [])
    assert list(by_run) == list(STAGES)
    folder = report.session.folder("coarse_flow")
    by_fingerprint = open_side(str(folder), [])
    (compared,) = compare_results(by_run, by_fingerprint)
    assert (compared.stage, compared.identical) == ("coarse_flow", PAIRS)
    by_config = open_side("demo", settings)
    assert len(by_stage(compare_results(by_config, by_run))["coarse_flow"].reasons.settings) == 1
    with pytest.raises(CacheError, match="already computed, so its settings cannot be changed"):
        open_side(str(folder), [CHANGE])
    other = open_side(str(report.session.folder("matching")), [])
    with pytest.raises(CacheError, match="no stage is in both: A has coarse_flow, B has matching"):
        compare_results(by_fingerprint, other)


def test_interval_counts_identical_items_as_no_difference() -> None:
    table = pd.DataFrame({"psnr": [1.0] * 50})
    nothing_told = Reasons([], [], [])
    compared = StageComparison("evaluation", nothing_told, {}, {}, 50, table)
    low, high = compared.interval("psnr")
    assert 0.35 < low < 0.5 < high < 0.65
    assert StageComparison("evaluation", nothing_told, {}, {}, 0, table).interval("psnr") == (1.0, 1.0)
    nothing = StageComparison("evaluation", nothing_told, {}, {}, 0, table.iloc[:0])
    assert all(np.isnan(nothing.interval("psnr")))


def test_the_command_prints_settings_and_effects(
    finished: None, settings: list[str], run: Runner, command: Command
) -> None:
    run(CHANGE)
    code, said = command("diff", "demo", "demo", *set_options(settings), "--set-b", CHANGE)
    assert code == 0, said
    assert "coarse_flow.rank_sum_limit: 0 -> 3" in said
    assert f"segmentation: frames: {2 * PAIRS} identical, 0 differ" in said
    assert "mean distance of end points, px" in said
    assert "changed most: " in said
