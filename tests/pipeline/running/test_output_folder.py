from __future__ import annotations

import json
import os
import platform
import shutil
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from animeinterp.configs.errors import CacheError, DataError
from animeinterp.configs.files import file_state
from animeinterp.data.images import read_image, to_uint8
from animeinterp.pipeline.planning.session import Session
from animeinterp.pipeline.results.scores import ABOUT_PAIRS, FINGERPRINT, score_table, write_scores
from animeinterp.pipeline.running.output_folder import FrameJob, frame_name, write_frames
from animeinterp.pipeline.store.array_specs import Array
from animeinterp.pipeline.store.shard_manifest import read_manifest
from animeinterp.pipeline.store.shards import read_item
from animeinterp.pipeline.store.written_results import WrittenResults
from tests.pipeline.small_runs import PAIRS, SIZE, Opener, Runner, times_of_files


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
    assert run(setting, "coarse_flow.method=zero", replace_results=True).frames_written == PAIRS
    after = read_pictures(results)
    assert any(not np.array_equal(after[path], before[path]) for path in before)
    assert run(setting, replace_results=True).frames_written == PAIRS
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
    run(setting, "synthesis.dtype=float16", limit=1, replace_results=True)
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
    assert files == {".written.json", "results.json", "scores.csv", *with_parquet}


def test_scores_as_parquet_are_those_as_csv(run: Runner, setting: str, results: Path) -> None:
    run(setting, "synthesis.times=[0.5]")
    columns = pd.read_parquet(results / "scores.parquet")
    rows = pd.read_csv(results / "scores.csv")
    assert list(columns.columns) == list(rows.columns)
    assert len(columns) == PAIRS
    for name in rows:
        if name in (*ABOUT_PAIRS, FINGERPRINT):
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


def harm(path: Path, kind: str, other: Path) -> None:
    """Damage a file so that its length and time stay, where that is possible."""
    before, content = path.stat(), bytearray(path.read_bytes())
    if kind == "a flipped bit":
        content[len(content) // 2] ^= 1
        path.write_bytes(content)
        os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))
    elif kind == "cut":
        path.write_bytes(content[: len(content) // 2])
    elif kind == "empty":
        path.write_bytes(b"")
    elif kind == "gone":
        path.unlink()
    else:
        aside = path.with_name("aside")
        path.rename(aside)
        other.rename(path)
        aside.rename(other)


HARMS = ("a flipped bit", "cut", "empty", "gone", "swapped with another's")


@pytest.mark.parametrize("kind", HARMS)
def test_frames_that_are_damaged_are_written_again(
    run: Runner, setting: str, results: Path, kind: str
) -> None:
    run(setting)
    before = {path: path.read_bytes() for path in results.glob("*/*.png")}
    one, other, *_ = before
    harm(one, kind, other)
    assert run(setting).frames_written == (2 if kind.startswith("swapped") else 1)
    assert {path: path.read_bytes() for path in results.glob("*/*.png")} == before
    assert run(setting).frames_written == 0


def test_results_that_were_moved_are_read_once_and_not_written(
    run: Runner, setting: str, results: Path, tmp_path: Path
) -> None:
    run(setting)
    shutil.copytree(results, tmp_path / "copy", copy_function=shutil.copy)
    moved = f"store.results='{tmp_path / 'copy'}'"
    assert run(moved).frames_written == 0
    index = WrittenResults(tmp_path / "copy")
    assert all(not index.trouble(name) for name in index.names)


def test_damage_behind_every_sign_is_found_when_asked(run: Runner, setting: str, results: Path) -> None:
    run(setting)
    one = next(results.glob("*/*.png"))
    whole = one.read_bytes()
    harm(one, "a flipped bit", one)
    content = json.loads((results / ".written.json").read_text())
    content["files"][f"{one.parent.name}/{one.name}"][2] = list(file_state(one))
    (results / ".written.json").write_text(json.dumps(content))  # as where a disk hands out other bytes
    assert run(setting).frames_written == 0
    assert run(setting, rehash=True).frames_written == 1
    assert one.read_bytes() == whole


def test_the_index_of_version_0_1_has_frames_written_once_more(
    run: Runner, setting: str, results: Path, cartoons: Path, tmp_path: Path
) -> None:
    run(setting)
    pairs = [path.name for path in results.iterdir() if path.is_dir()]
    (results / ".written.json").write_text(json.dumps(dict.fromkeys(pairs, "digest (0.5,)")))
    assert run(setting).frames_written == PAIRS
    assert run(setting).frames_written == 0
    (results / ".written.json").write_text(json.dumps(dict.fromkeys(pairs, "digest (0.5,)")))
    shutil.copytree(cartoons, tmp_path / "copy")
    broken = sorted((tmp_path / "copy" / "test_2k_540p").iterdir())[-1]
    (broken / "frame3.png").write_bytes(b"")
    run(setting, f"data.root='{tmp_path / 'copy'}'", replace_results=True)
    assert not list((results / broken.name).glob("*.png"))  # withdrawn, though only the old index knew of it


@pytest.mark.parametrize("name", ["scores.csv", "scores.parquet", ".written.json", "frame"])
def test_a_folder_where_a_file_belongs_is_named_and_leaves_nothing_behind(
    run: Runner, setting: str, results: Path, open_session: Opener, name: str
) -> None:
    if name == "scores.parquet":
        pytest.importorskip("pyarrow")
    if name == "frame":
        name = f"{open_session().manifest.pairs[0].id}/frame_t0.5.png"
    (results / name / "kept").mkdir(parents=True)
    for _ in range(2):
        with pytest.raises(
            (CacheError, DataError), match=f"{name} is a folder where a file belongs: move it away"
        ):
            run(setting)
    assert not [
        path for path in results.rglob("*") if path.name.startswith((".wip-", ".scores", ".written.json."))
    ]
    assert (results / name / "kept").is_dir()
    (results / name).rename(results.parent / "moved away")
    assert run(setting).succeeded


def test_what_a_writer_that_was_killed_has_left_is_swept(run: Runner, setting: str, results: Path) -> None:
    run(setting)
    pair = next(path for path in results.iterdir() if path.is_dir())
    dead = f".wip-{platform.node()}-999999999-0123456789ab"
    for folder in (results, pair):
        (folder / dead).write_bytes(b"half")
    next(pair.glob("*.png")).unlink()
    run(setting)
    assert not list(results.rglob(".wip-*"))


def test_results_are_flushed_before_they_count(
    run: Runner, setting: str, results: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    flushed: list[str] = []
    fsync = os.fsync

    def noting(descriptor: int) -> None:
        flushed.append(str(Path(f"/proc/self/fd/{descriptor}").readlink()))
        fsync(descriptor)

    monkeypatch.setattr(os, "fsync", noting)
    run(setting)
    written = [path for path in flushed if path.startswith(str(results))]
    folders = {path for path in written if ".wip-" not in path}
    assert folders == {str(results), *(str(path) for path in results.iterdir() if path.is_dir())}
    assert len(written) - sum(path in folders for path in written) == PAIRS + len(
        [path for path in results.iterdir() if path.is_file()]
    )


def test_names_of_pictures() -> None:
    assert [frame_name(t) for t in (0.5, 0.25, 1 / 3)] == [
        "frame_t0.5.png",
        "frame_t0.25.png",
        "frame_t0.3333333333333333.png",
    ]
