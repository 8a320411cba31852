from __future__ import annotations

import cv2
import numpy as np
import pytest

from animeinterp.configs.errors import DataError
from animeinterp.configs.sections import ClipSection
from animeinterp.data.clips.changes import scan_clip
from animeinterp.data.clips.clip_scan import Change, ClipScan
from animeinterp.data.images import Frame
from tests.data.memory_clip import MemoryClip, encoded
from tests.drawn_clips.clip import FrameTruth, draw_clip
from tests.drawn_clips.shots import EVERYTHING, STANDARD, Shot

SIZE = (270, 480)
SECTION = ClipSection()


class Drawn:
    """A drawn clip: pictures and truth."""

    def __init__(self, shots: tuple[Shot, ...], size: tuple[int, int] = SIZE, letterbox: int = 0) -> None:
        frames = list(draw_clip(shots, size, letterbox=letterbox))
        self.pictures: list[Frame] = [frame.picture for frame in frames]
        self.truths: list[FrameTruth] = [frame.truth for frame in frames]

    @property
    def changes(self) -> tuple[Change, ...]:
        return tuple(truth.change for truth in self.truths)


@pytest.fixture(scope="module")
def everything() -> Drawn:
    return Drawn(EVERYTHING)


@pytest.fixture(scope="module")
def standard() -> Drawn:
    return Drawn(STANDARD)


def scan(pictures: list[Frame], section: ClipSection = SECTION) -> ClipScan:
    return scan_clip(MemoryClip(pictures), section)


def precision_recall(found: ClipScan, drawn: Drawn, change: Change) -> tuple[float, float]:
    said, true = set(found.frames_of(change)), {i for i, c in enumerate(drawn.changes) if c == change}
    right = len(said & true)
    return right / max(len(said), 1), right / max(len(true), 1)


@pytest.mark.slow
def test_uncompressed_everything_is_found(everything: Drawn, standard: Drawn) -> None:
    for drawn in (everything, standard):
        assert scan(drawn.pictures).changes == drawn.changes


@pytest.mark.slow
@pytest.mark.parametrize(
    ("codec", "crf", "least"),
    [
        ("libx264", 0, 1.0),
        ("libx264", 18, 1.0),
        ("libx264", 23, 1.0),
        ("libx264", 32, 0.95),
        ("libx265", 28, 0.9),
    ],
)
def test_compressed(everything: Drawn, codec: str, crf: int, least: float) -> None:
    found = scan(encoded(everything.pictures, codec, crf))
    assert precision_recall(found, everything, "cut") == (1, 1)
    # What is said to repeat does repeat, whatever the noise; noise may only hide some repeats.
    precision, recall = precision_recall(found, everything, "repeat")
    assert precision == 1
    assert recall >= least
    assert min(precision_recall(found, everything, "fade")) >= min(least, 0.85)


def test_standard_clip_compressed(standard: Drawn) -> None:
    found = scan(encoded(standard.pictures, "libx264", 23))
    assert found.changes == standard.changes
    assert found.frames_of("cut") == (60, 132)


@pytest.mark.parametrize("codec", [None, "libx264"])
def test_a_small_mouth_is_no_repeat(codec: str | None) -> None:
    """10 x 6 pixels of 540 x 960 open and close in a still picture."""
    still = draw_clip((Shot(scene=22, frames=1, acting="still"),), (540, 960))
    background = next(iter(still)).picture
    pictures = []
    for index in range(12):
        picture = background.copy()
        if index // 2 % 2:
            cv2.ellipse(picture, (700, 260), (5, 3), 0, 0, 360, (120, 40, 50), -1)
        pictures.append(picture)
    if codec is not None:
        pictures = encoded(pictures, codec, 20)
    expected = tuple("first" if i == 0 else "repeat" if i % 2 else "motion" for i in range(12))
    assert scan(pictures).changes == expected


def test_slow_drift_is_not_swallowed() -> None:
    """Steps below the threshold add up to drawings, as they are compared with the first of them."""
    (frame,) = draw_clip((Shot(scene=22, frames=1, acting="still"),), SIZE)
    shift = [np.array([[1, 0, 0.12 * index], [0, 1, 0]]) for index in range(24)]
    pictures = [
        np.asarray(cv2.warpAffine(frame.picture, m, SIZE[::-1], flags=cv2.INTER_CUBIC), np.uint8)
        for m in shift
    ]
    found = scan(pictures)
    assert 3 <= len(found.holds()) <= 20
    assert set(found.changes) == {"first", "repeat", "motion"}


def test_slow_pan_is_motion() -> None:
    pan = Drawn((Shot(scene=12, frames=24, acting="still", pan=2.0),))
    assert set(scan(pan.pictures).changes[1:]) == {"motion"}


def test_fast_pan_is_no_cut() -> None:
    """A twelfth of the width with every frame."""
    pan = Drawn((Shot(scene=12, frames=8, on=1, pan=80.0),), (270, 480))
    assert scan(pan.pictures).frames_of("cut") == ()


def test_large_motion_is_no_cut_and_a_cut_within_a_place_is() -> None:
    shots = tuple(Shot(scene=seed, frames=6, on=1, stride=0.5) for seed in (4, 9, 14, 29, 34))  # all forests
    drawn = Drawn(shots)
    assert precision_recall(scan(drawn.pictures), drawn, "cut") == (1, 1)


def test_flash_is_no_cut(everything: Drawn) -> None:
    flash = [i for i, truth in enumerate(everything.truths) if truth.flashing]
    found = scan(everything.pictures)
    assert len(flash) == 3
    assert {found.changes[i] for i in flash} == {"fade"}


def test_flash_of_another_picture_is_no_cut_but_a_short_shot_is() -> None:
    drawn = Drawn((Shot(scene=17, frames=24, on=2, stride=0.2),))
    between = 255 - drawn.pictures[0]
    between[::2] //= 3
    for length, cuts in ((2, ()), (10, (12, 22))):
        pictures = drawn.pictures.copy()
        pictures[12 : 12 + length] = [between] * length
        assert scan(pictures).frames_of("cut") == cuts


def test_cut_to_black_is_a_cut() -> None:
    drawn = Drawn((Shot(scene=17, frames=6, on=2),))
    black = [np.zeros_like(drawn.pictures[0])] * 6
    found = scan(drawn.pictures + black + drawn.pictures)
    assert found.frames_of("cut") == (6, 12)


def test_blend_between_two_shots_is_a_fade() -> None:
    """Converters of frame rates mix the frames before and after a cut."""
    drawn = Drawn((Shot(scene=17, frames=4, acting="still"), Shot(scene=28, frames=4, acting="still")))
    mixed = np.asarray(cv2.addWeighted(drawn.pictures[3], 0.5, drawn.pictures[4], 0.5, 0), np.uint8)
    found = scan([*drawn.pictures[:4], mixed, *drawn.pictures[4:]])
    assert found.frames_of("fade") == (4, 5)
    assert found.frames_of("cut") == ()


def test_letterbox() -> None:
    boxed = Drawn(EVERYTHING[:1], letterbox=34)
    assert scan(boxed.pictures).bars == (34, 34, 0, 0)
    above, below, left, right = scan(encoded(boxed.pictures, "libx264", 23)).bars
    assert 32 <= above <= 34
    assert 32 <= below <= 34
    assert (left, right) == (0, 0)


def test_flicker_of_a_whole_frame_is_a_repeat(standard: Drawn) -> None:
    picture = standard.pictures[0]
    lighter = np.clip(picture.astype(int) + 2, 0, 255).astype(np.uint8)
    assert scan([picture, lighter, picture, lighter]).changes[1:] == ("repeat",) * 3


def test_grain_is_a_repeat(standard: Drawn) -> None:
    rng = np.random.default_rng(0)
    grainy = [np.clip(p + rng.normal(0, 6, p.shape), 0, 255).astype(np.uint8) for p in standard.pictures[:24]]
    assert scan(grainy).changes == standard.changes[:24]


def test_threshold_zero_takes_only_the_same_for_repeats(standard: Drawn) -> None:
    picture = standard.pictures[0]
    other = picture.copy()
    other[0, 0, 0] ^= 1
    exact = ClipSection(repeat_threshold=0)
    assert scan([picture, picture, other], exact).changes == ("first", "repeat", "motion")
    assert scan([picture, picture, other]).changes == ("first", "repeat", "repeat")


def test_cut_threshold(standard: Drawn) -> None:
    pictures = [standard.pictures[i] for i in (0, 2, 61, 140)]
    assert scan(pictures, ClipSection(cut_threshold=1)).frames_of("cut") == ()
    assert scan(pictures, ClipSection(cut_threshold=0)).frames_of("cut") == (1, 2, 3)


def test_transparency_counts() -> None:
    white = np.full((90, 160, 3), 255, np.uint8)
    clear, opaque = np.zeros((90, 160), np.uint8), np.zeros((90, 160), np.uint8)
    opaque[20:60, 40:90] = 255
    clip = MemoryClip([white] * 3, alphas=[clear, clear, opaque])
    assert scan_clip(clip, SECTION).changes == ("first", "repeat", "motion")


def test_times_problems_and_progress(standard: Drawn) -> None:
    seen: list[int] = []
    clip = MemoryClip(standard.pictures[:5], problems=("frame 5 is damaged",))
    found = scan_clip(clip, SECTION, seen.append)
    assert seen == [1, 2, 3, 4, 5]
    assert found.problems == ("frame 5 is damaged",)
    assert [float(start) * 24 for start in found.starts] == pytest.approx([0, 1, 2, 3, 4])
    assert float(found.end) * 24 == pytest.approx(5)
    assert found.size == SIZE


def test_no_frames() -> None:
    with pytest.raises(DataError, match="drawn: no readable frame"):
        scan([])


@pytest.mark.parametrize("size", [(16, 16), (61, 33), (16, 300)])
def test_small_and_narrow_frames(size: tuple[int, int]) -> None:
    rng = np.random.default_rng(0)
    first, second = rng.integers(0, 256, (2, *size, 3), np.uint8)
    found = scan([first, first, second])
    assert found.changes[1] == "repeat"
    assert found.changes[2] in ("cut", "motion")
