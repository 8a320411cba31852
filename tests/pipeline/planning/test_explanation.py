from __future__ import annotations

import pytest

from animeinterp.configs.errors import ConfigError
from animeinterp.pipeline.compute.registry import STAGES
from animeinterp.pipeline.planning.explanation import EXAMPLES, explain_item, explain_stage, items_named
from animeinterp.pipeline.planning.verdicts import Verdicts, plan
from tests.pipeline.small_runs import PAIRS, Opener, Runner


def test_a_stage_that_is_done_has_one_verdict(finished: None, open_session: Opener) -> None:
    found = explain_stage(Verdicts(open_session()), "features")
    assert (found.items, found.to_compute, found.accepted) == (2 * PAIRS, 0, None)
    (counted,) = found.verdicts
    assert counted.verdict.kind == "current"
    assert counted.count == 2 * PAIRS
    assert len(counted.examples) == EXAMPLES


def test_cues_to_compute_come_first_and_agree_with_the_plan(run: Runner, open_session: Opener) -> None:
    pairs = [pair.id for pair in open_session().manifest.pairs]
    run("matching.area_penalty=7", last="matching", ids=tuple(pairs[:1]))
    run(last="matching", ids=(pairs[1],))
    session = open_session()
    found = explain_stage(Verdicts(session), "matching")
    assert [(counted.verdict.kind, counted.count) for counted in found.verdicts] == [
        ("new", PAIRS - 2),
        ("settings", 1),
        ("current", 1),
    ]
    assert found.to_compute == plan(session)["matching"].total()
    assert [name for name, _ in found.verdicts[1].examples] == [pairs[0]]


def test_an_item_tells_where_it_is_and_what_it_holds(finished: None, open_session: Opener) -> None:
    session = open_session()
    found = explain_item(Verdicts(session), "matching", 1)
    assert found.verdict.kind == "current"
    assert found.item == session.manifest.pairs[1].id
    assert found.kept is not None
    assert found.kept.shard == session.shard_path("matching", session.layout.group_of("matching", 1))
    assert found.kept.record == session.current.record("matching", 1)
    assert found.kept.shard.parent.name == session.fingerprints["matching"]
    assert found.kept.committed is not None


def test_an_item_of_former_settings_tells_where_it_was(finished: None, open_session: Opener) -> None:
    before = open_session().fingerprints["matching"]
    session = open_session("matching.area_penalty=7")
    found = explain_item(Verdicts(session), "matching", 0)
    assert found.verdict.kind == "settings"
    assert found.kept is not None
    assert found.kept.shard.parent.name == before
    assert found.kept.record.id == session.manifest.pairs[0].id


def test_an_item_that_is_nowhere_is_kept_nowhere(open_session: Opener) -> None:
    assert explain_item(Verdicts(open_session()), "matching", 0).kept is None


def test_a_pair_comes_with_its_frames_and_a_frame_alone(open_session: Opener) -> None:
    session = open_session()
    pair = session.manifest.pairs[1]
    named = items_named(session, pair.id)
    assert [stage for stage, _ in named] == ["segmentation"] * 2 + ["features"] * 2 + list(STAGES)[2:]
    assert [item for _, item in named] == [*pair.frames, *pair.frames, 1, 1, 1, 1, 1]
    frame = session.manifest.frames[3]
    assert items_named(session, frame.id) == [("segmentation", 3), ("features", 3)]


def test_what_is_not_there_is_refused_with_what_is_like_it(open_session: Opener) -> None:
    session = open_session("coarse_flow.method=zero")
    known = session.manifest.pairs[0].id
    with pytest.raises(ConfigError, match=f"'{known}x' is neither a stage nor a pair or frame of .*{known}"):
        items_named(session, known + "x")
    with pytest.raises(ConfigError, match="did you mean synthesis"):
        items_named(session, "synthesi")
    with pytest.raises(ConfigError, match="'matching' does not run under this config; its stages are coarse"):
        items_named(session, "matching")
