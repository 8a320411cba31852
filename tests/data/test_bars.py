from __future__ import annotations

import numpy as np
import pytest

from animeinterp.data.clips.bars import BarFinder
from animeinterp.data.images import Frame

SIZE = (90, 160)


def framed(bars: tuple[int, int, int, int], level: int = 0, seed: int = 0) -> Frame:
    above, below, left, right = bars
    frame = np.full((*SIZE, 3), level, np.uint8)
    inside = (SIZE[0] - above - below, SIZE[1] - left - right, 3)
    picture = np.random.default_rng(seed).integers(60, 256, inside, np.uint8)
    frame[above : SIZE[0] - below, left : SIZE[1] - right] = picture
    return frame


def bars_of(*frames: Frame) -> tuple[int, int, int, int]:
    finder = BarFinder()
    for frame in frames:
        finder.add(frame)
    return finder.bars()


@pytest.mark.parametrize("bars", [(0, 0, 0, 0), (11, 11, 0, 0), (0, 0, 20, 21), (7, 8, 3, 0)])
@pytest.mark.parametrize("level", [0, 16])
def test_bars_are_found(bars: tuple[int, int, int, int], level: int) -> None:
    assert bars_of(framed(bars, level), framed(bars, level, seed=1)) == bars


def test_what_is_black_in_some_frames_is_no_bar() -> None:
    black = np.zeros((*SIZE, 3), np.uint8)
    assert bars_of(black, framed((30, 11, 0, 0)), framed((9, 14, 0, 0), seed=1), black) == (9, 11, 0, 0)


def test_black_frames_and_nothing_have_no_bars() -> None:
    assert bars_of() == (0, 0, 0, 0)
    assert bars_of(np.zeros((*SIZE, 3), np.uint8)) == (0, 0, 0, 0)


def test_half_a_picture_is_no_bar() -> None:
    assert bars_of(framed((44, 5, 0, 0))) == (0, 5, 0, 0)


def test_a_line_on_black_ends_a_bar() -> None:
    frame = framed((20, 0, 0, 0))
    frame[10, 30:40] = 200
    assert bars_of(frame) == (10, 0, 0, 0)
