from __future__ import annotations

import shutil
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from configs.errors import CacheError, DataError
from data.images import read_image, to_uint8
from pipeline.planning.session import Session
from pipeline.results.scores import ABOUT_PAIRS, score_table, write_scores
from pipeline.running.output_folder import FrameJob, frame_name, write_frames
from pipeline.store.array_specs import Array
from pipeline.store.shard_manifest import read_manifest
from pipeline.store.shards import read_item
from tests.pipeline.small_runs import PAIRS, SIZE, Opener, Runner


@pytest.fixture
def results(finished: None, tmp_path: Path) -> Path:
    return tmp_path / "results"


@pytest.fixture
def setting(results: Path) -> str:
    return f"store.results='{results}'"


def cached_frames(session: Session) -> dict[str, Array]:
    """Frames of each pair as they are in the cache."""
    found = {}
    for group in range(len(session.layout.groups)):
        path = session.shard_path("synthesis", group)
        manifest = read_manifest(path)
        assert manifest is not None
        for row, record in enumerate(manifest.items):
            found[record.id] = read_item(path, manifest, row)["frames"]
    return found


def times_of_files(results: Path) -> dict[Path, int]:
    return {path: path.stat().st_mtime_ns for path in results.glob("*/*.png")}


def test_pictures_are_the_frames_of_the_cache(
    run: Runner, setting: str, results: Path, open_session: Opener
) -> None:
    report = run(setting)
    assert report.frames_written == PAIRS
    assert report.computed.total() == 0
    frames = cached_frames(open_session())
    assert {path.parent.name for path in results.glob("*/*.png")} == frames.keys()
    for name, arrays in frames.items():
        np.testing.assert_array_equal(read_image(results / name / "frame_t0.5.png"), arrays[0])


def test_frames_of_a_pair_that_fails_now_are_withdrawn(
    cartoons: Path, run: Runner, setting: str, results: Path, tmp_path: Path
) -> None:
    shutil.copytree(cartoons, tmp_path / "copy")
    root = f"data.root='{tmp_path / 'copy'}'"
    run(setting, root)
    broken = sorted((tmp_path / "copy" / "test_2k_540p").iterdir())[-1]
    (broken / "frame3.png").write_bytes(b"")
    report = run(setting, root)
    assert not report.succeeded
    assert not list((results / broken.name).glob("*.png"))
    assert len(list(results.glob("*/*.png"))) == PAIRS - 1


def test_second_run_writes_none_and_a_lost_one_returns(run: Runner, setting: str, results: Path) -> None:
    run(setting)
    before = times_of_files(results)
    assert run(setting).frames_written == 0
    assert times_of_files(results) == before
    lost = next(iter(before))
    lost.unlink()
    assert run(setting).frames_written == 1
    assert read_image(lost).shape == (*SIZE, 3)


@pytest.mark.parametrize("content", ["", "[]", "{"])
def test_without_a_usable_index_all_are_written_again(
    run: Runner, setting: str, results: Path, content: str
) -> None:
    run(setting)
    (results / ".written.json").write_text(content)
    assert run(setting).frames_written == PAIRS
    assert run(setting).frames_written == 0


def test_changed_settings_write_anew(run: Runner, setting: str, results: Path, open_session: Opener) -> None:
    run(setting)
    before = read_pictures(results)
    assert run(setting, "coarse_flow.method=zero").frames_written == PAIRS
    after = read_pictures(results)
    assert any(not np.array_equal(after[path], before[path]) for path in before)
    assert run(setting).frames_written == PAIRS
    for path, picture in read_pictures(results).items():
        np.testing.assert_array_equal(picture, before[path])


def read_pictures(results: Path) -> dict[Path, Array]:
    return {path: read_image(path) for path in results.glob("*/*.png")}


def test_every_time_has_its_picture(run: Runner, setting: str, results: Path, open_session: Opener) -> None:
    times = "synthesis.times=[0.25, 0.5, 0.75]"
    assert run(setting, times, limit=1).frames_written == 3
    names = sorted(path.name for path in results.glob("*/*.png"))
    assert names == ["frame_t0.25.png", "frame_t0.5.png", "frame_t0.75.png"]


def test_only_what_was_asked_for_is_written(run: Runner, setting: str, results: Path) -> None:
    assert run(setting, limit=2).frames_written == 2
    assert len(times_of_files(results)) == 2


def test_half_floats_are_rounded(run: Runner, setting: str, results: Path) -> None:
    run(setting, limit=1)
    (path,) = times_of_files(results)
    plain = read_image(path).astype(int)
    run(setting, "synthesis.dtype=float16", limit=1)
    assert np.abs(read_image(path) - plain).max() <= 1
    halves = np.array([0, 0.2, 0.5, 1], np.float16)
    np.testing.assert_array_equal(to_uint8(halves), [0, 51, 128, 255])


def test_scores_are_written_as_a_table(run: Runner, setting: str, results: Path) -> None:
    report = run(setting)
    read = pd.read_csv(results / "scores.csv")
    expected = score_table(report.session)
    assert list(read.columns) == list(expected.columns)
    assert list(read["id"]) == list(expected["id"])
    np.testing.assert_allclose(read["psnr"], expected["psnr"], rtol=1e-12)
    files = {path.name for path in results.iterdir() if path.is_file()}
    with_parquet = {"scores.parquet"} if find_spec("pyarrow") else set()
    assert files == {".written.json", "scores.csv", *with_parquet}


def test_scores_as_parquet_are_those_as_csv(run: Runner, setting: str, results: Path) -> None:
    run(setting, "synthesis.times=[0.5]")
    columns = pd.read_parquet(results / "scores.parquet")
    rows = pd.read_csv(results / "scores.csv")
    assert list(columns.columns) == list(rows.columns)
    assert len(columns) == PAIRS
    for name in rows:
        if name in ABOUT_PAIRS:
            assert list(columns[name]) == list(rows[name])
        else:
            assert columns[name].dtype == np.float64
            np.testing.assert_allclose(columns[name], rows[name], rtol=1e-12)


def test_without_annotations_the_tables_have_empty_columns(tmp_path: Path) -> None:
    table = pd.DataFrame([{"id": "a", "source": "other", "level": None, "psnr": 3.0, "ssim": np.nan}])
    write_scores(tmp_path, table)
    read = pd.read_csv(tmp_path / "scores.csv")
    assert read.loc[0, ["level", "ssim"]].isna().all()
    assert (tmp_path / "scores.parquet").exists() == (find_spec("pyarrow") is not None)


def test_no_folder_no_files(finished: None, run: Runner, tmp_path: Path) -> None:
    assert run().frames_written == 0
    assert [path.name for path in tmp_path.iterdir()] == ["cache"]


@pytest.mark.parametrize("more", [(), ("evaluation.chamfer=false",)])
@pytest.mark.parametrize("inside", ["", "deeper"])
def test_a_file_in_the_way_is_refused_by_name(
    run: Runner, results: Path, inside: str, more: tuple[str, ...]
) -> None:
    results.write_text("in the way")
    with pytest.raises(
        CacheError, match="store.results = .*cannot be written .*name another folder, or none"
    ):
        run(f"store.results='{results / inside}'", *more)


@pytest.mark.parametrize("more", [(), ("evaluation.chamfer=false",)])
def test_a_folder_in_place_of_the_scores_is_refused(
    run: Runner, setting: str, results: Path, more: tuple[str, ...]
) -> None:
    (results / "scores.csv").mkdir(parents=True)
    with pytest.raises(CacheError, match="store.results = "):
        run(setting, *more)


@pytest.mark.parametrize("more", [(), ("evaluation.chamfer=false",)])
def test_a_file_in_place_of_a_pairs_folder_is_named(
    run: Runner, setting: str, results: Path, open_session: Opener, more: tuple[str, ...]
) -> None:
    results.mkdir()
    name = open_session().manifest.pairs[0].id
    (results / name).write_text("in the way")
    with pytest.raises(DataError, match=f"{name}.frame_t0.5.png: cannot be written"):
        run(setting, *more)


def test_shards_that_have_gone_are_named(results: Path, open_session: Opener) -> None:
    path = open_session().shard_path("synthesis", 0)
    with pytest.raises(CacheError, match="item 'nobody' disappeared while its frames were being written"):
        write_frames(FrameJob(path, (("nobody", results, (0.5,)),)))
    with pytest.raises(CacheError, match="absent: disappeared"):
        write_frames(FrameJob(path.with_name("absent"), (("nobody", results, (0.5,)),)))


def test_names_of_pictures() -> None:
    assert [frame_name(t) for t in (0.5, 0.25, 1 / 3)] == [
        "frame_t0.5.png",
        "frame_t0.25.png",
        "frame_t0.3333333333333333.png",
    ]
