from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from pydantic import ValidationError

from animeinterp.configs.errors import DataError
from animeinterp.configs.sections import ClipSection
from animeinterp.data.clips.image_sequence import ImageClip
from animeinterp.data.clips.opening import open_clip
from animeinterp.data.clips.video import VideoClip
from animeinterp.data.images import write_image
from tests.drawn_videos import drawing, write_video


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Two kinds of images, a video and what is neither."""
    for name in ("f1.png", "f2.png", "f10.png", "g1.jpg", ".f3.png"):
        write_image(tmp_path / "frames" / name, np.zeros((4, 6, 3), np.uint8))
    (tmp_path / "frames" / "notes.txt").write_text("notes")
    write_video(tmp_path / "movie.mp4", 3)
    (tmp_path / "empty").mkdir()
    write_image(tmp_path / "one" / "only.png", np.zeros((4, 6, 3), np.uint8))
    (tmp_path / "notes" / "a").mkdir(parents=True)
    return tmp_path


def names(folder: Path, *inputs: str) -> list[str]:
    clip = open_clip([folder / item for item in inputs], ClipSection(rate="12"))
    assert isinstance(clip, ImageClip)
    assert clip.rate == 12
    return [path.name for path in clip.sources]


def test_videos(folder: Path) -> None:
    clip = open_clip([str(folder / "movie.mp4")], ClipSection())
    assert isinstance(clip, VideoClip)
    assert clip.name == "movie"


def test_folders_go_by_number_and_leave_out_what_is_no_image(folder: Path) -> None:
    assert names(folder, "frames") == ["f1.png", "f2.png", "f10.png", "g1.jpg"]
    assert open_clip([folder / "frames"], ClipSection()).name == "frames"


def test_globs(folder: Path) -> None:
    assert names(folder, "frames/f*.png") == ["f1.png", "f2.png", "f10.png"]
    assert isinstance(open_clip([folder / "*.mp4"], ClipSection()), VideoClip)


def test_brackets_in_a_name_are_no_glob(folder: Path) -> None:
    (folder / "movie.mp4").rename(folder / "[x] movie.mp4")
    assert open_clip([folder / "[x] movie.mp4"], ClipSection()).name == "[x] movie"


def test_lists_keep_their_order_but_for_that_of_the_alphabet(folder: Path) -> None:
    assert names(folder, "frames/f10.png", "frames/f2.png") == ["f10.png", "f2.png"]
    assert names(folder, "frames/f10.png", "frames/f2.png", "frames/f1.png") == [
        "f10.png",
        "f2.png",
        "f1.png",
    ]
    assert names(folder, "frames/f1.png", "frames/f10.png", "frames/f2.png") == [
        "f1.png",
        "f2.png",
        "f10.png",
    ]


@pytest.mark.parametrize(
    ("inputs", "said"),
    [
        ([], "no input given; name a video, a folder of images"),
        (["mowie.mp4"], r"mowie\.mp4: no such file or folder \(there is movie\.mp4\)"),
        (["nowhere/movie.mp4"], r"no such file or folder \(nor a folder .*nowhere\)"),
        (["empty"], "empty: an empty folder; name a video"),
        (["one"], r"one: contains one image \(only\.png\); motion needs two"),
        (["one/only.png"], r"only\.png: one image, but motion needs two; name its folder"),
        (["notes"], "notes: contains folders \\(a\\) and no images; a clip is one of them: name .*notes/a"),
        (["frames/*.webp"], r"\*\.webp: nothing matches the pattern"),
        (["not*"], "only folders .*notes.* matches the pattern"),
        (["frames/*.txt", "frames/f1.png"], r"\*\.txt: no such file"),
        (["one/*"], "one image, but motion needs two"),
        (["frames/notes.txt", "movie.mp4"], "2 inputs that are not images; a clip is one video"),
        (["movie.mp4", "frames/f1.png"], r"movie\.mp4: no image, given with images such as .*f1\.png"),
        (["frames/f1.png", "frames/f3.png"], r"f3\.png: no such file \(there is f\d+\.png"),
        (["frames/notes.txt"], "not a video that FFmpeg can read|a single image or text"),
    ],
)
def test_what_is_no_clip_is_refused(folder: Path, inputs: list[str], said: str) -> None:
    with pytest.raises(DataError, match=said):
        open_clip([folder / item for item in inputs], ClipSection())


def test_folders_without_images_say_what_they_hold(folder: Path) -> None:
    (folder / "one" / "only.png").rename(folder / "one" / "only.doc")
    with pytest.raises(DataError, match=r"one: contains no image, but only\.doc; expected \.bmp"):
        open_clip([folder / "one"], ClipSection())


def test_several_videos_that_fit_a_glob_are_refused(folder: Path) -> None:
    write_video(folder / "other.mp4", 3)
    with pytest.raises(DataError, match=r"\*\.mp4: 2 files match, but none is an image"):
        open_clip([folder / "*.mp4"], ClipSection())


def test_frames_of_these_numbers(tmp_path: Path) -> None:
    for number in range(1001, 1011):
        write_image(tmp_path / f"a_v3.{number}.png", drawing(0))
    write_image(tmp_path / "b" / "1x2.png", drawing(0))
    write_image(tmp_path / "b" / "2x3.png", drawing(0))
    pattern = tmp_path / "a_v3.####.png"

    def names(wanted: str) -> list[str]:
        return [path.name[5:9] for path in open_clip([pattern], ClipSection(frames=wanted)).sources]

    assert names("1003-1005") == ["1003", "1004", "1005"]
    assert names("1004-2000x3") == ["1004", "1007", "1010"]
    assert len(names("")) == 10
    assert open_clip([pattern], ClipSection(frames="1002-1008x2")).numbering == (1002, 2)
    with pytest.raises(DataError, match=r"'1-1001': 1 of the images have .* has 1001 to 1010"):
        names("1-1001")
    with pytest.raises(DataError, match=r"differ in more than one number \(1x2\.png, 2x3\.png\)"):
        open_clip([tmp_path / "b"], ClipSection(frames="1-2"))
    with pytest.raises(ValidationError, match="frames"):
        ClipSection(frames="1001")


def test_numbers_of_images_in_one_file_are_refused(tmp_path: Path) -> None:
    write_video(tmp_path / "movie.mkv", 3)
    with pytest.raises(DataError, match=r"clip\.frames = '1-2': numbers of images, and .*movie\.mkv is one"):
        open_clip([tmp_path / "movie.mkv"], ClipSection(frames="1-2"))
