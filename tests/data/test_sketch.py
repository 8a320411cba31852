from __future__ import annotations

import numpy as np
import pytest

from animeinterp.data.clips.sketch import MOST, SKETCH_SIDE, difference, draw_sketch

GRAY = np.full((540, 960, 3), 128, np.uint8)


@pytest.mark.parametrize(
    ("size", "cells"),
    [((540, 960), (135, 240)), ((1080, 1920), (135, 240)), ((960, 540), (240, 135)), ((90, 160), (90, 160))],
)
def test_shape(size: tuple[int, int], cells: tuple[int, int]) -> None:
    sketch = draw_sketch(np.zeros((*size, 3), np.uint8))
    assert sketch.shape == (*cells, 3)
    assert sketch.dtype == np.float32
    assert min(sketch.shape[:2]) == min(*size, SKETCH_SIDE)


def test_the_same_does_not_differ_and_flicker_does_not_count() -> None:
    sketch = draw_sketch(GRAY)
    assert difference(sketch, sketch) == 0
    assert difference(sketch, draw_sketch(GRAY + np.uint8(2))) == 0
    assert difference(sketch, draw_sketch(GRAY + np.uint8(3))) >= 9


def test_the_most_different_patch_counts_wherever_it_is() -> None:
    for y, x in ((0, 0), (532, 952), (260, 400)):
        frame = GRAY.copy()
        frame[y : y + 8, x : x + 8] = 228
        assert 100 * 4 / 9 - 1 <= difference(draw_sketch(GRAY), draw_sketch(frame)) <= 100


def test_a_colour_of_the_same_brightness_counts() -> None:
    frame = GRAY.copy()
    frame[200:212, 300:312] = (228, 93, 80)
    luma = draw_sketch(frame)[..., 0]
    assert np.abs(luma - 128).max() < 12
    assert difference(draw_sketch(GRAY), draw_sketch(frame)) > 40


def test_outlines_may_be_off_by_a_little() -> None:
    lines = GRAY.copy()
    lines[:, 480:] = 255
    softer = lines.copy()
    softer[:, 480:484] = 244  # a tenth less contrast along the line
    assert difference(draw_sketch(lines), draw_sketch(softer)) < 1
    moved = GRAY.copy()
    moved[:, 484:] = 255
    assert difference(draw_sketch(lines), draw_sketch(moved)) > 25


def test_transparency_is_a_plane() -> None:
    clear, opaque = np.zeros((540, 960), np.uint8), np.zeros((540, 960), np.uint8)
    opaque[100:200, 100:200] = 255
    first, second = draw_sketch(GRAY, clear), draw_sketch(GRAY, opaque)
    assert first.shape[2] == 4
    assert difference(first, second) == MOST
