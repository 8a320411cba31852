from __future__ import annotations

import json
import shutil
from base64 import b64decode
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from animeinterp.data.images import read_image, write_image
from animeinterp.pipeline.compute.networks import load_network
from animeinterp.pipeline.compute.registry import STAGES
from animeinterp.pipeline.pages.inspect.page_data import page_data
from animeinterp.pipeline.planning.session import Session
from animeinterp.pipeline.results.pair_results import PairResults
from animeinterp.pipeline.results.pictures import COLOR_WHEEL, draw_pieces, error_map, match_colors
from animeinterp.pipeline.results.scores import SCORE_LABELS
from animeinterp.stages.coarse_flow import PieceFate
from animeinterp.stages.inspection.splatted_frames import splat_frames
from animeinterp.stages.metrics import FRAME_METRICS, METRICS
from animeinterp.stages.pair_batch import hints_in
from animeinterp.stages.refinement import CoarsePair, confidence
from tests.page_pictures import decode, decode_flow, decode_labels, decode_scalars
from tests.pipeline.random_checkpoints import make_checkpoint
from tests.pipeline.small_runs import SIZE, Opener, Runner

PARTS = ["frames", "segmentation", "matching", "coarse_flow", "refinement", "synthesis", "evaluation"]


def data_of(session: Session, number: int = 0) -> dict[str, Any]:
    view = PairResults(session, session.manifest.pairs[number].id)
    data = page_data(view, ["animeinterp", "run", "demo"])
    json.dumps(data, allow_nan=False)
    return data


def part(data: dict[str, Any], name: str) -> dict[str, Any]:
    return next(each for each in data["stages"] if each["name"] == name)


@pytest.fixture
def session(finished: None, open_session: Opener) -> Session:
    return open_session()


@pytest.fixture
def view(session: Session) -> PairResults:
    return PairResults(session, session.manifest.pairs[0].id)


@pytest.fixture
def data(session: Session) -> dict[str, Any]:
    return data_of(session)


def test_a_finished_pair_has_every_part(data: dict[str, Any]) -> None:
    assert [each["name"] for each in data["stages"]] == PARTS
    assert all(each["state"] == "ok" and not each["notes"] for each in data["stages"])
    assert not any("command" in each for each in data["stages"])
    assert data["size"] == SIZE
    assert [record["stage"] for record in data["record"]] == list(STAGES)
    result, truth = part(data, "frames")["views"]  # side by side
    labels = [layer["label"] for layer in result["layers"]]
    assert labels == ["Result t=0.5", "Frame 0", "Frame 1", "Ground truth"]
    assert [layer["label"] for layer in truth["layers"]] == ["Ground truth"]
    assert data["wheel"] == COLOR_WHEEL.round(4).tolist()


def test_every_layer_has_its_picture_and_words(data: dict[str, Any]) -> None:
    for each in data["stages"]:
        for shown in each["views"]:
            assert shown["layers"], shown["title"]
            for layer in shown["layers"]:
                assert layer["alt"]
                assert layer["picture"] in data["pictures"]
                if layer["draw"] == "pieces":
                    table = data["pieces"][layer["side"]]
                    assert len(b64decode(table[layer["colors"]])) == 3 * len(table["area"])
            assert all(name in data["pictures"] for _, name, *_ in shown.get("reads", []))


def test_numbers_of_pieces_are_those_of_the_stages(view: PairResults, data: dict[str, Any]) -> None:
    matching, flow = view.found("matching").arrays, view.found("coarse_flow").arrays
    for side, direction in ((0, "01"), (1, "10")):
        table = data["pieces"][side]
        pieces = view.found("segmentation", side).arrays
        np.testing.assert_array_equal(table["area"], pieces["area"])
        np.testing.assert_array_equal(table["box"], pieces["box"])
        np.testing.assert_allclose(table["centroid"], pieces["centroid"], atol=0.051)
        np.testing.assert_array_equal(table["match"], matching[f"match{direction}"])
        np.testing.assert_array_equal(table["rankSum"], matching[f"rank_sum{direction}"])
        np.testing.assert_allclose(table["score"], matching[f"score{direction}"], atol=1e-6)
        np.testing.assert_array_equal(table["fate"], flow[f"fate{direction}"])
        failed = {piece for piece, fate in enumerate(table["fate"]) if fate == PieceFate.NO_OVERLAP}
        assert table["overlap"].keys() == failed
        assert all(0 <= share <= 0.8 for share in table["overlap"].values())
        for fate, why in zip(table["fate"], table["why"], strict=True):
            assert why.startswith(PieceFate(fate).name.lower().replace("_", " "))
            assert ("(coarse_flow." in why) == (fate != PieceFate.MOVED)
        np.testing.assert_array_equal(decode_labels(data["pictures"][f"labels{side}"]), pieces["label_map"])


def test_terms_of_the_best_candidates_make_the_scores(view: PairResults, data: dict[str, Any]) -> None:
    matching = view.found("matching").arrays
    for side, direction in ((0, "01"), (1, "10")):
        candidates = data["pieces"][side]["candidates"]
        assert candidates["first"] == 0
        assert len(candidates["rows"]) == len(matching[f"match{direction}"])
        for piece, rows in enumerate(candidates["rows"]):
            assert len(rows) == min(10, len(data["pieces"][1 - side]["area"]))
            match, likeness, size, distance, rank, back = rows[0]
            assert match == matching[f"match{direction}"][piece]
            assert rank + back == matching[f"rank_sum{direction}"][piece]
            assert likeness - size - distance == pytest.approx(matching[f"score{direction}"][piece], abs=3e-6)


def test_flows_come_back_at_every_point(view: PairResults, data: dict[str, Any]) -> None:
    for stage, name in (("coarse_flow", "coarse_flow"), ("refinement", "refined_flow")):
        for shown in part(data, stage)["views"]:
            flow = view.found(stage).arrays[f"{name}{shown['direction']}"]
            picture = data["pictures"][shown["flow"]]
            np.testing.assert_allclose(decode_flow(picture), flow, atol=picture["step"] / 2)
    assert "refined_flow01" in data["pictures"]


def test_colours_of_matches_are_those_of_the_contact_sheet(view: PairResults, data: dict[str, Any]) -> None:
    matching = view.found("matching").arrays
    labels = [view.found("segmentation", k).arrays["label_map"] for k in (0, 1)]
    colors = match_colors(matching["match01"], matching["rank_sum01"], int(labels[1].max()) + 1)
    for side in (0, 1):
        told = np.frombuffer(b64decode(data["pieces"][side]["matchColors"]), np.uint8).reshape(-1, 3)
        np.testing.assert_array_equal(
            draw_pieces(labels[side], told), draw_pieces(labels[side], colors[side])
        )


def test_errors_and_scores_are_true(view: PairResults, data: dict[str, Any]) -> None:
    result, truth = view.found("synthesis").arrays["frames"][0], view.truth()
    assert truth is not None
    difference = np.abs(result.astype(int) - truth).max(axis=2)
    np.testing.assert_allclose(decode_scalars(data["pictures"]["error"]), difference, atol=1e-6)
    heat = np.frombuffer(b64decode(data["heat"]), np.uint8).reshape(256, 3)
    shown = part(data, "evaluation")["views"][0]["layers"][0]
    levels = np.floor(np.clip(difference / shown["high"], 0, 1) * 255).astype(int)
    np.testing.assert_array_equal(heat[levels], error_map(result, truth))
    scores = dict(zip(METRICS, view.found("evaluation").arrays["scores"], strict=True))
    known = {name: value for name, value in scores.items() if not np.isnan(value)}
    told = [[SCORE_LABELS[name].label, SCORE_LABELS[name].with_unit(value)] for name, value in known.items()]
    assert [list(fact) for fact in part(data, "evaluation")["facts"]][: len(known)] == told
    assert data["scores"] == [
        tuple(text) for name, text in zip(known, told, strict=True) if name in FRAME_METRICS
    ]
    assert ("PSNR", f"{scores['psnr']:.2f} dB") in data["scores"]
    assert ("Chamfer", f"{scores['chamfer'] * 1e5:.2f} × 10⁻⁵") in data["scores"]
    similarity = 1 - decode_scalars(data["pictures"]["dissimilar"])
    assert similarity[3:-3, 3:-3].mean() == pytest.approx(scores["ssim"], abs=0.003)


def test_splats_are_those_of_synthesis(view: PairResults, data: dict[str, Any]) -> None:
    frames = view.frame(0), view.frame(1)
    assert frames[0] is not None
    assert frames[1] is not None
    refined = view.found("refinement").arrays
    config = view.session.config.synthesis
    flows = refined["refined_flow01"], refined["refined_flow10"]
    splats = splat_frames(*frames, *flows, 0.5, config, hints=hints_in(refined))
    for k, weight in enumerate((splats.weight0, splats.weight1)):
        decoded = decode_scalars(data["pictures"][f"splat{k}t0.5weight"])
        np.testing.assert_array_equal(decoded == 0, weight == 0)
        np.testing.assert_allclose(decoded, weight, rtol=0.05)
    shown = np.rint(splats.frame0 * 255).astype(np.uint8)
    np.testing.assert_array_equal(decode(data["pictures"]["splat0t0.5"]), shown)


def test_times_beside_the_middle(finished: None, run: Runner) -> None:
    session = run("synthesis.times=[0.1, 0.2, 0.5, 0.6, 0.9]", limit=1).session
    made = part(data_of(session), "synthesis")
    assert made["times"] == [0.1, 0.2, 0.5, 0.6, 0.9]
    assert made["time"] == 0.5
    splatted = [layer["time"] for layer in made["views"][0]["layers"] if layer["label"] == "Splatted"]
    assert splatted == [0.2, 0.5, 0.6]
    results = [layer["time"] for layer in made["views"][2]["layers"] if layer["label"] == "Result"]
    assert results == made["times"]
    shown = [layer["label"] for layer in part(data_of(session), "frames")["views"][0]["layers"]]
    assert shown[:3] == ["Result t=0.5", "Result t=0.1", "Result t=0.2"]
    without_middle = part(data_of(run("synthesis.times=[0.25, 0.75]", limit=1).session), "evaluation")
    assert without_middle["views"] == []
    assert without_middle["notes"] == ["no frame at t = 0.5 to score: synthesis.times = [0.25, 0.75]"]


def test_an_empty_cache_says_what_to_run(open_session: Opener) -> None:
    session = open_session()
    data = data_of(session)
    name = session.manifest.pairs[0].id
    for stage in PARTS[1:]:
        told = part(data, stage)
        assert told["state"] == "missing"
        assert told["summary"] == "not computed"
        assert told["notes"] == [f"{stage} is not computed yet, or out of date; run it first"]
        assert told["command"] == f"animeinterp run demo --id {name} --to {stage}"
        assert stage == "segmentation" or told["views"] == []
    assert data["pieces"] == [None, None]
    first = part(data, "frames")
    (frames,) = first["views"]
    assert [layer["label"] for layer in frames["layers"]] == ["Frame 0", "Frame 1", "Ground truth"]
    assert first["notes"] == ["No result: synthesis is not computed yet, or out of date; run it first"]
    assert first["command"].endswith("--to synthesis")
    assert [layer["label"] for layer in part(data, "segmentation")["views"][0]["layers"]] == [
        "Contours",
        "Frame",
    ]


def test_a_damaged_array_leaves_the_rest(finished: None, open_session: Opener) -> None:
    session = open_session()
    for stage, name in (("coarse_flow", "coarse_flow01"), ("matching", "score01")):
        for file in (session.shard_path(stage, 0) / name / "c").rglob("*"):
            if file.is_file():
                file.write_bytes(b"\0" * file.stat().st_size)
    data = data_of(session)
    flow = part(data, "coarse_flow")
    assert flow["state"] == "damaged"
    assert "array 'coarse_flow01'" in flow["notes"][0]
    assert flow["command"].endswith("--to coarse_flow")
    assert [view["flow"] for view in flow["views"]] == [None, "coarse_flow10"]
    assert "Why" in [layer["label"] for layer in flow["views"][1]["layers"]]
    assert "why" not in data["pieces"][0]  # without scores there is no table of matches
    assert "why" in data["pieces"][1]
    assert part(data, "refinement")["state"] == "ok"


def test_stages_after_a_lost_one_are_shown_as_of_before(finished: None, open_session: Opener) -> None:
    shutil.rmtree(open_session().shard_path("segmentation", 0))
    data = data_of(open_session())
    assert part(data, "segmentation")["state"] == "missing"
    flow = part(data, "coarse_flow")
    assert flow["state"] == "earlier"
    assert flow["notes"][-1] == "The results shown were computed earlier, from the frames as they are now."
    assert [layer["label"] for layer in flow["views"][0]["layers"]] == ["Flow", "Length", "Frame"]


def test_two_frames_without_a_truth(run: Runner, tmp_path: Path) -> None:
    for name in "ab":
        write_image(tmp_path / "frames" / "pair" / f"{name}.png", np.full((32, 48, 3), ord(name), np.uint8))
    session = run(f"data.root='{tmp_path / 'frames'}'", "synthesis.dtype=float16").session
    data = data_of(session)
    assert data["about"] == ["no ground truth"]
    assert [each["name"] for each in data["stages"]] == PARTS[:-1]
    assert data["scores"] == []
    (result,) = part(data, "frames")["views"]
    assert [layer["label"] for layer in result["layers"]] == ["Result t=0.5", "Frame 0", "Frame 1"]
    assert part(data, "frames")["notes"] == []


def test_a_perfect_frame_has_an_infinite_score(run: Runner, tmp_path: Path) -> None:
    for name in "abc":
        write_image(tmp_path / "frames" / "pair" / f"{name}.png", np.full((32, 48, 3), 90, np.uint8))
    data = data_of(run(f"data.root='{tmp_path / 'frames'}'").session)
    assert data["scores"][0] == ("PSNR", "∞ dB")
    assert part(data, "evaluation")["summary"] == "PSNR ∞ dB"


def test_broken_frames_are_said_to_be(cartoons: Path, run: Runner, tmp_path: Path) -> None:
    root = tmp_path / "copy"
    shutil.copytree(cartoons, root)
    folder = sorted((root / "test_2k_540p").iterdir())[0]
    (folder / "frame3.png").write_bytes(b"")
    data = data_of(run(f"data.root='{root}'", limit=1).session)
    assert "Frame 1: the frame cannot be read" in part(data, "frames")["notes"]
    segmentation = part(data, "segmentation")
    assert segmentation["state"] == "failed"
    assert [each["name"] for each in data["stages"]] == ["frames", "segmentation"]  # the others are skipped
    assert len(part(data, "frames")["notes"]) == 2
    assert part(data, "frames")["notes"][1].startswith("No result: skipped: segmentation of ")
    assert "frame3.png: empty file" in segmentation["notes"][0]
    assert data["pieces"][0] is not None
    assert data["pieces"][1] is None
    (folder / "frame1.png").write_bytes(b"")
    assert data_of(run(f"data.root='{root}'", limit=1).session)["size"] == SIZE  # of the ground truth
    (folder / "frame2.png").write_bytes(b"")
    assert data_of(run(f"data.root='{root}'", limit=1).session)["size"] is None


def test_a_pair_that_is_none(run: Runner, tmp_path: Path) -> None:
    write_image(tmp_path / "frames" / "alone" / "a.png", np.full((32, 48, 3), 90, np.uint8))
    data = data_of(run(f"data.root='{tmp_path / 'frames'}'").session)
    assert "expected two frames" in data["about"][0]
    (tmp_path / "frames" / "void").mkdir()
    assert data_of(run(f"data.root='{tmp_path / 'frames'}'").session, 1)["pictures"] == {}


def test_stages_that_are_not_needed(run: Runner) -> None:
    data = data_of(run("coarse_flow.method=zero", limit=1).session)
    assert [each["name"] for each in data["stages"]] == [
        "frames",
        "coarse_flow",
        "refinement",
        "synthesis",
        "evaluation",
    ]
    assert part(data, "frames")["notes"] == []
    assert "matching" not in [record["stage"] for record in data["record"]]
    assert part(data, "coarse_flow")["summary"] == "zero"
    assert "why" not in (data["pieces"][0] or {})


def test_the_record_is_that_of_the_cache(session: Session, data: dict[str, Any]) -> None:
    record = session.current.record("matching", 0)
    assert record is not None
    told = next(each for each in data["record"] if each["stage"] == "matching")
    assert told["fingerprint"] == session.fingerprints["matching"]
    assert told["folder"] == str(session.folder("matching"))
    assert told["settings"]["distance_limit"] == session.config.matching.distance_limit
    (item,) = told["items"]
    assert item["id"] == record.id
    assert item["seconds"] == round(record.seconds, 3)
    assert item["versions"]["numpy"] == np.__version__
    segmentation = next(each for each in data["record"] if each["stage"] == "segmentation")
    assert [item["id"].split("/")[1] for item in segmentation["items"]] == ["frame1", "frame3"]
    assert segmentation["settings"]["anime.low"] == session.config.segmentation.anime.low


def test_pictures_of_frames_are_the_frames(session: Session, data: dict[str, Any]) -> None:
    pair = session.manifest.pairs[0]
    for k, index in enumerate(pair.frames):
        frame = read_image(session.manifest.frames[index].path)
        np.testing.assert_array_equal(decode(data["pictures"][f"frame{k}"]), frame)


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_checkpoint(tmp_path_factory.mktemp("weights") / "random.ckpt", 0)


def test_confidence_of_the_network_is_shown(run: Runner, checkpoint: Path) -> None:
    weights = f"refinement.weights='{checkpoint}'"
    session = run(weights, "refinement.iterations=1", limit=1).session
    data = data_of(session)
    view = PairResults(session, session.manifest.pairs[0].id)
    frames = view.frame(0), view.frame(1)
    assert frames[0] is not None
    assert frames[1] is not None
    flows = view.found("coarse_flow").arrays
    network = load_network("refinement", session.config)
    wanted = confidence(CoarsePair(*frames, flows["coarse_flow01"], flows["coarse_flow10"]), network)
    refined = part(data, "refinement")
    assert ["confidence", "used"] in refined["facts"]
    for shown, trusted in zip(refined["views"], (wanted.confidence01, wanted.confidence10), strict=True):
        assert [layer["label"] for layer in shown["layers"]] == [
            "Flow",
            "Length",
            "Confidence",
            "Unexplained",
            "Frame",
        ]
        assert all(layer["told"] for layer in shown["layers"] if layer["draw"] == "heat")
        picture = data["pictures"][f"confidence{shown['direction']}"]
        np.testing.assert_allclose(decode_scalars(picture), trusted, atol=0.003)
    released = run(weights, "refinement.iterations=1", "refinement.confidence_mask=false", limit=1).session
    assert ["confidence", "computed, not used"] in part(data_of(released), "refinement")["facts"]


def test_without_coarse_flow_there_is_no_confidence(open_session: Opener, checkpoint: Path) -> None:
    refined = part(data_of(open_session(f"refinement.weights='{checkpoint}'")), "refinement")
    note = "No confidence: coarse_flow is not computed yet, or out of date; run it first"
    assert refined["notes"] == ["refinement is not computed yet, or out of date; run it first", note]
