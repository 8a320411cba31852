from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest

from animeinterp.pipeline.planning.former_results import FormerResults, StageHistory
from animeinterp.pipeline.planning.session import Session
from tests.pipeline.small_runs import PAIRS, Opener, Runner


@pytest.fixture
def cache(tmp_path: Path) -> Path:
    return tmp_path / "cache"


def history(session: Session, cache: Path) -> StageHistory:
    return StageHistory(cache, session.descriptions)


def said(results: FormerResults) -> list[str]:
    return [str(difference) for difference in results.differences]


def test_the_present_results_are_no_former_ones(finished: None, open_session: Opener, cache: Path) -> None:
    assert history(open_session(), cache).former("matching") == ()
    assert history(open_session(), cache / "elsewhere").former("matching") == ()


def test_a_change_is_told_by_its_own_stage_and_inherited_by_later_ones(
    finished: None, open_session: Opener, cache: Path
) -> None:
    session = open_session("matching.area_penalty=7")
    found = history(session, cache)
    assert found.former("features") == ()
    (matching,) = found.former("matching")
    assert [str(each) for each in matching.own] == ["matching.area_penalty: 20.0 -> 7.0"]
    assert matching.inherited == ()
    assert set(matching.items) == {pair.id for pair in session.manifest.pairs}
    (evaluation,) = found.former("evaluation")
    assert evaluation.own == ()
    assert said(evaluation) == ["matching.area_penalty: 20.0 -> 7.0"]


def test_several_changes_stand_in_the_order_of_the_work(
    finished: None, open_session: Opener, cache: Path
) -> None:
    session = open_session("synthesis.times=[0.5, 0.6]", "segmentation.merge_rounds=3")
    (found,) = history(session, cache).former("evaluation")
    assert [difference.stage for difference in found.differences] == ["segmentation", "synthesis"]


def test_the_closest_that_hold_the_item_are_taken_and_of_equal_ones_the_latest(
    run: Runner, open_session: Opener, cache: Path
) -> None:
    first, second = (pair.id for pair in open_session().manifest.pairs[:2])
    far = ["matching.area_penalty=7", "matching.distance_penalty=4"]
    run(*far, last="matching")
    run("matching.area_penalty=8", last="matching", ids=(first,))
    run("matching.area_penalty=9", last="matching", ids=(first,))
    session = open_session()
    found = history(session, cache)
    near = found.closest("matching", first)
    assert near is not None
    assert said(near) == ["matching.area_penalty: 9.0 -> 20.0"]
    other = found.closest("matching", second)
    assert other is not None
    assert len(other.differences) == 2
    assert found.closest("matching", "nobody") is None
    eight = next(results for results in found.former("matching") if "8.0" in said(results)[0])
    os.utime(eight.folder, (4e9, 4e9))
    latest = history(session, cache).closest("matching", first)
    assert latest is not None
    assert latest.folder == eight.folder


def test_an_earlier_fingerprint_that_has_gone_is_said_to(
    finished: None, open_session: Opener, cache: Path
) -> None:
    session = open_session("matching.area_penalty=7")
    (matching,) = history(session, cache).former("matching")
    shutil.rmtree(matching.folder)
    (found,) = history(session, cache).former("coarse_flow")
    (difference,) = found.differences
    assert difference.stage == "matching"
    assert difference.old == f"fingerprint {matching.folder.name[:8]}, which no longer exists"


def test_shards_are_read_as_they_are_now(finished: None, open_session: Opener, cache: Path) -> None:
    (found,) = history(open_session("matching.area_penalty=7"), cache).former("matching")
    assert sum(len(manifest.items) for _, manifest in found.shards()) == PAIRS
    for path, _ in found.shards():
        (path / "manifest.json").write_text("{")
    assert list(found.shards()) == []
