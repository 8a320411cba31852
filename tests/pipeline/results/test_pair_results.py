from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest

from animeinterp.configs.errors import ConfigError
from animeinterp.pipeline.compute.registry import STAGES
from animeinterp.pipeline.planning.session import Session
from animeinterp.pipeline.results.pair_results import PairResults
from tests.pipeline.small_runs import Opener


def view_of(session: Session, number: int = 0) -> PairResults:
    return PairResults(session, session.manifest.pairs[number].id)


def zero_array(session: Session, stage: str, name: str) -> None:
    """Damage one array of the first shard; its length stays."""
    for file in (session.shard_path(stage, 0) / name / "c").rglob("*"):
        if file.is_file():
            file.write_bytes(b"\0" * file.stat().st_size)


@pytest.mark.parametrize("stage", list(STAGES))
def test_state_follows_every_stage(finished: None, open_session: Opener, stage: str) -> None:
    session = open_session()
    before = view_of(session).state()
    shutil.rmtree(session.shard_path(stage, 0))
    assert view_of(open_session()).state() != before


def test_what_is_there_is_found_with_its_record(finished: None, open_session: Opener) -> None:
    view = view_of(open_session())
    for stage in STAGES:
        found = view.found(stage)
        assert (found.state, found.note) == ("ok", "")
        assert found.record is not None
        assert found.record.output.keys() == found.arrays.keys()
        assert view.arrays(stage) is found.arrays
    assert view.found("segmentation", 1).record != view.found("segmentation", 0).record


def test_one_damaged_array_leaves_the_others(finished: None, open_session: Opener) -> None:
    session = open_session()
    zero_array(session, "refinement", "refined_flow01")
    view = view_of(session)
    found = view.found("refinement")
    assert found.state == "damaged"
    others = ["refined_flow10", "importance01", "importance10", "start_flow01", "start_flow10"]
    assert sorted(found.arrays) == sorted(others)
    assert "array 'refined_flow01'" in found.note
    assert view.arrays("refinement") is None
    assert view.why("refinement") == found.note


def test_results_whose_earlier_stage_has_gone_are_shown_as_such(finished: None, open_session: Opener) -> None:
    session = open_session()
    kept = view_of(session).arrays("coarse_flow")
    assert kept is not None
    shutil.rmtree(session.shard_path("matching", 0))
    view = view_of(open_session())
    assert view.found("matching").state == "missing"
    found = view.found("coarse_flow")
    assert found.state == "earlier"
    np.testing.assert_array_equal(found.arrays["fate01"], kept["fate01"])
    assert view.arrays("coarse_flow") is None
    assert view.why("coarse_flow") == "coarse_flow is not computed yet, or out of date; run it first"


def test_results_of_other_frames_are_not_shown(
    cartoons: Path, finished: None, open_session: Opener, tmp_path: Path
) -> None:
    shutil.copytree(cartoons, tmp_path / "copy")
    folders = sorted((tmp_path / "copy" / "test_2k_540p").iterdir())
    shutil.copy(folders[1] / "frame3.png", folders[0] / "frame3.png")
    view = view_of(open_session(f"data.root='{tmp_path / 'copy'}'"))
    assert view.found("segmentation", 0).state == "ok"
    assert view.found("segmentation", 1).state == "missing"
    assert view.found("coarse_flow").state == "missing"


def test_damage_that_a_look_at_the_files_shows_is_named(finished: None, open_session: Opener) -> None:
    session = open_session()
    file = next((session.shard_path("matching", 0) / "match01" / "c").rglob("[0-9]*"))
    file.write_bytes(file.read_bytes()[:-1])
    found = view_of(open_session()).found("matching")
    assert found.state == "missing"
    assert found.note.startswith("matching is damaged (match01")
    assert found.note.endswith("; a run recomputes it")


def test_stages_that_a_run_leaves_out(open_session: Opener) -> None:
    found = view_of(open_session("coarse_flow.method=zero")).found("features")
    assert (found.state, found.note) == ("unneeded", "not needed: coarse_flow.method = 'zero'")


def test_unknown_pair_is_refused_with_similar_ones(open_session: Opener) -> None:
    session = open_session()
    name = session.manifest.pairs[0].id
    with pytest.raises(ConfigError, match=f"no pair '{name}x' .*did you mean {name}"):
        PairResults(session, f"{name}x")
