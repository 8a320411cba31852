"""What in a folder is a pair, what is left behind by systems or this program, and what is ambiguous."""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path

import numpy as np
import pytest

from animeinterp.configs.errors import ConfigError, DataError
from animeinterp.configs.names import id_of
from animeinterp.configs.sections import DataSection, StoreSection
from animeinterp.data.file_facts import FileFacts
from animeinterp.data.layouts import read_dataset
from animeinterp.data.sgm_folders import FLOW_PICTURES, FLOWS, MATCH_PICTURES
from animeinterp.pipeline.results.pictures import result_png
from tests.data.dataset_folders import draw, ids, pairs_in, read, write_atd12k
from tests.names import decoded


@pytest.fixture
def atd12k(tmp_path: Path) -> Path:
    return write_atd12k(tmp_path / "atd12k")


def test_links_have_the_names_that_they_were_given(tmp_path: Path) -> None:
    pairs_in(tmp_path / "x", "a/frames", "b/frames")
    root = tmp_path / "root"
    root.mkdir()
    for scene, target in (("sceneA", "a"), ("sceneB", "b")):
        (root / scene).symlink_to(f"../x/{target}/frames")
    assert ids(read(root, tmp_path)) == ["sceneA", "sceneB"]
    assert ids(read(root / "sceneA", tmp_path)) == ["sceneA"]
    (root / "gone").symlink_to("nowhere")
    (root / "circle").symlink_to("circle")
    errors = {pair.id: pair.error for pair in read(root, tmp_path).pairs if pair.error}
    assert "the link leads nowhere" in errors["gone"]
    assert "circle" in errors
    assert ids(read(root, tmp_path)) == ["sceneA", "sceneB"]


def test_images_beside_pair_folders_are_ignored_and_told(tmp_path: Path) -> None:
    root = tmp_path / "root"
    pairs_in(root, "a", "b")
    for stray in ("x.png", "y.png"):
        draw(root / stray)
    manifest = read(root, tmp_path)
    assert ids(manifest) == ["a", "b"]
    assert manifest.notes == (f"ignored beside the pair folders of {root}: 2 images (x, y)",)
    assert ids(read(root, tmp_path, layout="pair")) == ["root"]


@pytest.mark.parametrize("stray", [1, 4])
def test_any_number_of_images_may_lie_beside_pair_folders(tmp_path: Path, stray: int) -> None:
    pairs_in(tmp_path / "root", "a")
    for number in range(stray):
        draw(tmp_path / "root" / f"x{number}.png")
    manifest = read(tmp_path / "root", tmp_path)
    assert ids(manifest) == ["a"]
    assert f"{stray} image" in manifest.notes[0]


def test_one_pair_in_a_pair_is_refused_until_the_layout_is_chosen(tmp_path: Path) -> None:
    root = tmp_path / "root"
    pairs_in(root, ".", "old")
    with pytest.raises(
        DataError, match=r"one pair, 2 images \(1, 2\): use .*pair; or a folder of pairs, old: use"
    ):
        read(root, tmp_path)
    assert ids(read(root, tmp_path, layout="pair")) == ["root"]
    assert ids(read(root, tmp_path, layout="folders")) == ["old"]


def test_folders_without_pairs_leave_the_root_a_pair(tmp_path: Path) -> None:
    pairs_in(tmp_path / "root", ".")
    draw(tmp_path / "root" / "preview" / "1.png")
    manifest = read(tmp_path / "root", tmp_path)
    assert ids(manifest) == ["root"]
    assert manifest.notes == (f"ignored in {tmp_path / 'root'}: preview",)


LEFT_BEHIND = ("__MACOSX", "@eaDir", "#recycle", "$RECYCLE.BIN", "System Volume Information", "lost+found")


def test_what_systems_leave_behind_is_no_pair(tmp_path: Path) -> None:
    root = tmp_path / "root"
    pairs_in(root, "a", "b", *LEFT_BEHIND, ".ipynb_checkpoints", ".git")
    for folder in (root, root / "a"):
        for name in (".DS_Store", "Thumbs.db", "desktop.ini", "._1.png", "notes.txt"):
            (folder / name).write_bytes(b"")
    draw(root / "b" / "@eaDir" / "1.png" / "SYNO.jpg")
    draw(root / "b" / "3.png" / "thumbnail.png")  # a folder that is called like an image
    manifest = read(root, tmp_path)
    assert [pair.id for pair in manifest.pairs] == ["a", "b"]
    assert ids(manifest) == ["a", "b"]
    (note,) = manifest.notes
    told = read(root, tmp_path).notes[0].partition(": ")[2]
    assert note.startswith(f"ignored in {root}: ")
    assert "Thumbs.db (2 times)" in told
    assert "__MACOSX" in told


def test_similar_names_are_no_leftovers(tmp_path: Path) -> None:
    names = ("found.footage", "Recycle", "thumbs", "macosx", "cache", "results")
    pairs_in(tmp_path / "root", *names)
    assert ids(read(tmp_path / "root", tmp_path)) == sorted(names)


def test_what_this_program_has_written_is_no_pair(tmp_path: Path) -> None:
    root = tmp_path / "root"
    pairs_in(root, "a", "b")
    sheet = result_png(np.zeros((8, 8, 3), np.uint8), "")
    pages = b'<!doctype html>\n<html lang="en">\n<meta name="animeinterp-state" content="0">'
    for name, content in {
        "old_cache/source_files.json": b"{}",
        "old_results/.written.json": b"{}",
        "contact_sheets/a.png": sheet,
        "contact_sheets/b.png": sheet,
        "inspect/a.html": pages,
        "inspect/a.png": sheet,
        "diff/a/a.html": pages,
        "report/report.html": b"",
        "report/items.csv": b"",
        "weights/rfr.safetensors": b"",
        "a/a.png": sheet,
        "z.png": sheet,
        "tmp/cache/runs/x/run.json": b"{}",
        "out/results/a/frame_t0.5.png": sheet,
    }.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_bytes(content)
    for pair in ("a", "b"):
        for flow in (*FLOWS, *FLOW_PICTURES, *MATCH_PICTURES):
            draw(root / "flows" / pair / "x.png")
            (root / "flows" / pair / "x.png").rename(root / "flows" / pair / flow)
    for time in ("0.25", "0.75"):
        draw(root / "b" / f"frame_t{time}.png")
    store = StoreSection(cache=root / "tmp" / "cache", results=root / "out" / "results")
    manifest = read_dataset(DataSection(root=root), FileFacts(tmp_path / "facts.json"), store)
    assert [pair.id for pair in manifest.pairs] == ["a", "b"]
    assert ids(manifest) == ["a", "b"]
    assert [frame.path.name for frame in manifest.frames] == ["1.png", "2.png"] * 2
    (note,) = manifest.notes
    for told in ("old_cache (cache)", "tmp (store.cache)", "out (store.results)", "flows (exported flows)"):
        assert told in note


def test_a_cache_in_the_root_is_no_pair(tmp_path: Path) -> None:
    pairs_in(tmp_path / "root", "a")
    for folder in ("segmentation/0123", "runs/2026", "clips/x"):
        (tmp_path / "root" / folder).mkdir(parents=True)
    (tmp_path / "root" / "source_files.json").write_text("{}")
    assert [pair.id for pair in read(tmp_path / "root", tmp_path).pairs] == ["a"]


@pytest.mark.parametrize(
    ("names", "said"),
    [
        (("source_files.json", "runs/x/run.json"), r"written by animeinterp \(cache\)"),
        ((".written.json", "a/frame_t0.25.png", "a/frame_t0.5.png"), r"written by animeinterp \(results\)"),
        (("a.html",), r"no pairs found"),
    ],
)
def test_a_folder_of_this_program_as_the_root_is_refused(
    tmp_path: Path, names: tuple[str, ...], said: str
) -> None:
    for name in names:
        (tmp_path / "root" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "root" / name).write_bytes(b"{}")
    with pytest.raises(DataError, match=said):
        read(tmp_path / "root", tmp_path)


def test_results_among_frames_do_not_hide_them(tmp_path: Path) -> None:
    root = tmp_path / "root"
    pairs_in(root, "a")
    for folder in ("a", "b"):
        for time in ("0.25", "0.5", "0.75"):
            draw(root / folder / f"frame_t{time}.png")
    (root / ".written.json").write_text("{}")
    manifest = read(root, tmp_path)
    assert [pair.id for pair in manifest.pairs] == ["a"]
    assert [frame.path.name for frame in manifest.frames] == ["1.png", "2.png"]
    assert "b (results)" in manifest.notes[0]
    shutil.rmtree(root / "a")
    with pytest.raises(DataError, match=r"written by animeinterp \(results\)"):
        read(root, tmp_path)
    assert ids(read(root, tmp_path, layout="folders")) == ["b"]


@pytest.mark.parametrize("results", ["root", "root/."])
def test_results_among_the_frames_are_refused(tmp_path: Path, results: str) -> None:
    pairs_in(tmp_path / "root", "a")
    store = StoreSection(results=tmp_path / results)
    with pytest.raises(ConfigError, match=r"store\.results = .*choose another folder"):
        read_dataset(DataSection(root=tmp_path / "root"), FileFacts(tmp_path / "facts.json"), store)


@pytest.mark.parametrize("below", ["ATD-12K", "ATD-12K/unpacked/raw"])
@pytest.mark.parametrize("layout", ["auto", "atd12k"])
def test_atd12k_some_folders_below_is_named(tmp_path: Path, below: str, layout: str) -> None:
    place = tmp_path / "root" / below
    for number in (1, 2, 3):
        draw(place / "test_2k_540p" / "x" / f"frame{number}.png")
    with pytest.raises(DataError, match=f"pairs were found in {place}: use --set data.root={place}$"):
        read(tmp_path / "root", tmp_path, layout=layout)
    assert ids(read(place, tmp_path, layout=layout)) == ["x"]


def test_a_split_in_a_folder_of_its_name_is_named(tmp_path: Path) -> None:
    split = tmp_path / "root" / "test_2k_540p"
    for number in (1, 2, 3):
        draw(split / "test_2k_540p" / "x" / f"frame{number}.png")
    with pytest.raises(DataError, match=f"pairs were found in {split}: "):
        read(tmp_path / "root", tmp_path)
    assert ids(read(split, tmp_path)) == ids(read(split / "test_2k_540p", tmp_path)) == ["x"]


def test_annotations_in_place_of_frames_are_named(atd12k: Path, tmp_path: Path) -> None:
    with pytest.raises(DataError, match=f"no pairs here; pairs were found in {atd12k}: "):
        read(atd12k / "test_2k_annotations", tmp_path)


def test_the_folder_of_the_other_split_is_named(tmp_path: Path) -> None:
    draw(tmp_path / "train_10k" / "x" / "frame1.png")
    with pytest.raises(DataError, match=r"it contains the other split: --set data\.split=train"):
        read(tmp_path / "train_10k", tmp_path)


def test_pair_folders_some_folders_below_are_named(tmp_path: Path) -> None:
    pairs_in(tmp_path / "root" / "my frames" / "set", "a", "b")
    place = tmp_path / "root" / "my frames" / "set"
    with pytest.raises(DataError, match=f"use --set 'data.root={place}'$"):
        read(tmp_path / "root", tmp_path)


def test_one_pair_too_deep_among_others_says_so(tmp_path: Path) -> None:
    pairs_in(tmp_path / "root", "a", "b/frames")
    errors = {pair.id: pair.error for pair in read(tmp_path / "root", tmp_path).pairs}
    assert errors["a"] is None
    assert f"2 in {tmp_path / 'root/b/frames'}, one level too deep" in (errors["b"] or "")


def test_what_is_no_dataset_says_what_it_is(tmp_path: Path) -> None:
    for number in range(5):
        draw(tmp_path / "clip" / f"{number}.png")
    with pytest.raises(DataError, match=f"5 images .*use animeinterp interpolate {tmp_path / 'clip'}"):
        read(tmp_path / "clip", tmp_path)
    with pytest.raises(DataError, match=f"name its folder, {tmp_path / 'clip'}"):
        read(tmp_path / "clip" / "1.png", tmp_path)
    with pytest.raises(DataError, match="for a video use 'animeinterp interpolate'"):
        read(tmp_path / "x.mp4", tmp_path)
    with pytest.raises(DataError, match="is not a folder"):
        read(tmp_path / ("x" * 300), tmp_path)


def test_a_list_beside_atd12k_is_told(atd12k: Path, tmp_path: Path) -> None:
    frames = ["test_2k_540p/other/frame1.png", "test_2k_540p/other/frame3.png"]
    (atd12k / "pairs.json").write_text(json.dumps({"pairs": [{"id": "a", "frames": frames}]}))
    manifest = read(atd12k, tmp_path)
    assert ids(manifest) == ["a"]
    assert "for test_2k_540p beside it use --set data.layout=atd12k" in manifest.notes[0]


def test_two_files_of_one_frame_fail_their_pair(atd12k: Path, tmp_path: Path) -> None:
    pairs_in(tmp_path / "root", "a", "b")
    draw(tmp_path / "root" / "a" / "2.jpg")
    (pair, _) = read(tmp_path / "root", tmp_path).pairs
    assert "2.jpg and 2.png are the same frame" in (pair.error or "")
    draw(atd12k / "test_2k_540p" / "other" / "frame1.jpg")
    assert "frame1.jpg and frame1.png are the same frame" in (read(atd12k, tmp_path).pairs[2].error or "")


def test_pipes_are_no_images(tmp_path: Path) -> None:
    pairs_in(tmp_path / "root", "a")
    os.mkfifo(tmp_path / "root" / "a" / "3.png")
    assert ids(read(tmp_path / "root", tmp_path)) == ["a"]


def test_odd_names_of_pairs_and_frames(tmp_path: Path) -> None:
    root = tmp_path / "root"
    for name in decoded():
        for number in (1, 2):
            draw(root / name / f"{name[:50]}{number}.png", number)
    manifest = read(root, tmp_path)
    assert ids(manifest) == [id_of(name) for name in sorted(decoded())]
    assert len({frame.id for frame in manifest.frames}) == 2 * len(decoded())
    for frame in manifest.frames:
        frame.id.encode()
