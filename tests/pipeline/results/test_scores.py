from __future__ import annotations

import shutil
from collections import Counter
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from animeinterp.configs.loading import load_config
from animeinterp.data.images import write_image
from animeinterp.data.truth import read_truth
from animeinterp.pipeline.planning.selection import Selection
from animeinterp.pipeline.planning.session import Session
from animeinterp.pipeline.results.scores import LEVEL_NAMES, _source, score_table, summarise
from animeinterp.pipeline.store.shard_manifest import read_manifest
from animeinterp.pipeline.store.shards import read_item
from animeinterp.stages.metrics import FLOW_METRICS, FRAME_METRICS, MATCHING_METRICS, METRICS
from tests.pipeline.small_runs import PAIRS, Opener, Runner, small_settings


@pytest.fixture(scope="module")
def session(cartoons: Path, finished_cache: Path) -> Session:
    """A session on a finished run; read it, never change it."""
    return Session.open(load_config("demo", small_settings(cartoons, finished_cache)), Selection())


def test_values_are_the_stored_ones(session: Session) -> None:
    table = score_table(session).set_index("id")
    assert list(table.index) == [pair.id for pair in session.manifest.pairs]
    for group in range(len(session.layout.groups)):
        path = session.shard_path("evaluation", group)
        manifest = read_manifest(path)
        assert manifest is not None
        for row, record in enumerate(manifest.items):
            stored = read_item(path, manifest, row)["scores"]
            np.testing.assert_array_equal(table.loc[record.id, list(METRICS)].to_numpy(float), stored)


def test_annotations_stand_beside_the_scores(session: Session) -> None:
    for row, pair in zip(score_table(session).itertuples(), session.manifest.pairs, strict=True):
        assert pair.annotation is not None
        assert pair.annotation.level is not None
        assert row.level == LEVEL_NAMES[pair.annotation.level]
        assert row.source == pair.id.split("_")[0]
        assert (row.motion, row.behavior) == (pair.annotation.general_motion_type, pair.annotation.behavior)


def test_only_pairs_asked_for_are_listed(finished: None, open_session: Opener) -> None:
    name = open_session().manifest.pairs[2].id
    assert list(score_table(open_session(ids=(name,)))["id"]) == [name]


def test_nothing_scored_gives_an_empty_table(open_session: Opener) -> None:
    table = score_table(open_session())
    assert table.empty
    assert list(table.columns) == ["id", "source", "level", "motion", "behavior", *METRICS, "fingerprint"]
    assert summarise(table).loc["all", "pairs"] == 0


def scores(*rows: dict[str, Any]) -> pd.DataFrame:
    plain = {
        "source": "Japan",
        "level": None,
        "motion": None,
        "behavior": None,
        **dict.fromkeys(METRICS, 1.0),
    }
    return pd.DataFrame([{"id": str(k), **plain, **row} for k, row in enumerate(rows)])


@pytest.mark.parametrize(
    ("name", "source"), [("Japan_v2_s1", "Japan"), ("Disney_a", "Disney"), ("clip_a", "other")]
)
def test_source_goes_by_the_beginning_of_the_id(name: str, source: str) -> None:
    assert _source(name) == source


def test_means_of_all_and_by_group() -> None:
    table = scores(
        {"source": "Japan", "level": "easy", "psnr": 20.0, "motion": "rotation"},
        {"source": "Disney", "level": "hard", "psnr": 30.0, "motion": "rotation", "behavior": "walking"},
        {"source": "Disney", "level": "easy", "psnr": 40.0},
        {"source": "Disney", "psnr": 50.0},
    )
    summary = summarise(table)
    assert list(summary.index) == ["all", "Disney", "Japan", "easy", "hard", "rotation", "walking"]
    assert list(summary["by"]) == ["", "source", "source", "level", "level", "motion", "behavior"]
    assert list(summary["pairs"]) == [4, 3, 1, 2, 1, 2, 1]
    assert list(summary["psnr"]) == [35, 40, 20, 30, 30, 25, 30]
    assert (summary["ssim"] == 1).all()


def test_pairs_without_a_score_do_not_count_in_its_mean() -> None:
    summary = summarise(
        scores({"psnr_roi": np.nan, "chamfer": np.nan}, {"psnr_roi": 30.0, "chamfer": np.nan})
    )
    assert summary.loc["all", "pairs"] == 2
    assert summary.loc["all", "psnr_roi"] == 30
    assert np.isnan(summary.loc["all", "chamfer"])


def test_a_perfect_frame_makes_the_mean_infinite() -> None:
    summary = summarise(scores({"psnr": np.inf}, {"psnr": 30.0}))
    assert summary.loc["all", "psnr"] == np.inf
    assert summary.loc["all", "ie"] == 1


@pytest.mark.parametrize(
    ("source", "names"),
    [
        ("all", ["all", "Japan", "source all", "easy"]),
        ("easy", ["all", "Japan", "easy", "level easy"]),
    ],
)
def test_sources_may_be_called_like_other_rows(source: str, names: list[str]) -> None:
    summary = summarise(scores({"source": source, "psnr": 10.0}, {"level": "easy", "psnr": 30.0}))
    assert list(summary.index) == names
    assert list(summary["psnr"]) == [20, 30, 10, 30]


def test_a_scene_that_stands_still_is_made_perfectly(run: Runner, tmp_path: Path) -> None:
    frame = np.full((48, 64, 3), (30, 60, 200), np.uint8)
    frame[8:28, 8:28] = (220, 40, 30)
    for number in (1, 2, 3):
        write_image(tmp_path / "frames" / "still_life" / f"frame{number}.png", frame)
    root, results = tmp_path / "frames", tmp_path / "results"
    report = run(f"data.root='{root}'", f"store.results='{results}'")
    (row,) = score_table(report.session).to_dict("records")
    assert (row["source"], row["level"], row["motion"]) == ("other", None, None)
    assert (row["psnr"], row["ie"], row["ssim"]) == (np.inf, 0, 1)
    assert np.isnan(row["psnr_roi"])
    assert pd.read_csv(results / "scores.csv").loc[0, "psnr"] == np.inf


@pytest.mark.parametrize(
    ("note", "text"),
    [
        ("rotation", "rotation"),
        (["rotation", "scaling"], "rotation + scaling"),
        (3, "3"),
        ("", None),
        ([], None),
    ],
)
def test_notes_become_text_whatever_their_kind(session: Session, note: object, text: str | None) -> None:
    pair = session.manifest.pairs[0]
    assert pair.annotation is not None
    noted = replace(pair, annotation=pair.annotation.model_copy(update={"behavior": note}))
    pairs = (noted, *session.manifest.pairs[1:])
    found = score_table(
        replace(session, layout=replace(session.layout, manifest=replace(session.manifest, pairs=pairs)))
    )
    assert found.loc[0, "behavior"] == text or (text is None and pd.isna(found.loc[0, "behavior"]))


def test_drawn_pairs_have_flow_and_matching_scores(finished: None, run: Runner, cartoons: Path) -> None:
    session = run("refinement.method=inverse_search").session
    for row in score_table(session).itertuples():
        pair = session.manifest.pairs[row.Index]
        truth = read_truth(cartoons / "test_2k_truth" / pair.id / "truth.npz")
        flow = session.current.locate("coarse_flow", row.Index)
        assert flow is not None
        error = np.linalg.norm(flow.read()["coarse_flow10"] - truth["flow10"], axis=0)
        assert row.coarse_epe10 == pytest.approx(error.mean())
        moving = np.linalg.norm(truth["flow10"], axis=0) >= 0.5
        assert row.coarse_epe10_moving == pytest.approx(error[moving].mean())
        assert row.coarse_epe10_occluded == pytest.approx(error[truth["occluded10"]].mean())
        assert 0 < row.refined_epe01 < row.coarse_epe01
        assert 0 <= row.match_precision <= 1
        assert 0 <= row.match_recall <= 1


def test_without_matching_there_are_flow_scores_alone(finished: None, run: Runner, cartoons: Path) -> None:
    table = score_table(run("coarse_flow.method=zero").session)
    assert table[list(MATCHING_METRICS)].isna().all(axis=None)
    truth = read_truth(cartoons / "test_2k_truth" / table.loc[0, "id"] / "truth.npz")
    assert table.loc[0, "coarse_epe01"] == pytest.approx(np.linalg.norm(truth["flow01"], axis=0).mean())


def test_a_pair_without_the_middle_frame_has_its_flows_scored(
    cartoons: Path, run: Runner, tmp_path: Path
) -> None:
    first, second = sorted((cartoons / "test_2k_540p").iterdir())[:2]
    for kind in ("540p", "truth"):
        shutil.copytree(cartoons / f"test_2k_{kind}" / first.name, tmp_path / f"test_2k_{kind}" / first.name)
    shutil.copytree(second, tmp_path / "test_2k_540p" / second.name)
    (tmp_path / "test_2k_540p" / first.name / "frame2.png").unlink()
    root = f"data.root='{tmp_path}'"
    table = score_table(run(root).session)
    drawn, plain = table.loc[0], table.loc[1]
    assert (drawn["id"], plain["id"]) == (first.name, second.name)
    assert drawn[list(FRAME_METRICS)].isna().all()
    assert drawn[["coarse_epe01", "refined_epe10", "match_recall"]].notna().all()
    assert plain[[*FLOW_METRICS, *MATCHING_METRICS]].isna().all()
    assert plain["psnr"] > 0
    # A damaged truth fails the pair's evaluation by name, and nothing else.
    path = tmp_path / "test_2k_truth" / first.name / "truth.npz"
    path.write_bytes(b"damaged")
    report = run(root)
    assert report.computed == Counter(evaluation=1)
    ((stage, record),) = report.session.failures()
    assert (stage, record.id) == ("evaluation", first.name)
    assert f"{path}: not a readable truth file" in record.reason


def test_switched_off_scores_are_not_numbers(finished: None, run: Runner) -> None:
    table = score_table(run("evaluation.chamfer=false").session)
    assert len(table) == PAIRS
    assert table["chamfer"].isna().all()
    assert table["psnr"].notna().all()
