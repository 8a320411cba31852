"""Scores of a frame against the true one: signal to noise, interpolation error, similarity, LPIPS."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from skimage.metrics import structural_similarity

from models.lpips import LPIPS
from models.reproducible import reproducible

PUBLISHED_WINDOW = 7  # px, uniform
PUBLISHED_SSIM: Mapping[str, Any] = {
    "data_range": 2.0,  # the old default for float images, whose range was taken as -1..1
    "channel_axis": -1,
    "win_size": PUBLISHED_WINDOW,
    "gaussian_weights": False,
    "use_sample_covariance": True,
}
"""How scikit-image is asked for the structural similarity of the paper's tables."""
GAUSSIAN_WINDOW = 11  # px, sigma 1.5; Wang et al. 2004
GAUSSIAN_SIGMA = 1.5


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
    if min(predicted.shape[:2]) < PUBLISHED_WINDOW:
        return math.nan
    return float(
        structural_similarity(predicted.astype(np.float64), wanted.astype(np.float64), **PUBLISHED_SSIM)
    )


def gaussian_ssim(predicted: NDArray[np.float32], wanted: NDArray[np.float32]) -> float:
    """Structural similarity of Wang et al.: Gaussian window of 11 px, data range 1; nan below 11 px."""
    if min(predicted.shape[:2]) < GAUSSIAN_WINDOW:
        return math.nan
    return float(
        structural_similarity(
            predicted.astype(np.float64),
            wanted.astype(np.float64),
            data_range=1.0,
            channel_axis=-1,
            gaussian_weights=True,
            sigma=GAUSSIAN_SIGMA,
            use_sample_covariance=False,
        )
    )


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
