from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from animeinterp.stages.segmentation.colour_histograms import BINS, update_histograms
from animeinterp.stages.segmentation.fill_lists import group_fills, list_fills


def histograms_of(fill_map, frame, now, small_below) -> np.ndarray:
    fills = list_fills(fill_map, frame, small_below=small_below)
    histograms = np.full((fills.areas.size, 3 * BINS), -1.0)
    update_histograms(histograms, np.ones(fills.areas.size, bool), fills, group_fills(now, fills.areas))
    return histograms


@settings(max_examples=40, derandomize=True)
@given(
    seed=st.integers(0, 2**32 - 1),
    least=st.integers(0, 255),
    spread=st.integers(0, 255),
    small_below=st.sampled_from([0, 20, 1000]),
)
def test_as_numpy(seed, least, spread, small_below):
    rng = np.random.default_rng(seed)
    fill_map = rng.integers(0, 6, (8, 12), dtype=np.int32)
    frame = rng.integers(least, min(least + spread, 255) + 1, (8, 12, 3)).astype(np.uint8)
    now = np.array([0, 1, 2, 2, 1, 5])[: fill_map.max() + 1]
    histograms = histograms_of(fill_map, frame, now, small_below)
    for group in set(now) - {0}:
        colours = frame[np.isin(fill_map, np.flatnonzero(now == group))]
        if colours.size > 0:
            counts = np.concatenate([np.histogram(colours[:, c], bins=25)[0] for c in (2, 1, 0)])
            np.testing.assert_array_equal(histograms[group], counts / counts.sum())


def test_every_range_of_values_has_numpys_bins():
    for least in range(256):
        most = np.arange(least, 256)
        fill_map = np.arange(1, most.size + 1, dtype=np.int32).repeat(most.size).reshape(most.size, -1)
        grey = np.minimum(np.arange(least, 256)[None], most[:, None])  # row i: least..most[i], then most[i]
        frame = grey[..., None].repeat(3, axis=2).astype(np.uint8)
        histograms = histograms_of(fill_map, frame, np.arange(most.size + 1), 0)
        for row in range(0, most.size, 7):
            wanted = np.histogram(grey[row], bins=25)[0] / (3 * most.size)
            np.testing.assert_array_equal(histograms[row + 1], np.tile(wanted, 3))


def test_one_value_lies_in_the_middle_bin():
    histogram = histograms_of(np.ones((2, 2), np.int32), np.full((2, 2, 3), 7, np.uint8), np.arange(2), 9)[1]
    assert np.flatnonzero(histogram).tolist() == [12, 37, 62]
    assert histogram.sum() == pytest.approx(1)


@pytest.mark.parametrize("small_below", [0, 9])
def test_only_what_changed_is_taken(small_below):
    fills = list_fills(
        np.array([[0, 1, 1, 2]], np.int32), np.zeros((1, 4, 3), np.uint8), small_below=small_below
    )
    histograms = np.full((3, 3 * BINS), -1.0)
    changed = np.array([True, False, True])
    update_histograms(histograms, changed, fills, group_fills(np.arange(3), fills.areas))
    assert (histograms[:2] == -1).all()
    assert histograms[2].sum() == pytest.approx(1)
