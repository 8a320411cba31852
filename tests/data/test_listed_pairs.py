from __future__ import annotations

import json
import os
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from animeinterp.configs.errors import DataError
from animeinterp.configs.sections import DataSection
from animeinterp.data.file_facts import FileFacts
from animeinterp.data.images import write_image
from animeinterp.data.layouts import read_dataset
from animeinterp.data.listed_pairs import PAIRS_FILE, write_pairs
from animeinterp.data.manifest import Manifest


@pytest.fixture
def frames(tmp_path: Path) -> list[Path]:
    paths = [tmp_path / "frames" / f"{k}.png" for k in range(3)]
    for k, path in enumerate(paths):
        write_image(path, np.full((12, 16, 3), k, np.uint8))
    return paths


def read(root: Path, **settings: Any) -> Manifest:
    return read_dataset(DataSection(root=root, **settings), FileFacts(root.parent / "facts.json"))


def test_a_list_written_is_read(frames: list[Path], tmp_path: Path) -> None:
    root = tmp_path / "list"
    write_pairs(root, "clip", [("a", (frames[0], frames[1]), (0.25, 0.5)), ("b", (frames[1], frames[2]), ())])
    manifest = read(root)
    assert [(pair.id, pair.frames, pair.times) for pair in manifest.pairs] == [
        ("a", (0, 1), (0.25, 0.5)),
        ("b", (1, 2), ()),
    ]
    assert [frame.id for frame in manifest.frames] == ["clip/0", "clip/1", "clip/2"]
    assert [frame.path for frame in manifest.frames] == frames


def test_a_frame_in_two_lists_is_one(frames: list[Path], tmp_path: Path) -> None:
    write_pairs(tmp_path / "one", "clip", [("a", (frames[0], frames[1]), ())])
    write_pairs(tmp_path / "two", "clip", [("b", (frames[1], frames[2]), ())])
    assert read(tmp_path / "one").frames[1] == read(tmp_path / "two").frames[0]


def test_a_truth_may_be_named(frames: list[Path], tmp_path: Path) -> None:
    pair = {"id": "a", "frames": ["frames/0.png", "frames/2.png"], "truth": "frames/1.png"}
    (tmp_path / PAIRS_FILE).write_text(json.dumps({"pairs": [pair]}))
    truth = read(tmp_path).pairs[0].truth
    assert truth is not None
    assert truth.path == frames[1]


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ({"pairs": []}, "lists no pairs"),
        ({"pairs": [{"id": "a", "frames": ["x.png"]}]}, r"pairs\.0\.frames\.1: Field required"),
        ({"pairs": [{"id": "../a", "frames": ["x.png", "y.png"]}]}, "'../a' cannot name a folder"),
        ({"pairs": [{"id": "a", "frames": ["x.png", "y.png"], "times": [1]}]}, "lie between 0 and 1"),
        ({"pairs": [{"id": "a", "frames": ["x.png", "y.png"]}] * 2}, "'a' is the id of more than one pair"),
        ({"pairs": [], "more": 1}, "more: Extra inputs"),
    ],
)
def test_a_list_that_is_none(tmp_path: Path, content: dict[str, Any], said: str) -> None:
    (tmp_path / PAIRS_FILE).write_text(json.dumps(content))
    with pytest.raises(DataError, match=said) as error:
        read(tmp_path)
    assert str(tmp_path) in str(error.value)


def test_a_list_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="layout = 'listed' needs this file"):
        read(tmp_path, layout="listed")


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "utf-8"])
def test_encodings_of_other_editors(frames: list[Path], tmp_path: Path, encoding: str) -> None:
    pair = {"id": "é", "frames": ["frames/0.png", "frames/2.png"]}
    content = json.dumps({"pairs": [pair]}, ensure_ascii=False)
    (tmp_path / PAIRS_FILE).write_bytes(content.encode(encoding))
    assert [pair.id for pair in read(tmp_path).pairs] == ["é"]


def test_names_that_are_not_utf_8(frames: list[Path], tmp_path: Path) -> None:
    shift_jis = tmp_path / os.fsdecode(b"\x83A\n1.png")
    shutil.copy(frames[0], shift_jis)
    write_pairs(tmp_path / "list", "clip", [("a", (shift_jis, frames[1]), ())])
    manifest = read(tmp_path / "list")
    assert manifest.frames[0].path == shift_jis
    assert [frame.id for frame in manifest.frames] == [r"clip/\x83A\n1", "clip/1"]
    assert manifest.pairs[0].error is None
    content = b'{"pairs": [{"id": "\x83A", "frames": ["\x83A\\n1.png", "frames/1.png"]}]}'
    (tmp_path / PAIRS_FILE).write_bytes(content)
    manifest = read(tmp_path)
    assert manifest.frames[0].path == shift_jis
    assert [pair.id for pair in manifest.pairs] == [r"\x83A"]


def test_frames_of_one_name_in_several_folders_have_ids_of_their_own(tmp_path: Path) -> None:
    paths = [tmp_path / folder / "0.png" for folder in "abcd"]
    for k, path in enumerate(paths):
        write_image(path, np.full((12, 16, 3), k, np.uint8))
    write_pairs(tmp_path / "list", "clip", [("x", (paths[0], paths[1]), ()), ("y", (paths[2], paths[3]), ())])
    manifest = read(tmp_path / "list")
    ids = [frame.id for frame in manifest.frames]
    assert ids[:2] == ["clip/0", "clip/0.png"]
    assert len(set(ids)) == 4
    assert read(tmp_path / "list").frames == manifest.frames


@pytest.mark.parametrize(
    "pair",
    [
        {"id": "a", "frames": ["x\0.png", "y.png"]},
        {"id": "a", "frames": ["x.png", "\ud83d.png"]},
        {"id": "a", "frames": ["x.png", "y.png"], "truth": "\0"},
        {"id": "\ud83d", "frames": ["x.png", "y.png"]},
        {"id": "x" * 256, "frames": ["x.png", "y.png"]},
        {"id": "a\0", "frames": ["x.png", "y.png"]},
    ],
)
def test_names_that_no_file_can_have(tmp_path: Path, pair: dict[str, Any]) -> None:
    (tmp_path / PAIRS_FILE).write_text(json.dumps({"pairs": [pair]}))
    with pytest.raises(DataError, match="cannot name a f"):
        read(tmp_path)


def test_what_is_not_json(tmp_path: Path) -> None:
    (tmp_path / PAIRS_FILE).write_text("{pairs")
    with pytest.raises(DataError, match=r"pairs\.json: not JSON"):
        read(tmp_path)
