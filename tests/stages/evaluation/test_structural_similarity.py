from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray
from skimage.metrics import structural_similarity

from animeinterp.stages.evaluation.structural_similarity import Window, mean_similarity, similarity_map

UNIFORM, GAUSSIAN = Window(7, sample=True), Window(11, sigma=1.5)
# How scikit-image is asked for the same.
ASKED = {
    UNIFORM: {"win_size": 7, "gaussian_weights": False, "use_sample_covariance": True},
    GAUSSIAN: {"gaussian_weights": True, "sigma": 1.5, "use_sample_covariance": False},
}


def images(size: tuple[int, int], channels: int = 3) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Noise in 0..1, and the same with some more noise but for the first rows."""
    rng = np.random.default_rng(7)
    first = rng.random((*size, channels))
    second = np.clip(first + rng.normal(0, 0.1, first.shape), 0, 1)
    second[:5] = first[:5]
    return first, second


@pytest.mark.parametrize("window", [UNIFORM, GAUSSIAN])
@pytest.mark.parametrize(("size", "channels"), [((11, 11), 3), ((12, 31), 1), ((145, 90), 3)])
@pytest.mark.parametrize("data_range", [1.0, 2.0])
def test_as_scikit_image_has_it(
    window: Window, size: tuple[int, int], channels: int, data_range: float
) -> None:
    pair = images(size, channels)
    mean, similarity = structural_similarity(
        *pair, full=True, data_range=data_range, channel_axis=-1, **ASKED[window]
    )
    np.testing.assert_array_equal(similarity_map(*pair, window, data_range), similarity)
    assert mean_similarity(*pair, window, data_range) == mean


@pytest.mark.parametrize("window", [UNIFORM, GAUSSIAN])
def test_equal_images_are_alike_and_the_order_does_not_matter(window: Window) -> None:
    first, second = images((20, 24))
    assert mean_similarity(first, first, window, 1.0) == pytest.approx(1)
    there = mean_similarity(first, second, window, 1.0)
    assert there == pytest.approx(mean_similarity(second, first, window, 1.0))
    assert 0 < there < 1


def test_images_of_other_sizes_or_below_the_window_are_refused() -> None:
    first, second = images((6, 20))
    with pytest.raises(ValueError, match=r"\(6, 20, 3\) and \(6, 20, 3\); .* no side below 7 px"):
        similarity_map(first, second, UNIFORM, 1.0)
    with pytest.raises(ValueError, match=r"\(6, 20, 3\) and \(6, 10, 3\)"):
        similarity_map(first, second[:, :10], UNIFORM, 1.0)
