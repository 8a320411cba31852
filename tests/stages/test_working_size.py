from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from animeinterp.stages.segmentation import measure_pieces
from animeinterp.stages.working_size import (
    enlarge_frames,
    pieces_at,
    resize_flow,
    resize_labels,
    shrink_frame,
    working_size,
)


@pytest.mark.parametrize(
    ("size", "height", "expected"),
    [
        ((1080, 1920), 540, (540, 960)),
        ((1080, 1920), 0, (1080, 1920)),
        ((540, 960), 540, (540, 960)),
        ((480, 640), 540, (480, 640)),
        ((1081, 1921), 540, (540, 960)),
        ((1000, 1), 64, (64, 1)),
    ],
)
def test_size(size: tuple[int, int], height: int, expected: tuple[int, int]) -> None:
    assert working_size(size, height) == expected


@given(
    st.tuples(st.integers(1, 30), st.integers(1, 30)),
    st.tuples(st.integers(0, 40), st.integers(0, 40)),
    st.integers(0, 2**32 - 1),
)
def test_labels_made_larger_and_smaller_again_are_the_same(
    size: tuple[int, int], more: tuple[int, int], seed: int
) -> None:
    labels = np.random.default_rng(seed).integers(0, 9, size).astype(np.int32)
    larger = resize_labels(labels, (size[0] + more[0], size[1] + more[1]))
    np.testing.assert_array_equal(resize_labels(larger, size), labels)
    assert set(np.unique(larger)) == set(np.unique(labels))


def test_pieces_are_measured_where_they_are() -> None:
    small = measure_pieces(np.array([[0, 1], [1, 1]], np.int32))
    large = pieces_at(small, (4, 4))
    assert large.area.tolist() == [4, 12]
    assert large.box.tolist() == [[0, 0, 1, 1], [0, 0, 3, 3]]
    assert pieces_at(small, (2, 2)) is small
    np.testing.assert_array_equal(pieces_at(large, (2, 2)).area, small.area)


def test_flows_are_in_pixels_of_their_size() -> None:
    flow = np.stack([np.full((6, 4), 3.0), np.full((6, 4), -1.0)]).astype(np.float32)
    larger = resize_flow(flow, (12, 12))
    assert larger.dtype == np.float32
    np.testing.assert_allclose(larger[0], 9.0)
    np.testing.assert_allclose(larger[1], -2.0)
    np.testing.assert_allclose(resize_flow(larger, (6, 4)), flow)


def test_frames() -> None:
    frame = np.zeros((4, 4, 3), np.uint8)
    frame[:2, :2] = 200
    np.testing.assert_array_equal(shrink_frame(frame, (2, 2))[..., 0], [[200, 0], [0, 0]])
    frames = np.repeat(frame[None] / np.float32(255), 2, axis=0).astype(np.float32)
    larger = enlarge_frames(frames, (8, 8))
    assert larger.shape == (2, 8, 8, 3)
    assert larger.min() >= 0
    assert larger.max() <= 1
    assert larger[0, 0, 0, 0] > 0.7
    assert larger[1, 7, 7, 0] < 0.01
