from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from animeinterp.configs.sections import ContourPreset
from animeinterp.data.cartoon import draw_triplet
from animeinterp.stages.segmentation.contours import draw_contours, find_inside
from animeinterp.stages.segmentation.line_assignment import assign_lines
from animeinterp.stages.segmentation.trapped_ball import fill_pieces
from tests.plain import segmentation as plain


def test_golden(golden_case):
    for name in ("frame1", "frame3"):
        thinned = assign_lines(golden_case.segmentation[f"{name}_merged"])
        np.testing.assert_array_equal(thinned, golden_case.segmentation[f"{name}_thinned"])


@pytest.mark.parametrize("style", ["Japan", "Disney"])
def test_drawn_cartoon_as_plain_version(style):
    fill_map = fill_pieces(
        find_inside(draw_contours(draw_triplet(4, (72, 96), style=style).frame0, ContourPreset()))
    )
    np.testing.assert_array_equal(assign_lines(fill_map), plain.assign_lines(fill_map))


@settings(max_examples=40, derandomize=True)
@given(
    seed=st.integers(0, 2**32 - 1),
    height=st.integers(1, 14),
    width=st.integers(1, 14),
    line_share=st.floats(0.2, 0.98),
    passes=st.integers(0, 30),
)
def test_noise_as_plain_version(seed, height, width, line_share, passes):
    rng = np.random.default_rng(seed)
    labels = rng.integers(1, 9, (height, width)).astype(np.int32)
    labels[rng.random((height, width)) < line_share] = 0
    before = labels.copy()
    np.testing.assert_array_equal(assign_lines(labels, passes=passes), plain.assign_lines(labels, passes))
    np.testing.assert_array_equal(labels, before)


def test_left_comes_first():
    labels = np.zeros((5, 5), np.int32)
    labels[2, 1], labels[2, 3], labels[1, 2] = 4, 5, 6
    assert assign_lines(labels, passes=1)[2, 2] == 4


def test_column_0_does_not_spread_sideways():
    labels = np.zeros((4, 6), np.int32)
    labels[:, 0] = 7
    np.testing.assert_array_equal(assign_lines(labels), labels)


def test_one_pixel_a_pass():
    labels = np.zeros((3, 300), np.int32)
    labels[:, 1] = 1
    thinned = assign_lines(labels)
    assert (thinned[:, 1:102] == 1).all()
    assert (thinned[:, 102:] == 0).all()


def test_row_0_does_not_spread_downwards():
    labels = np.zeros((6, 4), np.int32)
    labels[0] = 7
    np.testing.assert_array_equal(assign_lines(labels), labels)


@pytest.mark.parametrize("shape", [(0, 3), (1, 1), (1, 9), (9, 1), (5, 5)])
def test_lines_only_stay(shape):
    assert (assign_lines(np.zeros(shape, np.int32)) == 0).all()


def test_refuses():
    with pytest.raises(ValueError, match="expected \\(H, W\\)"):
        assign_lines(np.zeros(4, np.int32))
    with pytest.raises(ValueError, match="passes is -1"):
        assign_lines(np.zeros((4, 4), np.int32), passes=-1)
