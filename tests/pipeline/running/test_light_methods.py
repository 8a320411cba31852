"""Runs with the light networks, whose weights come with the program."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from animeinterp.configs.errors import WeightsError
from animeinterp.configs.loading import load_config
from animeinterp.data.images import read_image, to_uint8
from animeinterp.models.light_rfr import STRONGEST
from animeinterp.models.weights.light import Origin, load_light, new_networks, save_light
from animeinterp.models.weights.records import SHIPPED
from animeinterp.pipeline.compute.networks import load_network
from animeinterp.pipeline.pages.inspect.page_data import page_data
from animeinterp.pipeline.planning.session import Session
from animeinterp.pipeline.results.pair_results import PairResults
from animeinterp.pipeline.store.verification import verify_shard
from animeinterp.stages.evaluation.frame_scores import psnr
from animeinterp.stages.pair_batch import RefinedPair, hints_in
from animeinterp.stages.synthesis import synthesise_together
from tests.pipeline.small_runs import SIZE, Opener, Runner

LIGHT = ("refinement.method=light", "synthesis.method=light")


@pytest.fixture
def session(finished: None, run: Runner) -> Session:
    found: Session = run(*LIGHT).session
    return found


def arrays_of(session: Session, stage: str) -> dict[str, np.ndarray]:
    return PairResults(session, session.manifest.pairs[0].id).found(stage).arrays


def test_flows_importance_and_frames_are_made_and_verified(session: Session) -> None:
    refined = arrays_of(session, "refinement")
    for direction in ("01", "10"):
        importance = refined[f"importance{direction}"]
        assert importance.shape == SIZE
        assert importance.dtype == np.float16
        assert np.array_equal(importance * 16, np.rint(importance * 16))
        assert np.abs(importance).max() <= STRONGEST
    view = PairResults(session, session.manifest.pairs[0].id)
    truth = view.truth()
    assert truth is not None
    frame = arrays_of(session, "synthesis")["frames"][0]
    assert psnr(frame.astype(np.float32) / 255, truth.astype(np.float32) / 255) > 15
    shards = sorted((session.config.store.cache / "refinement").rglob("*.zarr"))
    assert shards
    assert not any(verify_shard(shard).items for shard in shards)


def test_synthesis_sees_the_composite_of_the_flows_that_refinement_started_from(
    session: Session, run: Runner
) -> None:
    without = run("refinement.method=inverse_search", "synthesis.method=composite").session
    refined, searched = (arrays_of(each, "refinement") for each in (session, without))
    for direction in ("01", "10"):
        assert np.array_equal(refined[f"start_flow{direction}"], searched[f"refined_flow{direction}"])
        assert not np.array_equal(refined[f"start_flow{direction}"], refined[f"refined_flow{direction}"])
    frames, pair = arrays_of(session, "synthesis")["frames"], session.manifest.pairs[0]
    ends = [read_image(session.manifest.frames[index].path) for index in pair.frames]
    network = load_network("synthesis", session.config)
    flows, hints = [refined[f"refined_flow{direction}"] for direction in ("01", "10")], hints_in(refined)
    drawn = [
        synthesise_together(
            [RefinedPair(*ends, *flows)], [0.5], network, session.config.synthesis, hints=[each]
        )
        for each in (hints, hints._replace(start_flow01=None, start_flow10=None))
    ]
    assert np.array_equal(to_uint8(drawn[0][0]), frames)
    assert not np.array_equal(to_uint8(drawn[1][0]), frames)


def test_importance_changes_the_frames(session: Session, run: Runner) -> None:
    apart = run("refinement.method=light", "synthesis.method=composite").session
    one, other = (arrays_of(each, "synthesis")["frames"][0] for each in (session, apart))
    assert not np.array_equal(one, other)
    assert np.array_equal(
        arrays_of(session, "refinement")["importance01"], arrays_of(apart, "refinement")["importance01"]
    )


def test_a_second_run_has_nothing_to_do(session: Session, run: Runner) -> None:
    report = run(*LIGHT)
    assert not report.computed.total()


def test_the_page_shows_importance_and_mask(session: Session) -> None:
    view = PairResults(session, session.manifest.pairs[0].id)
    data = page_data(view, ["animeinterp", "run", "demo"])
    parts = {each["name"]: each for each in data["stages"]}
    for each in parts["refinement"]["views"]:
        assert "Importance" in [layer["label"] for layer in each["layers"]]
    labels = [layer["label"] for layer in parts["synthesis"]["views"][2]["layers"]]
    assert {"Share of frame 0", "Share of the composite"} <= set(labels)
    assert {"importance01", "importance10", "mask", "composite"} <= data["pictures"].keys()


def test_auto_takes_the_method_from_the_weights(
    tmp_path: Path, open_session: Opener, session: Session
) -> None:
    save_light(tmp_path / "own.safetensors", new_networks(3), Origin("drawings", "MIT", 3, ""))
    weights = [f"{stage}.weights={tmp_path / 'own.safetensors'}" for stage in ("refinement", "synthesis")]
    config = load_config("demo", weights)
    assert config.refinement.chosen_method == "light"
    assert config.synthesis.chosen_method == "light"
    own = open_session(*weights)
    for stage in ("refinement", "synthesis"):
        assert own.fingerprints[stage] != session.fingerprints[stage]


def test_the_shipped_file_given_by_hand_is_the_same(open_session: Opener, session: Session) -> None:
    given = open_session(*(f"{stage}.weights={SHIPPED}" for stage in ("refinement", "synthesis")))
    for stage in ("refinement", "synthesis"):
        assert given.fingerprints[stage] == session.fingerprints[stage]


def test_light_weights_are_refused_by_the_full_network(open_session: Opener) -> None:
    with pytest.raises(WeightsError, match=r"variant 'light', trained with refinement\.method = 'light'"):
        open_session("refinement.method=rfr", f"refinement.weights={SHIPPED}")


def test_shipped_weights_can_be_read_and_are_small() -> None:
    networks = load_light(SHIPPED)
    assert sum(p.numel() for network in networks for p in network.parameters()) < 2.5e6
    assert SHIPPED.stat().st_size <= 8e6
