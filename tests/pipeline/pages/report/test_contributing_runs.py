from __future__ import annotations

import platform
from collections import Counter
from dataclasses import replace
from pathlib import Path

import pytest

from animeinterp.pipeline.compute.registry import STAGES
from animeinterp.pipeline.pages.report.contributing_runs import contributing_runs, machines, versions
from animeinterp.pipeline.store.versions import library_versions
from tests.pipeline.small_runs import PAIRS, Opener, Runner


@pytest.mark.slow
def test_runs_that_computed_stages_of_the_session(run: Runner, open_session: Opener) -> None:
    run(limit=1)
    run("coarse_flow.max_shift=9")
    run()
    run()
    last, middle, other, first = contributing_runs(open_session())
    assert (last.stages, last.computed) == ((), 0)
    assert first.stages == tuple(STAGES)
    assert other.stages == ("segmentation", "features", "matching")  # later ones have other settings
    assert other.computed == 2 * 2 * (PAIRS - 1) + PAIRS - 1
    assert middle.stages == ("coarse_flow", "refinement", "synthesis", "evaluation")
    assert middle.computed == 4 * (PAIRS - 1)
    assert first.failed == 0


def test_runs_under_other_settings_are_left_out(run: Runner, open_session: Opener) -> None:
    run("segmentation.merge_rounds=3", limit=1)
    assert contributing_runs(open_session()) == []
    assert len(contributing_runs(open_session("segmentation.merge_rounds=3"))) == 1


def test_machines_are_told_once(run: Runner, open_session: Opener) -> None:
    run(last="segmentation", limit=1)
    run(last="segmentation", limit=1)
    runs = contributing_runs(open_session())
    ((host, machine),) = machines(runs).items()
    assert (host, machine["memory"] > 1e8, machine["cores"] >= 1) == (platform.node(), True, True)
    later = replace(runs[0].run.info, machine={"cores": 3})
    assert machines([replace(runs[0], run=replace(runs[0].run, info=later)), *runs]) == {host: {"cores": 3}}


def test_versions_are_those_of_the_shards(finished: None, open_session: Opener) -> None:
    session = open_session()
    shards = sum(len(list(session.folder(stage).glob("*.zarr"))) for stage in STAGES)
    assert versions(session) == {name: Counter({v: shards}) for name, v in library_versions().items()}


def test_an_empty_cache_has_neither(open_session: Opener, tmp_path: Path) -> None:
    session = open_session()
    assert contributing_runs(session) == []
    assert versions(session) == {}
