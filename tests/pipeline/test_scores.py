from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from configs.loading import load_config
from data.images import write_image
from pipeline.scores import LEVEL_NAMES, _source, score_table, summarise
from pipeline.selection import Selection
from pipeline.session import Session
from pipeline.shard_manifest import read_manifest
from pipeline.shards import read_item
from stages.evaluation import METRICS
from tests.pipeline.conftest import PAIRS, Opener, Runner, small_settings


@pytest.fixture(scope="module")
def session(cartoons: Path, finished_cache: Path) -> Session:
    """A session on a finished run; read it, never change it."""
    return Session.open(load_config("demo", small_settings(cartoons, finished_cache)), Selection())


def test_values_are_the_stored_ones(session: Session) -> None:
    table = score_table(session).set_index("id")
    assert list(table.index) == [pair.id for pair in session.manifest.pairs]
    for group in range(len(session.groups)):
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
    assert list(table.columns) == ["id", "source", "level", "motion", "behavior", *METRICS]
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


def test_means_of_all_by_source_and_by_level() -> None:
    table = scores(
        {"source": "Japan", "level": "easy", "psnr": 20.0},
        {"source": "Disney", "level": "hard", "psnr": 30.0},
        {"source": "Disney", "level": "easy", "psnr": 40.0},
        {"source": "Disney", "psnr": 50.0},
    )
    summary = summarise(table)
    assert list(summary.index) == ["all", "Disney", "Japan", "easy", "hard"]
    assert list(summary["pairs"]) == [4, 3, 1, 2, 1]
    assert list(summary["psnr"]) == [35, 40, 20, 30, 30]
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


def test_switched_off_scores_are_not_numbers(finished: None, run: Runner) -> None:
    table = score_table(run("evaluation.chamfer=false").session)
    assert len(table) == PAIRS
    assert table["chamfer"].isna().all()
    assert table["psnr"].notna().all()
