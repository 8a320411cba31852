from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from animeinterp.stages.segmentation.piece_table import measure_pieces, number_by_area
from tests.plain import segmentation as plain


def test_number_by_area():
    labels = np.array([[5, 5, 5, 9], [0, 7, 7, 7], [3, 3, 2, 2]], np.int32)
    # Areas: 0 -> 1, 9 -> 1, 2 -> 2, 3 -> 2, 5 -> 3, 7 -> 3; of equals the lower id first.
    np.testing.assert_array_equal(number_by_area(labels), [[4, 4, 4, 1], [0, 5, 5, 5], [3, 3, 2, 2]])


def test_measure_pieces():
    pieces = measure_pieces(np.array([[0, 1, 1], [2, 2, 1], [2, 0, 2]], np.int32))
    np.testing.assert_array_equal(pieces.area, [2, 3, 4])
    np.testing.assert_allclose(pieces.centroid, [[0.5, 1], [5 / 3, 1 / 3], [0.75, 1.5]])
    np.testing.assert_array_equal(pieces.box, [[0, 0, 1, 2], [1, 0, 2, 1], [0, 1, 2, 2]])
    assert pieces.area.dtype == pieces.box.dtype == np.int32
    assert pieces.centroid.dtype == np.float64


@settings(max_examples=30, derandomize=True)
@given(
    seed=st.integers(0, 2**32 - 1),
    height=st.integers(1, 20),
    width=st.integers(1, 20),
    labels=st.integers(1, 30),
)
def test_numbers_and_measures_as_plain_version(seed, height, width, labels):
    rng = np.random.default_rng(seed)
    ids = rng.integers(0, labels, (height, width)).repeat(2, axis=0).astype(np.int32)
    numbers = number_by_area(ids)
    assert numbers.dtype == np.int32
    np.testing.assert_array_equal(numbers, plain.number_by_area(ids))
    pieces = measure_pieces(numbers)
    area, centroid, box = plain.measure(numbers)
    np.testing.assert_array_equal(pieces.area, area)
    np.testing.assert_allclose(pieces.centroid, centroid, rtol=1e-14)
    np.testing.assert_array_equal(pieces.box, box)


@pytest.mark.parametrize(
    ("label_map", "message"),
    [
        (np.zeros(4, np.int32), "expected \\(H, W\\)"),
        (np.zeros((0, 4), np.int32), "expected \\(H, W\\)"),
        (np.full((2, 2), -1, np.int32), "label -1"),
        (np.array([[0, 2]], np.int32), "label 1 of 0..2"),
    ],
)
def test_measure_pieces_refuses(label_map, message):
    with pytest.raises(ValueError, match=message):
        measure_pieces(label_map)
