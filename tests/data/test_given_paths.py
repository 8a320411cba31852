from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from animeinterp.configs.errors import DataError
from animeinterp.data.given_paths import GivenImages, read_given
from animeinterp.data.images import write_image
from animeinterp.data.not_frames import PICTURE_MARK
from animeinterp.pipeline.results.pictures import result_png
from tests.names import decoded, names

PIXELS = np.zeros((4, 6, 3), np.uint8)


def draw(folder: Path, *images: str) -> None:
    for name in images:
        write_image(folder / name, PIXELS)


def images(*inputs: str | Path) -> list[str]:
    found = read_given(inputs)
    assert isinstance(found, GivenImages)
    return [path.name for path in found.paths]


def test_a_pattern_in_a_folder_with_brackets(tmp_path: Path) -> None:
    folder = tmp_path / "[Group] show" / "a*b"
    draw(folder, "2.png", "10.png", "1.jpg")
    assert images(folder / "*.png") == ["2.png", "10.png"]
    assert images(tmp_path / "[Group] show" / "a?b" / "*.png") == ["2.png", "10.png"]
    assert images(tmp_path / "*" / "a*b" / "[0-9]*.png") == ["2.png", "10.png"]


def test_a_pattern_is_taken_literally_where_it_exists(tmp_path: Path) -> None:
    (tmp_path / "*.mp4").write_bytes(b"a video")
    (tmp_path / "other.mp4").write_bytes(b"another")
    assert read_given([tmp_path / "*.mp4"]) == tmp_path / "*.mp4"


def test_numbered_patterns(tmp_path: Path) -> None:
    draw(tmp_path, "f_0001.png", "f_0010.png", "f_0002.png", "f_12.png", "f_a.png", "g_0001.png")
    assert images(tmp_path / "f_%04d.png") == ["f_0001.png", "f_0002.png", "f_0010.png"]
    assert images(tmp_path / "f_%d.png") == ["f_0001.png", "f_0002.png", "f_0010.png", "f_12.png"]


def test_folders_in_a_pattern_come_one_after_the_other(tmp_path: Path) -> None:
    for shot in ("s2", "s10"):
        draw(tmp_path / shot, "1.png", "10.png", "2.png")
    found = read_given([tmp_path / "s*" / "*.png"])
    assert isinstance(found, GivenImages)
    expected = [f"{shot}/{number}.png" for shot in ("s2", "s10") for number in (1, 2, 10)]
    assert [str(path.relative_to(tmp_path)) for path in found.paths] == expected


def test_hidden_names_match_no_wildcard(tmp_path: Path) -> None:
    draw(tmp_path, ".0.png", "1.png", "2.png")
    assert images(tmp_path / "*.png") == ["1.png", "2.png"]
    draw(tmp_path, ".1.png")
    assert images(tmp_path / ".*.png") == [".0.png", ".1.png"]


@pytest.mark.parametrize(
    ("there", "said"),
    [
        (
            ("0.png", "1.png", "0.jpg"),
            r"0\.jpg and 0\.png are the same frame.*\*\.jpg' \(1\) or .*\*\.png' \(2\)",
        ),
        (("0.png", "1.png", "0.jpg", "1.jpg"), r"0\.jpg and 0\.png are the same frame, and 1 more"),
        (("0.png", "1.png", "01.png"), r"01\.png and 1\.png are the same frame.*remove one of them"),
        (("a.png", "a.PNG", "b.png"), r"a\.PNG and a\.png are the same frame"),
    ],
)
@pytest.mark.parametrize("wildcard", ["", "*"])
def test_two_images_of_one_frame_are_refused(
    tmp_path: Path, there: tuple[str, ...], said: str, wildcard: str
) -> None:
    draw(tmp_path, *there)
    with pytest.raises(DataError, match=said):
        read_given([tmp_path / wildcard])


def test_what_is_ignored_is_told(tmp_path: Path) -> None:
    draw(tmp_path, "1.png", "2.png", "._1.png", "@eaDir/1.png")
    for name in ("Thumbs.db", ".DS_Store", "movie.mp4", "notes.txt"):
        (tmp_path / name).write_bytes(b"")
    (tmp_path / "drawings-001.png").write_bytes(result_png(PIXELS, ""))
    found = read_given([tmp_path])
    assert isinstance(found, GivenImages)
    assert [path.name for path in found.paths] == ["1.png", "2.png"]
    assert found.notes == (
        f"ignored in {tmp_path}: drawings-001.png, .DS_Store, ._*, @eaDir, Thumbs.db, movie.mp4",
    )
    assert PICTURE_MARK.encode() in (tmp_path / "drawings-001.png").read_bytes()


def test_what_cannot_be_read_twice_is_refused(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.mp4")
    with pytest.raises(DataError, match="a pipe or device"):
        read_given([tmp_path / "pipe.mp4"])
    os.mkfifo(tmp_path / "0.png")
    draw(tmp_path, "1.png", "2.png")
    assert images(tmp_path) == ["1.png", "2.png"]


def test_names_that_are_too_long(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="no such file or folder"):
        read_given([tmp_path / ("x" * 300)])


def test_home_folders(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    draw(tmp_path / "frames", "1.png", "2.png")
    assert images("~/frames") == images("~/frames/*.png") == ["1.png", "2.png"]
    assert images("~/frames/2.png", "~/frames/1.png") == ["2.png", "1.png"]


@pytest.mark.parametrize("name", [name for name in decoded() if len(os.fsencode(name)) <= 250])
def test_odd_names_of_folders_and_images(tmp_path: Path, name: str) -> None:
    listed = [f"{name[:50]}{number}.png" for number in (1, 2)]
    folder = tmp_path / name
    draw(folder, *listed)
    (folder / f"{name}.mp4").write_bytes(b"a video")
    assert (
        images(folder) == images(folder / "*.png") == images(*(folder / other for other in listed)) == listed
    )
    assert read_given([folder / f"{name}.mp4"]) == folder / f"{name}.mp4"


@settings(max_examples=30)
@given(names(240), names(240), st.integers(1, 10**9))
def test_any_names_of_folders_and_images(
    tmp_path_factory: pytest.TempPathFactory, folder_name: str, name: str, number: int
) -> None:
    folder = tmp_path_factory.mktemp("any") / folder_name
    listed = [f"{name}_{number}.png", f"{name}_{10 * number}.png"]
    draw(folder, *listed[::-1])
    assert (
        images(folder) == images(folder / "*.png") == images(*(folder / other for other in listed)) == listed
    )


def test_minus_signs_that_may_belong_to_numbers_are_told(tmp_path: Path) -> None:
    draw(tmp_path, "f-2.png", "f-1.png", "f0.png", "f1.png")
    said = "f-1.png comes after f0.png and those like it: a minus sign is no part of a number"
    for given_as in ([tmp_path], [tmp_path / "f*.png"], sorted(tmp_path.iterdir())):
        found = read_given(given_as)
        assert isinstance(found, GivenImages)
        assert [path.name for path in found.paths] == ["f0.png", "f1.png", "f-1.png", "f-2.png"]
        assert said in found.notes[-1]
    listed = [tmp_path / name for name in ("f-2.png", "f-1.png", "f0.png", "f1.png")]
    found = read_given(listed, "given")
    assert isinstance(found, GivenImages)
    assert list(found.paths) == listed
    assert not [note for note in found.notes if "minus" in note]
    for name in ("f0.png", "f1.png"):
        (tmp_path / name).unlink()
    assert read_given([tmp_path]).notes == ()  # type: ignore[union-attr]
