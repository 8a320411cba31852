from __future__ import annotations

import numpy as np

from animeinterp.stages.evaluation.frame_scores import PUBLISHED_WINDOW, published_ssim
from animeinterp.stages.inspection.error_maps import largest_difference, published_ssim_map


def test_largest_difference_of_the_channels() -> None:
    truth = np.array([[[10, 20, 30], [0, 0, 255]]], np.uint8)
    frame = np.array([[[12, 15, 30], [0, 0, 0]]], np.uint8)
    np.testing.assert_array_equal(largest_difference(frame, truth), [[5, 255]])
    np.testing.assert_array_equal(largest_difference(truth, frame), [[5, 255]])


def test_mean_of_the_map_is_the_published_score() -> None:
    rng = np.random.default_rng(0)
    wanted = rng.random((20, 31, 3)).astype(np.float32)
    predicted = np.clip(wanted + rng.normal(0, 0.1, wanted.shape), 0, 1).astype(np.float32)
    similarity = published_ssim_map(predicted, wanted)
    assert similarity is not None
    assert similarity.shape == (20, 31)
    border = PUBLISHED_WINDOW.size // 2
    inside = similarity[border:-border, border:-border]
    np.testing.assert_allclose(inside.mean(), published_ssim(predicted, wanted), rtol=1e-9)


def test_map_shows_where_frames_differ() -> None:
    wanted = np.full((40, 40, 3), 0.5, np.float32)
    wanted[:, ::2] = 0.4
    predicted = wanted.copy()
    predicted[20:, 20:] = 0.9
    similarity = published_ssim_map(predicted, wanted)
    assert similarity is not None
    np.testing.assert_allclose(similarity[:16, :16], 1)
    assert similarity[25:, 25:].max() < 0.9


def test_frames_smaller_than_the_window_have_no_map() -> None:
    frame = np.zeros((6, 30, 3), np.float32)
    assert published_ssim_map(frame, frame) is None
