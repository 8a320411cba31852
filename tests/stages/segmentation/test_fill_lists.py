from __future__ import annotations

import cv2
import numpy as np
import pytest

from animeinterp.stages.segmentation.fill_lists import group_fills, list_fills


@pytest.mark.parametrize("seed", range(6))
def test_lists_as_masks_say(seed):
    rng = np.random.default_rng(seed)
    fill_map = 2 * rng.integers(0, 5, (9, 11)).repeat(2, axis=1).astype(np.int32)
    fill_map[fill_map == 4] = 6
    fill_map[2:7, 4:] = 4  # 90 px
    frame = rng.integers(0, 256, (9, 22, 3), dtype=np.uint8)
    fills = list_fills(fill_map, frame, small_below=90)
    assert fills.areas.tolist() == np.bincount(fill_map.ravel()).tolist()
    assert (fills.counts_row >= 0).tolist() == [False, False, False, False, True, False, False, False, False]
    cross = cv2.getStructuringElement(cv2.MORPH_CROSS, (3, 3))
    for fill in range(9):
        mask = (fill_map == fill) & (fill > 0)
        pixels = fills.pixels[fills.pixels_from[fill] : fills.pixels_from[fill + 1]]
        border = fills.border[fills.border_from[fill] : fills.border_from[fill + 1]]
        if fill == 4:
            counts = [np.bincount(frame[mask][:, c], minlength=256) for c in range(3)]
            np.testing.assert_array_equal(fills.counts[fills.counts_row[fill]], counts)
            assert pixels.size == border.size == 0
        else:
            around = cv2.dilate(mask.astype(np.uint8), cross).astype(bool) & ~mask & (fill_map > 0)
            assert pixels.tolist() == np.flatnonzero(np.pad(mask, 1)).tolist()
            assert sorted(border) == np.flatnonzero(np.pad(around, 1)).tolist()
            colours = fills.colours[fills.pixels_from[fill] : fills.pixels_from[fill + 1]]
            np.testing.assert_array_equal(colours, frame[mask])


def test_lines_are_not_listed():
    fills = list_fills(np.zeros((4, 5), np.int32), np.zeros((4, 5, 3), np.uint8), small_below=10)
    assert fills.areas.tolist() == [20]
    assert fills.pixels.size == fills.border.size == fills.counts.size == 0


def test_group_fills():
    groups = group_fills(np.array([0, 3, 2, 3, 0]), np.array([9, 1, 2, 3, 4]))
    assert groups.of_fill.tolist() == [0, 3, 2, 3, 0]
    assert [
        groups.fills[start:stop].tolist()
        for start, stop in zip(groups.fills_from[:-1], groups.fills_from[1:], strict=True)
    ] == [[0, 4], [], [2], [1, 3], []]
    assert groups.areas.tolist() == [13, 0, 2, 4, 0]
