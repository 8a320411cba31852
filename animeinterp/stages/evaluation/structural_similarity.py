"""Structural similarity of two images, with a uniform or a Gaussian window.

Every sum is added up in the order in which scikit-image's `structural_similarity` does it, on which the
published numbers rest: the values are the same to the last bit.

References
----------
.. [1] Z. Wang, A. Bovik, H. Sheikh, E. Simoncelli, "Image Quality Assessment: From Error Visibility to
   Structural Similarity", IEEE Transactions on Image Processing 13(4), 2004, equations 13 to 16.
   DOI 10.1109/TIP.2003.819861
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

K1, K2 = 0.01, 0.03  # [1], section III

Map = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Window:
    """The neighbourhood over which means and variances are taken."""

    size: int
    """Pixels of a side, odd."""
    sigma: float | None = None
    """Standard deviation of a Gaussian, px; None = all pixels count alike."""
    sample: bool = False
    """Whether variances are those of a sample, over n - 1."""


def similarity_map(first: Map, second: Map, window: Window, data_range: float) -> Map:
    """Structural similarity at each pixel, each channel for itself.

    Parameters
    ----------
    first, second : (H, W, C) float64
        Two images; no side shorter than the window.
    window
        Beyond the border the images are mirrored.
    data_range
        Largest value less smallest.

    Returns
    -------
    (H, W, C) float64
        1 where they are equal.

    Raises
    ------
    ValueError
        If a side is shorter than the window, or the shapes differ.
    """
    if first.shape != second.shape or first.ndim != 3 or min(first.shape[:2]) < window.size:
        raise ValueError(
            f"images have shapes {first.shape} and {second.shape}; expected two of (H, W, C), no side below "
            f"{window.size} px"
        )
    channels = (
        _channel(*pair, window, data_range) for pair in zip(_split(first), _split(second), strict=True)
    )
    return np.stack(list(channels), axis=2)


def mean_similarity(first: Map, second: Map, window: Window, data_range: float) -> float:
    """Mean of `similarity_map` without a border of half a window, the mean of the channels' means."""
    inner = slice(window.size // 2, -(window.size // 2))
    similarity = similarity_map(first, second, window, data_range)
    return float(np.mean([channel[inner, inner].mean() for channel in _split(similarity)]))


def _split(image: Map) -> list[Map]:
    return [np.ascontiguousarray(image[:, :, channel]) for channel in range(image.shape[2])]


def _channel(x: Map, y: Map, window: Window, data_range: float) -> Map:
    pixels = window.size**2
    share = pixels / (pixels - 1) if window.sample else 1.0
    mean_x, mean_y, mean_xx, mean_yy, mean_xy = (_mean(z, window) for z in (x, y, x * x, y * y, x * y))
    variance_x = share * (mean_xx - mean_x * mean_x)
    variance_y = share * (mean_yy - mean_y * mean_y)
    covariance = share * (mean_xy - mean_x * mean_y)
    c1, c2 = (K1 * data_range) ** 2, (K2 * data_range) ** 2
    above = (2 * mean_x * mean_y + c1) * (2 * covariance + c2)
    below = (mean_x**2 + mean_y**2 + c1) * (variance_x + variance_y + c2)
    similarity: Map = above / below
    return similarity


def _mean(values: Map, window: Window) -> Map:
    """Mean over the window around each pixel, down the columns first."""
    down = _mean_down(values, window)
    return np.ascontiguousarray(_mean_down(np.ascontiguousarray(down.T), window).T)


def _mean_down(values: Map, window: Window) -> Map:
    radius, height = window.size // 2, len(values)
    rows = np.pad(values, ((radius, radius), (0, 0)), mode="symmetric")
    means: Map = np.empty_like(values)
    if window.sigma is None:  # a running mean
        total = rows[: window.size].cumsum(axis=0)[-1]
        means[0] = total
        for row in range(1, height):
            means[row] = total = total + (rows[row + window.size - 1] - rows[row - 1])
        means /= window.size
        return means
    weights = _gaussian(radius, window.sigma)
    means[...] = values * weights[radius]
    for step in range(radius):  # from the outside inwards
        means += (rows[step : step + height] + rows[2 * radius - step :][:height]) * weights[step]
    return means


def _gaussian(radius: int, sigma: float) -> NDArray[np.float64]:
    weights = np.exp(-0.5 / (sigma * sigma) * np.arange(-radius, radius + 1) ** 2)
    normalised: NDArray[np.float64] = weights / weights.sum()
    return normalised
