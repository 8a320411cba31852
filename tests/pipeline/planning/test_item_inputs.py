from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from animeinterp.configs.loading import load_config
from animeinterp.data.manifest import Manifest
from animeinterp.pipeline.compute.registry import STAGES, binding_of
from animeinterp.pipeline.planning.item_inputs import ItemInputs
from animeinterp.pipeline.planning.selection import Selection
from animeinterp.pipeline.planning.session import Session
from tests.pipeline.small_runs import Opener, small_settings


@pytest.fixture(scope="module")
def session(cartoons: Path, finished_cache: Path) -> Session:
    """A session on a finished run; read it, never change it."""
    return Session.open(load_config("demo", small_settings(cartoons, finished_cache)), Selection())


def with_manifest(session: Session, manifest: Manifest) -> Session:
    """The session as it would be on another dataset, with nothing known yet of the cache."""
    layout = replace(session.layout, manifest=manifest)
    current = replace(session.current, layout=layout, fresh=set(), _indexes={}, _located={})
    return replace(session, layout=layout, current=current)


def altered(session: Session, position: int = 0, **changes: Any) -> Session:
    """The session as it would be if one pair were another."""
    pairs = list(session.manifest.pairs)
    pairs[position] = replace(pairs[position], **changes)
    return with_manifest(session, replace(session.manifest, pairs=tuple(pairs)))


def with_frame(session: Session, position: int, **changes: Any) -> Session:
    """The session as it would be if one frame were another."""
    frames = list(session.manifest.frames)
    frames[position] = replace(frames[position], **changes)
    return with_manifest(session, replace(session.manifest, frames=tuple(frames)))


def need(session: Session, stage: str) -> ItemInputs:
    """Inputs of the first item."""
    found = session.current.inputs_of(stage, session.layout.items(stage, 0)[0])
    assert found is not None
    return found


def inputs(session: Session, stages: Iterable[str] = STAGES) -> dict[str, str | None]:
    found = {stage: session.current.inputs_of(stage, session.layout.items(stage, 0)[0]) for stage in stages}
    return {stage: each and each.input for stage, each in found.items()}


def test_recorded_inputs_are_those_needed(session: Session) -> None:
    for stage in STAGES:
        record = session.current.record(stage, session.layout.items(stage, 0)[0])
        assert record is not None
        assert record.input == need(session, stage).input


def test_sources_hold_what_the_stages_read(session: Session) -> None:
    for stage in STAGES:
        binding = binding_of(stage, session.config)
        source = need(session, stage).source
        assert source is not None
        copies = {
            name: 2 if binding.unit == "pair" and STAGES[name].unit == "frame" else 1 for name in STAGES
        }
        expected = [name for name in binding.reads for _ in range(copies[name])]
        assert [item.stage for item in source.upstream] == expected
    truth = need(session, "evaluation").source
    assert truth is not None
    annotation = session.manifest.pairs[0].annotation
    assert annotation is not None
    assert truth.image_size == annotation.image_size
    assert truth.roi is not None


@pytest.mark.parametrize("changes", [{"digest": "other"}, {"style": "other"}])
def test_a_changed_frame_changes_the_first_stage_and_the_rest_waits(
    session: Session, changes: dict[str, str]
) -> None:
    other = inputs(with_frame(session, session.manifest.pairs[0].frames[0], **changes))
    assert other["segmentation"] not in (None, inputs(session)["segmentation"])
    assert {stage for stage, found in other.items() if found is None} == set(STAGES) - {"segmentation"}


def test_the_other_frame_of_a_pair_counts(session: Session) -> None:
    other = inputs(with_frame(session, session.manifest.pairs[0].frames[1], digest="other"))
    assert other["features"] == inputs(session)["features"]
    assert other["matching"] is None


def test_places_do_not_count(session: Session) -> None:
    moved = with_frame(session, session.manifest.pairs[0].frames[0], path=Path("elsewhere.png"))
    assert inputs(moved) == inputs(session)


def test_the_truth_concerns_evaluation_alone(session: Session) -> None:
    truth = session.manifest.pairs[0].truth
    assert truth is not None
    other = inputs(altered(session, truth=replace(truth, digest="other")))
    assert {stage for stage, found in inputs(session).items() if other[stage] != found} == {"evaluation"}
    plain = inputs(altered(session, annotation=None))
    assert {stage for stage, found in inputs(session).items() if plain[stage] != found} == {"evaluation"}


def test_without_a_truth_there_is_nothing_to_score(session: Session) -> None:
    found = need(altered(session, truth=None, motion_truth=None), "evaluation")
    assert (found.status, found.reason, found.source) == ("skipped", "no ground truth", None)


def test_evaluation_reads_what_has_a_truth(session: Session) -> None:
    pair = session.manifest.pairs[0]
    assert pair.truth is not None
    assert pair.motion_truth is not None
    moved, seen = altered(session, truth=None), altered(session, motion_truth=None)
    other = replace(pair.motion_truth, digest="other")
    found = {
        name: need(each, "evaluation")
        for name, each in (
            ("both", session),
            ("flows", moved),
            ("frame", seen),
            ("other", altered(session, motion_truth=other)),
        )
    }
    assert len({each.input for each in found.values()}) == 4
    sources = {name: each.source for name, each in found.items()}
    assert sources["flows"] is not None
    assert sources["frame"] is not None
    assert [item.stage for item in sources["frame"].upstream] == ["synthesis"]
    assert {item.stage for item in sources["flows"].upstream} == {
        "segmentation",
        "matching",
        "coarse_flow",
        "refinement",
    }
    assert (sources["flows"].truth, sources["flows"].motion_truth) == (None, pair.motion_truth.path)
    assert (sources["frame"].truth, sources["frame"].motion_truth) == (pair.truth.path, None)


def test_without_the_middle_flows_alone_are_scored(finished: None, open_session: Opener) -> None:
    opened = open_session("synthesis.times=[0.25, 0.75]")
    found = need(opened, "evaluation").source
    assert found is not None
    assert found.truth is None
    assert found.motion_truth is not None


def test_stages_missing_for_an_item_are_named(session: Session, open_session: Opener) -> None:
    assert session.current.missing_stages("evaluation", 0) == []
    empty = open_session()
    assert empty.current.missing_stages("matching", 0) == ["features", "segmentation"]
    assert altered(empty, motion_truth=None).current.missing_stages("evaluation", 0) == ["synthesis"]


def test_times_without_the_middle_leave_nothing_to_score(open_session: Opener) -> None:
    found = need(altered(open_session("synthesis.times=[0.25, 0.75]"), motion_truth=None), "evaluation")
    assert found.status == "skipped"
    assert found.reason == "no frame at t = 0.5: synthesis.times = [0.25, 0.75]"


def test_a_bad_annotation_fails_the_scoring(session: Session) -> None:
    found = need(altered(session, annotation=None, annotation_error="malformed"), "evaluation")
    assert (found.status, found.reason) == ("failed", "malformed")


def test_a_bad_pair_fails_where_pairs_begin_and_once_only(session: Session) -> None:
    bad = altered(session, error="frames of different sizes")
    assert inputs(bad, ("segmentation", "features")) == inputs(session, ("segmentation", "features"))
    found = need(bad, "matching")
    assert (found.status, found.reason) == ("failed", "frames of different sizes")
    assert bad.current.inputs_of("coarse_flow", 0) is None  # until that is recorded


def test_what_depends_on_a_failure_is_skipped_with_its_reason(session: Session) -> None:
    bad = with_manifest(session, session.manifest)
    location = bad.current.locate("matching", 0)
    assert location is not None
    record = location.record
    failed = replace(record, status="failed", reason="too dark", output={})
    skipped = replace(record, status="skipped", reason="segmentation of x failed", output={})
    reasons = []
    for state in (failed, skipped):
        manifest = replace(location.manifest, items=(state,))
        bad.current._located["matching", 0] = replace(location, manifest=manifest, row=0)
        found = need(bad, "coarse_flow")
        assert found.status == "skipped"
        assert found.source is None
        reasons.append(found.reason)
    assert reasons == [f"matching of {record.id} failed", "segmentation of x failed"]


def test_nothing_is_needed_before_the_stages_read_are_done(open_session: Opener) -> None:
    found = inputs(open_session())
    assert found.pop("segmentation") is not None
    assert set(found.values()) == {None}


def test_a_pair_of_one_frame_has_needs_too(session: Session) -> None:
    pair = session.manifest.pairs[0]
    alone = altered(session, frames=pair.frames[:1], error="one image")
    assert need(alone, "matching").status == "failed"


def test_zero_flow_depends_on_the_size_of_the_frames_alone(session: Session) -> None:
    zero = load_config(
        "demo",
        [*small_settings(session.manifest.root, session.config.store.cache), "coarse_flow.method=zero"],
    )
    opened = Session.open(zero, look_only=True)
    before = need(opened, "coarse_flow")
    assert before.source is not None
    assert before.source.upstream == ()
    first = opened.manifest.pairs[0].frames[0]
    assert need(with_frame(opened, first, digest="other"), "coarse_flow").input == before.input
    assert need(with_frame(opened, first, size=(1, 2)), "coarse_flow").input != before.input
    found = need(altered(opened, error="one image", frames=(first,)), "coarse_flow")
    assert (found.status, found.reason) == ("failed", "one image")
