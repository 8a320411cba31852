"""Scores of a frame against the true one: signal to noise, interpolation error, similarity, LPIPS."""

from __future__ import annotations

import math

import numpy as np
import torch
from numpy.typing import NDArray

from animeinterp.models.lpips import LPIPS
from animeinterp.models.reproducible import reproducible
from animeinterp.stages.evaluation.structural_similarity import Window, mean_similarity

PUBLISHED_WINDOW = Window(7, sample=True)  # of the paper's tables: scikit-image's default, as is
PUBLISHED_RANGE = 2.0  # the old one for float images, which were taken to lie in -1..1
GAUSSIAN_WINDOW = Window(11, sigma=1.5)  # Wang et al. 2004


def psnr(predicted: NDArray[np.float32], wanted: NDArray[np.float32]) -> float:
    """Peak signal-to-noise ratio of frames in 0..1, dB; inf where they are equal."""
    error = float(np.mean((predicted.astype(np.float64) - wanted) ** 2))
    return -10 * math.log10(error) if error > 0 else math.inf


def interpolation_error(predicted: NDArray[np.float32], wanted: NDArray[np.float32]) -> float:
    """Mean over the pixels of the Euclidean colour difference of frames in 0..1, on the scale 0..255."""
    difference = 255 * (predicted.astype(np.float64) - wanted)
    return float(np.sqrt((difference**2).sum(axis=2)).mean())


def published_ssim(predicted: NDArray[np.float32], wanted: NDArray[np.float32]) -> float:
    """Structural similarity of the paper's tables: uniform window of 7 px, data range 2; nan below 7 px."""
    return _ssim(predicted, wanted, PUBLISHED_WINDOW, PUBLISHED_RANGE)


def gaussian_ssim(predicted: NDArray[np.float32], wanted: NDArray[np.float32]) -> float:
    """Structural similarity of Wang et al.: Gaussian window of 11 px, data range 1; nan below 11 px."""
    return _ssim(predicted, wanted, GAUSSIAN_WINDOW, 1.0)


def _ssim(
    predicted: NDArray[np.float32], wanted: NDArray[np.float32], window: Window, data_range: float
) -> float:
    if min(predicted.shape[:2]) < window.size:
        return math.nan
    return mean_similarity(predicted.astype(np.float64), wanted.astype(np.float64), window, data_range)


def perceptual_distance(predicted: NDArray[np.float32], wanted: NDArray[np.float32], network: LPIPS) -> float:
    """LPIPS of two frames in 0..1; nan where a side is shorter than the network can take."""
    if min(predicted.shape[:2]) < network.smallest_side:
        return math.nan
    device = network.heads[0].device
    images = (
        torch.from_numpy(np.ascontiguousarray(frame.transpose(2, 0, 1)[None])).to(device)
        for frame in (predicted, wanted)
    )
    with torch.inference_mode(), reproducible():
        return float(network(*images))
