"""The features of pieces written plainly: one piece, one channel and one pixel of the label map at a time."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np


def describe(maps: Sequence[np.ndarray], labels: np.ndarray, count: int) -> np.ndarray:
    """Features (count, C) in double precision from maps (c, h, w) at scales 1, 1/2, 1/4, ..."""
    return np.array([normalise(row) for row in pool_maps(maps, labels, count)])


def pool_maps(maps: Sequence[np.ndarray], labels: np.ndarray, count: int) -> np.ndarray:
    """Means of all maps over each piece, joined, (count, C)."""
    parts = []
    for feature_map in maps:
        parts.append(pool(feature_map, labels, count))
        labels = halve(labels)
    return np.concatenate(parts, axis=1)


def pool(feature_map: np.ndarray, labels: np.ndarray, count: int) -> np.ndarray:
    """Mean of each channel over each piece; 0 for a piece that is not there."""
    means = np.zeros((count, len(feature_map)))
    for piece in range(count):
        inside = labels == piece
        if inside.any():
            for c, channel in enumerate(feature_map):
                means[piece, c] = channel[inside].astype(np.float64).mean()
    return means


def halve(labels: np.ndarray) -> np.ndarray:
    """Every second row and column from the second on."""
    height, width = labels.shape
    half = np.zeros((height // 2, width // 2), labels.dtype)
    for y, x in np.ndindex(half.shape):
        half[y, x] = labels[2 * y + 1, 2 * x + 1]
    return half


def normalise(row: np.ndarray) -> np.ndarray:
    """A row less its minimum, over its sum; zeros where all is equal."""
    raised = row - row.min()
    return raised / raised.sum() if raised.any() else raised
