from __future__ import annotations

import pytest
import torch

from animeinterp.configs.errors import ConfigError
from animeinterp.pipeline.compute.registry import STAGES
from animeinterp.pipeline.planning.verdicts import plan
from animeinterp.pipeline.running.execute import check_device
from tests.pipeline.small_runs import PAIRS, Opener, Runner


def test_plan_gives_reasons_by_stage(finished: None, open_session: Opener) -> None:
    assert not any(plan(open_session()).values())
    reasons = plan(open_session("matching.area_penalty=7", force=frozenset({"features"})))
    assert reasons["segmentation"] == {}
    assert reasons["features"] == {"recomputation requested": 2 * PAIRS}
    assert reasons["matching"] == {"matching.area_penalty: 20.0 -> 7.0": PAIRS}


def test_report_counts_work_and_time(run: Runner) -> None:
    report = run()
    assert report.succeeded
    assert report.computed.keys() == STAGES.keys()
    assert all(report.seconds[stage] > 0 for stage in STAGES)
    assert report.wall_seconds > 0
    assert report.broken == []


def test_a_run_whose_items_are_missing_has_not_succeeded(finished: None, run: Runner) -> None:
    report = run()
    assert report.succeeded
    report.session = report.session.under("evaluation", "0" * 32)
    assert not report.succeeded


def test_a_device_that_is_not_there_is_refused_before_any_work(
    run: Runner, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    check_device("cpu")
    with pytest.raises(ConfigError, match="executor.device = 'cuda': .*no CUDA device"):
        run("executor.device=cuda")


@pytest.mark.gpu
def test_a_run_on_the_gpu(run: Runner) -> None:
    assert run("executor.device=cuda").succeeded
