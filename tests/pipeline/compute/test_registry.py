from __future__ import annotations

from pathlib import Path
from typing import get_args

import numpy as np
import pytest

from animeinterp.configs.errors import CacheError
from animeinterp.configs.loading import load_config
from animeinterp.configs.sections import Config, MethodSection
from animeinterp.pipeline.compute.calls.matching import matching_of
from animeinterp.pipeline.compute.entry import Together
from animeinterp.pipeline.compute.item_source import ItemSource, UpstreamItem
from animeinterp.pipeline.compute.registry import STAGES, binding_of, needed_for
from animeinterp.pipeline.planning.selection import Selection
from animeinterp.pipeline.planning.session import Session
from animeinterp.pipeline.planning.shard_planning import shard_job
from animeinterp.pipeline.store.array_specs import ARRAY_SPECS, check_item
from animeinterp.pipeline.store.shards import array_digest
from tests.pipeline.small_runs import SIZE, Opener, Runner, small_settings


@pytest.fixture(scope="module")
def session(cartoons: Path, finished_cache: Path) -> Session:
    """A finished run of which everything is to be computed again."""
    config = load_config("demo", small_settings(cartoons, finished_cache))
    return Session.open(config, Selection(force=frozenset(STAGES)))


def source_of(session: Session, stage: str, number: int = 0) -> ItemSource:
    source = shard_job(session, stage, 0).items[number].source
    assert source is not None
    return source


def test_stages_read_earlier_ones_and_keep_known_arrays() -> None:
    names = list(STAGES)
    assert names == list(ARRAY_SPECS)
    for position, (name, entry) in enumerate(STAGES.items()):
        assert entry.name == name
        for method in entry.methods.values():
            assert {*method.reads, *method.reads_if_made} <= set(names[:position])
            assert method.version >= 1


@pytest.mark.parametrize("stage", list(STAGES))
def test_a_stage_has_the_methods_that_its_settings_offer(stage: str) -> None:
    section, methods = getattr(Config(), stage), STAGES[stage].methods
    if isinstance(section, MethodSection):
        offered = get_args(type(section).model_fields["method"].annotation)
        assert methods.keys() == section.fields_of_method.keys() == {*offered} - {"auto"}
        assert section.held_values.keys() <= methods.keys()
    else:
        assert methods.keys() == {""}


def test_what_a_stage_reads_depends_on_its_method() -> None:
    sgm, zero = load_config("paper"), load_config("paper", ["coarse_flow.method=zero"])
    taken = load_config("paper", ["coarse_flow.method=imported", "coarse_flow.imported_from=x"])
    given = load_config("paper", [f"{stage}.weights=x" for stage in ("features", "refinement", "synthesis")])
    assert binding_of("refinement", given).reads == ("coarse_flow",)
    assert binding_of("refinement", sgm).reads == ("coarse_flow", "segmentation")
    assert binding_of("refinement", zero).reads == ("coarse_flow",)
    assert [binding_of("coarse_flow", config).reads for config in (zero, taken)] == [(), ()]
    assert [binding_of("coarse_flow", config).imports for config in (sgm, zero, taken)] == [
        False,
        False,
        True,
    ]
    made = ("synthesis", "refinement", "coarse_flow")
    assert binding_of("evaluation", zero).reads == made
    assert binding_of("evaluation", sgm).reads == (*made, "matching", "segmentation")
    for stage, entry in STAGES.items():
        assert (binding_of(stage, zero).name, binding_of(stage, zero).unit) == (stage, entry.unit)
    assert needed_for("evaluation", sgm) == tuple(STAGES)
    assert needed_for("matching", sgm) == needed_for("matching", zero) == tuple(STAGES)[:3]
    assert needed_for("evaluation", zero) == needed_for("evaluation", taken) == tuple(STAGES)[3:]


def test_frames_are_an_input_of_the_stages_that_look_at_them(session: Session) -> None:
    looking = {name for name in STAGES if binding_of(name, session.config).frames == "content"}
    assert looking == {"segmentation", "features", "coarse_flow", "refinement", "synthesis"}
    for name in looking:
        assert len(source_of(session, name).frames) == (1 if STAGES[name].unit == "frame" else 2)


@pytest.mark.parametrize("stage", list(STAGES))
def test_same_source_same_bytes(session: Session, stage: str) -> None:
    arrays = binding_of(stage, session.config).compute(source_of(session, stage), session.config)
    check_item(stage, arrays)
    record = session.current.record(stage, session.layout.items(stage, 0)[0])
    assert record is not None
    assert {name: array_digest(array) for name, array in arrays.items()} == record.output


def test_pieces_of_either_frame(session: Session) -> None:
    source = source_of(session, "coarse_flow")
    for index in (0, 1):
        pieces = source.pieces(index)
        assert pieces.label_map.shape == SIZE == source.frame(index).shape[:2]
        assert pieces.label_map.max() + 1 == len(pieces.area)
    assert not np.array_equal(source.pieces(0).label_map, source.pieces(1).label_map)


def test_affinity_is_kept_when_asked_for(session: Session) -> None:
    source = source_of(session, "matching")
    matching = binding_of("matching", session.config)
    plain = matching.compute(source, session.config)
    assert plain["affinity"].size == 0
    asked = session.config.model_copy(
        update={"matching": session.config.matching.model_copy(update={"keep_affinity": True})}
    )
    kept = matching.compute(source, asked)
    count0, count1 = len(kept["match01"]), len(kept["match10"])
    affinity = kept["affinity"].reshape(count0, count1)
    np.testing.assert_array_equal(affinity[np.arange(count0), kept["match01"]], kept["score01"])
    assert all(np.array_equal(kept[name], plain[name]) for name in plain if name != "affinity")
    assert matching_of(kept).affinity is None


def test_evaluation_scores_the_frame_in_the_middle(finished: None, run: Runner, open_session: Opener) -> None:
    def scores(*settings: str) -> list[object]:
        return [record and record.output for _, record in open_session(*settings).records("evaluation")]

    times = "synthesis.times=[0.25, 0.5]"
    run(times)
    assert scores(times) == scores()


def test_evaluation_without_a_truth_is_an_error(session: Session) -> None:
    source = source_of(session, "evaluation")
    with pytest.raises(ValueError, match="needs a ground truth"):
        binding_of("evaluation", session.config).compute(ItemSource(upstream=source.upstream), session.config)


def test_upstream_that_is_not_what_was_planned_is_refused(session: Session, tmp_path: Path) -> None:
    (item,) = source_of(session, "features").upstream
    for wrong in (
        UpstreamItem(item.stage, tmp_path / "absent.zarr", item.id, item.output_digest),
        UpstreamItem(item.stage, item.path, "nobody", item.output_digest),
        UpstreamItem(item.stage, item.path, item.id, "0" * 32),
    ):
        with pytest.raises(CacheError, match=f"item '{wrong.id}' disappeared or changed during the run"):
            ItemSource(upstream=(wrong,)).read("segmentation")


@pytest.mark.parametrize(
    ("stage", "count", "expected"),
    [
        ("segmentation", 1, "frame"),
        ("features", 2, "frames"),
        ("matching", 1, "pair"),
        ("synthesis", 0, "pairs"),
    ],
)
def test_units(stage: str, count: int, expected: str) -> None:
    assert STAGES[stage].units(count) == expected


def test_the_code_of_every_method_and_network_is_found() -> None:
    for entry in STAGES.values():
        for method in entry.methods.values():
            assert isinstance(method.work(), Together) or callable(method.work())
            assert method.network is None or callable(method.network.build())
