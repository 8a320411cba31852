from __future__ import annotations

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stages import trapped_ball
from stages.trapped_ball import fill_pieces


def fill_slowly(binary: np.ndarray, most_fills: int = 1000, most_components: int = 20000) -> np.ndarray:
    """The whole image anew for every fill."""
    empty = (binary > 0).astype(np.uint8)
    fill_map = np.zeros(binary.shape, np.int32)
    count = 0
    for radius, keep_largest, most in (
        (3, True, most_fills),
        (2, False, most_fills),
        (1, False, most_fills),
        (0, False, most_components),
    ):
        ball = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * radius + 1, 2 * radius + 1))
        rest, fills = empty.copy(), []
        while len(fills) < most:
            centres = cv2.erode(rest, ball)
            if not centres.any():
                break
            labels = cv2.connectedComponents(centres, connectivity=4)[1]
            component = (labels == labels.ravel()[np.flatnonzero(centres)[0]]).astype(np.uint8)
            fills.append(cv2.dilate(component, ball) > 0)
            rest[fills[-1]] = 0
        if keep_largest and fills:
            largest = max(fill.sum() for fill in fills)
            fills = [fill for fill in fills if fill.sum() == largest]
        for fill in fills:
            count += 1
            fill_map[fill] = count
            empty[fill] = 0
    return fill_map


def test_golden(golden_case):
    for name in ("frame1", "frame3"):
        fill_map = fill_pieces(golden_case.segmentation[f"{name}_binary"])
        np.testing.assert_array_equal(fill_map, golden_case.segmentation[f"{name}_fillmap"])


@settings(max_examples=25, deadline=None, derandomize=True)
@given(
    seed=st.integers(0, 2**32 - 1),
    height=st.integers(1, 40),
    width=st.integers(1, 40),
    line_share=st.floats(0, 0.4),
    grain=st.sampled_from([1, 2, 4]),
)
def test_as_slow_version(seed, height, width, line_share, grain):
    coarse = np.random.default_rng(seed).random((height, width)) >= line_share
    binary = np.uint8(255) * np.kron(coarse, np.ones((grain, grain), bool))[:height, :width].astype(np.uint8)
    np.testing.assert_array_equal(fill_pieces(binary), fill_slowly(binary))


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


def test_limits_leave_the_rest(monkeypatch):
    binary = np.zeros((30, 60), np.uint8)
    for x in range(0, 60, 12):
        binary[2:12, x : x + 9] = 255
        binary[20, x] = 255
    monkeypatch.setattr(trapped_ball, "MOST_FILLS", 1)
    monkeypatch.setattr(trapped_ball, "MOST_COMPONENTS", 4)
    fill_map = fill_pieces(binary)
    np.testing.assert_array_equal(fill_map, fill_slowly(binary, 1, 4))
    assert (fill_map[20] == 0).all()


def test_lines_only():
    assert (fill_pieces(np.zeros((9, 9), np.uint8)) == 0).all()


def test_refuses_colour():
    with pytest.raises(ValueError, match="expected \\(H, W\\)"):
        fill_pieces(np.zeros((4, 4, 3), np.uint8))
