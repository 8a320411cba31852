"""Where a frame differs from the ground truth: the scores' parts, pixel by pixel."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from animeinterp.stages.evaluation.frame_scores import PUBLISHED_RANGE, PUBLISHED_WINDOW
from animeinterp.stages.evaluation.structural_similarity import similarity_map


def largest_difference(frame: NDArray[np.uint8], truth: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Largest difference of the channels of two frames (H, W, 3), grey levels: (H, W)."""
    difference: NDArray[np.uint8] = np.abs(frame.astype(np.int16) - truth).max(axis=2).astype(np.uint8)
    return difference


def published_ssim_map(
    predicted: NDArray[np.float32], wanted: NDArray[np.float32]
) -> NDArray[np.float64] | None:
    """Structural similarity at each pixel, as `published_ssim` takes the mean of it.

    Parameters
    ----------
    predicted, wanted : (H, W, 3) float32
        RGB, 0..1.

    Returns
    -------
    (H, W) float64 or None
        Mean over the channels; None below 7 px. The score leaves out a border of half a window, 3 px.
    """
    if min(predicted.shape[:2]) < PUBLISHED_WINDOW.size:
        return None
    similarity = similarity_map(
        predicted.astype(np.float64), wanted.astype(np.float64), PUBLISHED_WINDOW, PUBLISHED_RANGE
    )
    mean: NDArray[np.float64] = similarity.mean(axis=2)
    return mean
