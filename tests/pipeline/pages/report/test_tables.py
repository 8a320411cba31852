from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from animeinterp.pipeline.pages.report.tables import ITEM_COLUMNS, item_table, run_shards, stage_sums
from animeinterp.pipeline.results import scores as module
from animeinterp.pipeline.results.scores import score_table, write_scores
from tests.pipeline.small_runs import PAIRS, Opener, Runner


def test_every_item_of_every_stage_has_a_row(finished: None, open_session: Opener) -> None:
    session = open_session()
    items = item_table(session)
    assert list(items.columns) == list(ITEM_COLUMNS)
    assert set(items["status"]) == {"ok"}
    for stage in session.stages:
        rows = items[items["stage"] == stage]
        records = [record for _, record in session.records(stage)]
        assert list(rows["id"]) == [record and record.id for record in records]
        assert list(rows["seconds"]) == [record and record.seconds for record in records]


def test_bytes_are_those_on_disk(finished: None, open_session: Opener) -> None:
    session = open_session()
    items = item_table(session)
    for found in stage_sums(session, items):
        on_disk = sum(
            file.stat().st_size
            for file in session.folder(found.stage).glob("*.zarr/**/*")
            if file.is_file() and file.name != "manifest.json"
        )
        assert found.size == pytest.approx(on_disk, abs=found.items)  # an item's share is a whole number


def test_sums_are_those_of_the_table(run: Runner, spoilt: str) -> None:
    session = run(spoilt).session
    items = item_table(session)
    sums = {found.stage: found for found in stage_sums(session, items)}
    assert list(sums) == list(session.stages)
    first = sums["segmentation"]
    assert (first.items, first.ok, first.failed, first.skipped, first.missing) == (4, 3, 1, 0, 0)
    assert (first.unit, sums["synthesis"].unit) == ("frame", "pair")
    assert (sums["synthesis"].ok, sums["synthesis"].skipped) == (1, 1)
    for stage, found in sums.items():
        rows = items[items["stage"] == stage]
        assert found.seconds == pytest.approx(rows["seconds"].sum())
        assert found.slowest_seconds == rows["seconds"].max()
        assert found.peak_memory == max(shard.peak_memory for shard in run_shards(session, stage))
    done = items[(items["stage"] == "segmentation") & (items["status"] == "ok")]
    assert first.mean_seconds == pytest.approx(done["seconds"].mean())
    assert items.loc[items["status"] != "ok", "bytes"].sum() == 0
    assert items.loc[items["status"] == "failed", "reason"].str.contains("empty file").all()


def test_what_is_not_there_is_missing(open_session: Opener) -> None:
    session = open_session()
    items = item_table(session)
    assert set(items["status"]) == {"missing"}
    found = stage_sums(session, items)[-1]
    assert (found.stage, found.items, found.missing, found.ok) == ("evaluation", PAIRS, PAIRS, 0)
    assert (found.seconds, found.mean_seconds, found.size, found.peak_memory) == (0, 0, 0, 0)


def test_a_file_holds_the_scores(finished: None, open_session: Opener, tmp_path: Path) -> None:
    scores = score_table(open_session())
    assert write_scores(tmp_path / "out", scores)[0] == "scores.csv"
    pd.testing.assert_frame_equal(pd.read_csv(tmp_path / "out" / "scores.csv"), scores, check_dtype=False)


def test_parquet_holds_the_scores(finished: None, open_session: Opener, tmp_path: Path) -> None:
    scores = score_table(open_session())
    scores.loc[0, "psnr"] = np.inf
    assert write_scores(tmp_path, scores)[-1] == "scores.parquet"
    pd.testing.assert_frame_equal(pd.read_parquet(tmp_path / "scores.parquet"), scores, check_dtype=False)


def test_without_pyarrow_no_earlier_parquet_is_left(
    finished: None, open_session: Opener, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "scores.parquet").write_bytes(b"old")
    monkeypatch.setattr(module, "find_spec", lambda name: None)
    assert write_scores(tmp_path, score_table(open_session())) == ["scores.csv"]
    assert not (tmp_path / "scores.parquet").exists()


def test_without_scores_the_table_is_empty(open_session: Opener, tmp_path: Path) -> None:
    write_scores(tmp_path, score_table(open_session()))
    assert pd.read_csv(tmp_path / "scores.csv").empty
