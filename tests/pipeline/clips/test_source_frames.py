from __future__ import annotations

from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

from animeinterp.configs.errors import DataError
from animeinterp.data.clips.clip_scan import ClipScan
from animeinterp.data.images import read_image
from animeinterp.pipeline.clips.source_frames import ClipFrames, readable_name
from tests.pipeline.listed_clip import ListedClip, grey

SCAN = ClipScan(
    (16, 24),
    tuple(Fraction(k, 24) for k in range(5)),
    Fraction(5, 24),
    ("first", *("motion",) * 4),
    (0.0,) * 5,
    (0, 0, 0, 0),
    (),
)


def frames_of(clip: ListedClip, cache: Path, bars: tuple[int, int, int, int] = (0, 0, 0, 0)) -> ClipFrames:
    return ClipFrames(clip, clip.digest(), replace(SCAN, bars=bars), cache)


def write(frames: ClipFrames, *indices: int) -> int:
    there: list[int] = []
    frames.write(indices, there.append)
    return sum(there)


@pytest.fixture
def clip() -> ListedClip:
    return ListedClip([grey(10 * k) for k in range(5)])


def test_frames_asked_for_are_written_in_one_pass(clip: ListedClip, tmp_path: Path) -> None:
    frames = frames_of(clip, tmp_path)
    assert write(frames, 0, 2) == 2
    assert write(frames, 2, 3) == 2
    assert clip.passes == 1
    assert [frames.path(k).exists() for k in range(5)] == [True, False, True, True, False]
    assert frames.path(3).is_relative_to(tmp_path / "clips" / "a-clip-of-sorts-0123456789ab")
    np.testing.assert_array_equal(frames.picture(3), grey(30))


def test_what_is_there_is_not_written_again(clip: ListedClip, tmp_path: Path) -> None:
    frames = frames_of(clip, tmp_path)
    write(frames, 0, 1)
    before = frames.path(0).stat().st_mtime_ns
    again = frames_of(clip, tmp_path)
    write(again, 0, 1)
    assert again.path(0).stat().st_mtime_ns == before


def test_going_back_reads_anew(clip: ListedClip, tmp_path: Path) -> None:
    frames = frames_of(clip, tmp_path)
    write(frames, 3)
    write(frames, 1)
    assert clip.passes == 2
    np.testing.assert_array_equal(frames.picture(1), grey(10))


def test_bars_are_cut_off(clip: ListedClip, tmp_path: Path) -> None:
    plain, barred = frames_of(clip, tmp_path), frames_of(clip, tmp_path, (2, 3, 0, 4))
    write(barred, 1)
    assert barred.picture(1).shape == (11, 20, 3)
    assert not plain.path(1).exists()


def test_transparency_is_kept_beside(clip: ListedClip, tmp_path: Path) -> None:
    clip.alphas = [np.full((16, 24), 50 * k, np.uint8) for k in range(5)]
    frames = frames_of(clip, tmp_path)
    write(frames, 4)
    np.testing.assert_array_equal(frames.alpha(4), clip.alphas[4])


def test_images_without_bars_are_used_as_they_are(clip: ListedClip, tmp_path: Path) -> None:
    images = ListedClip(clip.pictures, files=tuple(tmp_path / f"{k}.png" for k in range(5)))
    assert frames_of(images, tmp_path).path(2) == tmp_path / "2.png"
    barred = frames_of(images, tmp_path, (1, 1, 0, 0))
    write(barred, 2)
    assert read_image(barred.path(2)).shape == (14, 24, 3)


def test_a_clip_that_has_become_shorter(clip: ListedClip, tmp_path: Path) -> None:
    clip.pictures = clip.pictures[:2]
    with pytest.raises(DataError, match=r"clip\.mp4: ends before frame 3"):
        write(frames_of(clip, tmp_path), 3)


@pytest.mark.parametrize(
    ("name", "readable"), [("Ep. 01 «x»", "Ep-01-x"), ("日本", "clip"), ("a" * 99, "a" * 60)]
)
def test_names(name: str, readable: str) -> None:
    assert readable_name(name) == readable
