"""Features of pieces without a network: their colour, the colours around them, their shape and place.

Frame (RGB uint8) and pieces -> one row of features for each piece, non-negative, summing to 1. On drawn pairs
they match better than the seeded random VGG-19 and take a small part of its time: `docs/evaluation.md`.
"""

from __future__ import annotations

from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from animeinterp.stages.features import sum_over_pieces
from animeinterp.stages.segmentation import Pieces
from animeinterp.stages.segmentation.contours import check_frame

OWN_COLOUR, SURROUNDINGS, SHAPE, PLACE = 3.0, 3.0, 1.0, 2.0
"""Weights of the parts; they matter by their proportions."""

SURROUNDING_SIGMAS = (1 / 135, 1 / 34, 1 / 11)
"""How far the surroundings reach: standard deviations of smoothing, as shares of the frame's height."""
LIGHTNESS_BINS, COLOUR_BINS = 9, 27
COLOUR_RANGE = (-60.0, 60.0)
"""CIELAB a and b; more saturated colours fall into the last bins."""
AREA_BINS, COMPACTNESS_BINS, DIRECTION_BINS, PLACE_BINS = 21, 11, 7, 9
LARGEST_AREA = 20.0  # log2 px
FINEST_SIGMA = 8.0  # px: with more, a smaller picture is smoothed instead


def describe_by_appearance(frame: NDArray[np.uint8], pieces: Pieces) -> NDArray[np.float32]:
    """Describe each piece by its colour, surroundings, shape and place.

    Parameters
    ----------
    frame : (H, W, 3) uint8
        RGB.
    pieces : Pieces
        Its pieces, n of them.

    Returns
    -------
    (n, 260) float32
        Each row >= 0, summing to 1.

    Raises
    ------
    ValueError
        If the frame is not a colour frame, or the label map has another size.

    Notes
    -----
    Each quantity becomes a histogram that holds one value, shared between the two nearest bins. So the sum of
    minima of two rows, by which pieces are matched, falls steadily as the values move apart, until they share
    no bin. The quantities are the mean lightness, a and b (CIELAB) of the piece; the same in three blurred
    pictures of the frame, which hold more and more of what is around; log area, spread over the root of the
    area, elongation in two directions; the centroid relative to the frame.
    """
    check_frame(frame)
    label_map = pieces.label_map
    if label_map.shape != frame.shape[:2]:
        raise ValueError(f"label_map has shape {label_map.shape}; the frame is {frame.shape[:2]}")
    lab = cv2.cvtColor(frame.astype(np.float32) / np.float32(255), cv2.COLOR_RGB2LAB)
    own, *around = _colours(
        [lab, *(_smoothed(lab, share * len(frame)) for share in SURROUNDING_SIGMAS)], pieces
    )
    parts = [
        OWN_COLOUR * own,
        *(SURROUNDINGS / len(around) * colours for colours in around),
        SHAPE * _shapes(pieces),
        PLACE * _places(pieces),
    ]
    features = np.concatenate(parts, axis=1)
    normalised: NDArray[np.float32] = (features / features.sum(axis=1, keepdims=True)).astype(np.float32)
    return normalised


def _smoothed(lab: NDArray[np.float32], sigma: float) -> NDArray[np.float32]:
    if sigma <= FINEST_SIGMA:
        return np.asarray(cv2.GaussianBlur(lab, (0, 0), max(sigma, 0.5)), np.float32)
    height, width = lab.shape[:2]
    scale = FINEST_SIGMA / 2 / sigma
    size = max(1, round(width * scale)), max(1, round(height * scale))
    small = cv2.GaussianBlur(cv2.resize(lab, size, interpolation=cv2.INTER_AREA), (0, 0), FINEST_SIGMA / 2)
    return np.asarray(cv2.resize(small, (width, height)), np.float32)


def _colours(pictures: list[NDArray[np.float32]], pieces: Pieces) -> list[NDArray[np.float64]]:
    """Histograms of the mean colours over the pieces, of each picture (H, W, 3) in CIELAB."""
    means = _means(np.concatenate(pictures, axis=2), pieces)
    bounds = (LIGHTNESS_BINS, (0, 100)), (COLOUR_BINS, COLOUR_RANGE), (COLOUR_BINS, COLOUR_RANGE)
    return [
        _joined(*((values, *bound) for values, bound in zip(means.T[first : first + 3], bounds, strict=True)))
        for first in range(0, 3 * len(pictures), 3)
    ]


def _means(values: NDArray[Any], pieces: Pieces) -> NDArray[np.float64]:
    """Means (n, C) over the pieces of maps (H, W, C)."""
    labels = np.ascontiguousarray(pieces.label_map, np.int32).ravel()
    sums = sum_over_pieces(values.reshape(labels.size, -1), labels, pieces.count)
    means: NDArray[np.float64] = sums / pieces.area[:, None]
    return means


def _shapes(pieces: Pieces) -> NDArray[np.float64]:
    height, width = pieces.label_map.shape
    # From the middle of the frame, so that the difference of squares below is exact enough.
    x, y = np.meshgrid(np.arange(width) - width // 2, np.arange(height) - height // 2)
    xx, xy, yy = _means(np.stack([x * x, x * y, y * y], axis=2).astype(np.float64), pieces).T
    centre_x, centre_y = (pieces.centroid - (width // 2, height // 2)).T
    xx, xy, yy = xx - centre_x**2, xy - centre_x * centre_y, yy - centre_y**2
    spread = np.sqrt(np.maximum(xx + yy, 0) / pieces.area)
    trace = np.maximum(xx + yy, 0) + 1e-3  # of a single pixel 0
    return _joined(
        (np.log2(pieces.area + 1), AREA_BINS, (0, LARGEST_AREA)),
        (spread, COMPACTNESS_BINS, (0, 2)),
        ((xx - yy) / trace, DIRECTION_BINS, (-1, 1)),
        (2 * xy / trace, DIRECTION_BINS, (-1, 1)),
    )


def _places(pieces: Pieces) -> NDArray[np.float64]:
    height, width = pieces.label_map.shape
    x, y = pieces.centroid.T
    return _joined((x, PLACE_BINS, (0, width)), (y, PLACE_BINS, (0, height)))


def _joined(*quantities: tuple[NDArray[np.float64], int, tuple[float, float]]) -> NDArray[np.float64]:
    """Histograms of one value a piece, side by side; each row sums to 1."""
    histograms = [_soft_histogram(*quantity) for quantity in quantities]
    return np.concatenate(histograms, axis=1) / len(histograms)


def _soft_histogram(
    values: NDArray[np.float64], bins: int, bounds: tuple[float, float]
) -> NDArray[np.float64]:
    """Each value split between the two bins whose centres enclose it: (n, bins)."""
    low, high = bounds
    place = np.clip((values - low) / (high - low), 0, 1) * (bins - 1)
    below = np.minimum(place.astype(np.intp), bins - 2)
    rows = np.arange(len(values))
    histogram = np.zeros((len(values), bins))
    histogram[rows, below], histogram[rows, below + 1] = 1 - (place - below), place - below
    return histogram
