from __future__ import annotations

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from animeinterp.configs.sections import ContourPreset
from animeinterp.data.cartoon import draw_triplet
from animeinterp.stages.segmentation import trapped_ball
from animeinterp.stages.segmentation.contours import draw_contours, find_inside
from animeinterp.stages.segmentation.trapped_ball import fill_pieces
from tests.plain import segmentation as plain


def test_golden(golden_case):
    for name in ("frame1", "frame3"):
        fill_map = fill_pieces(golden_case.segmentation[f"{name}_binary"])
        np.testing.assert_array_equal(fill_map, golden_case.segmentation[f"{name}_fillmap"])


@pytest.mark.parametrize("style", ["Japan", "Disney"])
def test_drawn_cartoon_as_plain_version(style):
    binary = find_inside(draw_contours(draw_triplet(2, (96, 128), style=style).frame0, ContourPreset()))
    np.testing.assert_array_equal(fill_pieces(binary), plain.fill_pieces(binary))


@settings(max_examples=25, derandomize=True)
@given(
    seed=st.integers(0, 2**32 - 1),
    height=st.integers(1, 40),
    width=st.integers(1, 40),
    line_share=st.floats(0, 0.4),
    grain=st.sampled_from([1, 2, 4]),
)
def test_noise_as_plain_version(seed, height, width, line_share, grain):
    coarse = np.random.default_rng(seed).random((height, width)) >= line_share
    binary = np.uint8(255) * np.kron(coarse, np.ones((grain, grain), bool))[:height, :width].astype(np.uint8)
    np.testing.assert_array_equal(fill_pieces(binary), plain.fill_pieces(binary))


def test_gap_does_not_leak():
    binary = np.full((60, 80), 255, np.uint8)
    cv2.rectangle(binary, (20, 15), (60, 45), 0, 1)
    binary[15, 38:40] = 255  # a gap narrower than every ball but the smallest
    fill_map = fill_pieces(binary)
    assert fill_map.dtype == np.int32
    assert fill_map[5, 5] != fill_map[30, 40]
    assert fill_map[15, 20] == 0


def test_whole_image_is_one_fill_up_to_its_border():
    assert (fill_pieces(np.full((20, 30), 255, np.uint8)) == 1).all()


def test_ties_of_the_largest_are_all_kept_first():
    binary = np.zeros((22, 60), np.uint8)
    for x in (2, 22, 42):
        binary[2:17, x : x + (15 if x != 22 else 9)] = 255
    fill_map = fill_pieces(binary)
    assert fill_map[8, 8] == 1
    assert fill_map[8, 48] == 2
    assert fill_map[8, 26] > 2


def test_only_the_largest_come_first():
    binary = np.zeros((22, 40), np.uint8)
    binary[2:17, 2:17] = binary[2:17, 22:37] = 255
    binary[2, 9] = 0  # one pixel less: the first in raster order, but not the largest
    fill_map = fill_pieces(binary)
    assert fill_map[8, 29] == 1
    assert fill_map[8, 9] == 2


def test_past_the_limits_stays_line(monkeypatch):
    binary = np.zeros((30, 60), np.uint8)
    for x in range(0, 60, 12):
        binary[2:12, x : x + 9] = 255
        binary[20, x] = 255
    monkeypatch.setattr(trapped_ball, "MOST_FILLS", 1)
    monkeypatch.setattr(trapped_ball, "MOST_COMPONENTS", 4)
    fill_map = fill_pieces(binary)
    np.testing.assert_array_equal(fill_map, plain.fill_pieces(binary, 1, 4))
    assert (fill_map[20] == 0).all()


def test_no_more_fills_than_the_limits(monkeypatch):
    # 96 rooms of 3x3, where the smallest ball leaves the four corners, and 300 single pixels.
    binary = np.zeros((60, 60), np.uint8)
    binary[::2, ::2] = 255
    binary[:40] = np.kron(np.ones((8, 12)), np.pad(np.full((3, 3), 255), 1)).astype(np.uint8)
    assert fill_pieces(binary).max() == 96 + 4 * 96 + 300
    monkeypatch.setattr(trapped_ball, "MOST_FILLS", 7)
    monkeypatch.setattr(trapped_ball, "MOST_COMPONENTS", 50)
    fill_map = fill_pieces(binary)
    assert fill_map.max() == 7 + 50
    np.testing.assert_array_equal(fill_map, plain.fill_pieces(binary, 7, 50))


@pytest.mark.parametrize("shape", [(1, 1), (1, 9), (9, 1), (9, 9)])
def test_lines_only_and_no_lines(shape):
    assert (fill_pieces(np.zeros(shape, np.uint8)) == 0).all()
    assert (fill_pieces(np.ones(shape, np.uint8)) == 1).all()


def test_refuses_colour():
    with pytest.raises(ValueError, match="expected \\(H, W\\)"):
        fill_pieces(np.zeros((4, 4, 3), np.uint8))
