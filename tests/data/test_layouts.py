from __future__ import annotations

import hashlib
import json
from pathlib import Path

import pytest

from animeinterp.configs.errors import DataError
from animeinterp.configs.sections import DataSection
from animeinterp.data.file_facts import FileFacts
from animeinterp.data.layouts import read_dataset
from animeinterp.data.truth import TRUTH_FOLDERS
from tests.data.dataset_folders import ANNOTATION, draw, read, write_atd12k


@pytest.fixture
def atd12k(tmp_path: Path) -> Path:
    return write_atd12k(tmp_path / "atd12k")


def test_test_split(atd12k: Path, tmp_path: Path) -> None:
    manifest = read(atd12k, tmp_path)
    assert [pair.id for pair in manifest.pairs] == ["Disney_a_s1", "Japan_b_s2", "other"]
    assert [frame.id for frame in manifest.frames[:2]] == ["Disney_a_s1/frame1", "Disney_a_s1/frame3"]
    assert [frame.style for frame in manifest.frames[::2]] == ["disney", "anime", "anime"]
    japan = manifest.pairs[1]
    assert japan.frames == (2, 3)
    assert japan.truth is not None
    assert japan.truth.path.name == "frame2.png"
    assert japan.annotation is not None
    assert japan.annotation.level == 1
    assert japan.annotation.image_size == (16, 12)
    assert manifest.pairs[0].annotation is None
    assert manifest.pairs[0].error is None
    assert manifest.frames[0].size == (12, 16)


@pytest.mark.parametrize("inside", [False, True])
def test_root_may_be_the_split_folder(atd12k: Path, tmp_path: Path, inside: bool) -> None:
    root = atd12k / "test_2k_540p" if inside else atd12k
    assert read(root, tmp_path, layout="atd12k").pairs[1].annotation is not None


def test_other_annotation_folder_name(atd12k: Path, tmp_path: Path) -> None:
    (atd12k / "test_2k_annotations").rename(atd12k / "test_2k_ann")
    assert read(atd12k, tmp_path).pairs[1].annotation is not None


@pytest.mark.parametrize(("split", "frames"), [("test", "test_2k_540p"), ("train", "train_10k")])
def test_truth_of_the_motion_stands_beside_the_split(tmp_path: Path, split: str, frames: str) -> None:
    for name in ("drawn", "real"):
        for number in (1, 3):
            draw(tmp_path / frames / name / f"frame{number}.png")
    assert [pair.motion_truth for pair in read(tmp_path, tmp_path, split=split).pairs] == [None, None]
    path = tmp_path / TRUTH_FOLDERS[split] / "drawn" / "truth.npz"
    path.parent.mkdir(parents=True)
    path.write_bytes(b"content is not looked at")
    drawn, real = read(tmp_path / frames, tmp_path, split=split).pairs
    assert drawn.motion_truth is not None
    assert drawn.motion_truth.path == path
    assert drawn.motion_truth.digest == hashlib.sha256(path.read_bytes()).hexdigest()
    assert real.motion_truth is None


def test_train_split_in_jpg_without_annotations(tmp_path: Path) -> None:
    for number in (1, 2, 3):
        draw(tmp_path / "train_10k" / "Japan_x" / f"frame{number}.jpg")
    manifest = read(tmp_path, tmp_path, split="train")
    assert manifest.frames[0].path.suffix == ".jpg"
    assert manifest.pairs[0].annotation is None


def test_style_can_be_chosen(atd12k: Path, tmp_path: Path) -> None:
    assert {f.style for f in read(atd12k, tmp_path, style="disney").frames} == {"disney"}
    assert read(atd12k, tmp_path, unnamed_style="disney").frames[-1].style == "disney"


def test_wrong_split_is_named_with_the_right_one(atd12k: Path, tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"no folder 'train_10k'.*--set data\.split=test"):
        read(atd12k, tmp_path, split="train")


def test_layout_atd12k_insists_on_its_folder(tmp_path: Path) -> None:
    draw(tmp_path / "pair" / "a.png")
    with pytest.raises(DataError, match="no folder 'test_2k_540p'"):
        read(tmp_path, tmp_path, layout="atd12k")


def test_plain_folders_of_pairs_and_triplets(tmp_path: Path) -> None:
    root = tmp_path / "mine"
    for name in ("frame9.png", "frame10.png"):
        draw(root / "pair" / name, len(name))
    for name in ("a.png", "b.png", "c.png"):
        draw(root / "triplet" / name, ord(name[0]))
    draw(root / "pair" / ".thumbnail.png")
    (root / "pair" / "notes.txt").write_text("no image")
    manifest = read(root, tmp_path)
    assert [f.path.name for f in manifest.frames] == ["frame9.png", "frame10.png", "a.png", "c.png"]
    assert manifest.pairs[0].truth is None
    assert manifest.pairs[1].truth is not None
    assert manifest.pairs[1].truth.path.name == "b.png"


def test_triplet_folders_without_a_middle_frame(tmp_path: Path) -> None:
    for number in (1, 3):
        draw(tmp_path / "frames" / "clip" / f"frame{number}.png", number)
    assert read(tmp_path / "frames", tmp_path).pairs[0].error is None
    (tmp_path / "frames").rename(tmp_path / "test_2k_540p")
    pair = read(tmp_path, tmp_path).pairs[0]
    assert (pair.id, pair.truth, pair.error) == ("clip", None, None)


def test_a_single_pair_folder_is_a_dataset(tmp_path: Path) -> None:
    for number in (1, 3):
        draw(tmp_path / "clip" / f"frame{number}.png", number)
    assert [pair.id for pair in read(tmp_path / "clip", tmp_path).pairs] == ["clip"]


def test_empty_and_absent_datasets_are_refused(tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    with pytest.raises(DataError, match=r"no pairs found.*data\.root"):
        read(tmp_path / "empty", tmp_path)
    with pytest.raises(DataError, match=r"data\.root = .*absent' is not a folder"):
        read(tmp_path / "absent", tmp_path)
    with pytest.raises(DataError, match=r"data\.root is not set"):
        read_dataset(DataSection(), FileFacts(tmp_path / "facts.json"))


def test_pairs_that_cannot_be_used_say_why_and_stay_alone(tmp_path: Path) -> None:
    root = tmp_path / "mine"
    draw(root / "alone" / "a.png")
    for name, size in (("a.png", (12, 16)), ("b.png", (12, 18))):
        draw(root / "sizes" / name, size=size)
    for name in "abcd":
        draw(root / "four" / f"{name}.png")
    (root / "void").mkdir()
    for name in "ab":
        draw(root / "good" / f"{name}.png", ord(name))
    errors = {pair.id: pair.error for pair in read(root, tmp_path).pairs}
    assert errors["good"] is None
    assert "1 image (a); expected two frames" in (errors["alone"] or "")
    assert "4 images (a, b, c, d)" in (errors["four"] or "")
    assert "0 images" in (errors["void"] or "")
    assert "a.png is 16x12, b.png is 18x12" in (errors["sizes"] or "")


def test_atd12k_folder_with_one_frame(atd12k: Path, tmp_path: Path) -> None:
    (atd12k / "test_2k_540p" / "other" / "frame3.png").unlink()
    pair = read(atd12k, tmp_path).pairs[2]
    assert len(pair.frames) == 1
    assert "2 images (frame1, frame2); expected frame1 and frame3" in (pair.error or "")


def test_files_that_are_no_images_wait_for_their_turn(atd12k: Path, tmp_path: Path) -> None:
    (atd12k / "test_2k_540p" / "other" / "frame1.png").write_bytes(b"")
    manifest = read(atd12k, tmp_path)
    assert manifest.pairs[2].error is None
    assert manifest.frames[4].size is None


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("{", "malformed annotation"),
        ("[]", "malformed annotation"),
        ('{"level": 1}', "motion_RoI"),
        (json.dumps(ANNOTATION | {"level": 7}), "level"),
        (json.dumps(ANNOTATION | {"image_size": [1]}), "image_size"),
        (
            json.dumps(ANNOTATION | {"motion_RoI": {"x": 0, "y": 0, "width": 0, "height": 2}}),
            "motion_RoI.width",
        ),
    ],
)
def test_malformed_annotation_is_kept_as_a_complaint(
    atd12k: Path, tmp_path: Path, text: str, said: str
) -> None:
    path = atd12k / "test_2k_annotations" / "Japan_b_s2" / "Japan_b_s2.json"
    path.write_text(text)
    pair = read(atd12k, tmp_path).pairs[1]
    assert pair.annotation is None
    assert said in (pair.annotation_error or "")
    assert str(path) in (pair.annotation_error or "")
    assert pair.error is None


def test_digests_follow_content_and_are_remembered(atd12k: Path, tmp_path: Path) -> None:
    facts = FileFacts(tmp_path / "facts.json")
    section = DataSection(root=atd12k)
    before = read_dataset(section, facts)
    facts.save()
    remembered = FileFacts(tmp_path / "facts.json")
    assert read_dataset(section, remembered) == before
    draw(atd12k / "test_2k_540p" / "other" / "frame1.png", 99)
    after = read_dataset(section, remembered)
    changed = [a.id for a, b in zip(after.frames, before.frames, strict=True) if a.digest != b.digest]
    assert changed == ["other/frame1"]


@pytest.mark.parametrize("content", ["", "{}", "[]", '{"format": 1, "files": {"a": 3}}', '{"format": 0}'])
def test_damaged_index_of_facts_is_only_a_slower_start(atd12k: Path, tmp_path: Path, content: str) -> None:
    (tmp_path / "facts.json").write_text(content)
    assert len(read(atd12k, tmp_path).frames) == 6
