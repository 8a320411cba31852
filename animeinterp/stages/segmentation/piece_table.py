"""The pieces of a frame in a table: numbered by area, and measured."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from animeinterp.models.compiled import compiled


@dataclass(frozen=True)
class Pieces:
    """The pieces of a frame: n of them, numbered 0..n-1 by ascending area."""

    label_map: NDArray[np.int32]
    """(H, W): the piece of each pixel."""
    area: NDArray[np.int32]
    """(n,): pixels."""
    centroid: NDArray[np.float64]
    """(n, 2): mean x and y, px."""
    box: NDArray[np.int32]
    """(n, 4): x_min, y_min, x_max, y_max, all inclusive."""

    @property
    def count(self) -> int:
        """Number of pieces."""
        return len(self.area)


def number_by_area(labels: NDArray[np.int32]) -> NDArray[np.int32]:
    """Renumber a map 0..n-1 by ascending area.

    Parameters
    ----------
    labels : (H, W) int32
        Ids >= 0 with gaps; 0, line that no piece reached, counts as one more piece.

    Returns
    -------
    (H, W) int32

    Notes
    -----
    Of equal areas the lower id comes first. The largest piece has the highest number.
    """
    areas = np.bincount(labels.ravel())
    used = np.flatnonzero(areas)
    number = np.zeros(areas.size, np.int32)
    number[used[np.argsort(areas[used], kind="stable")]] = np.arange(used.size)
    return number.take(labels)


def measure_pieces(label_map: NDArray[np.int32]) -> Pieces:
    """Measure area, centroid and bounding box of each piece.

    Parameters
    ----------
    label_map : (H, W) int32
        Labels 0..n-1, each in use.

    Returns
    -------
    Pieces

    Raises
    ------
    ValueError
        If the map is empty, has not two axes, or leaves a label below its highest unused.
    """
    if label_map.ndim != 2 or label_map.size == 0:
        raise ValueError(f"label_map has shape {label_map.shape}; expected (H, W), not empty")
    if label_map.min() < 0:
        raise ValueError(f"label_map holds the label {label_map.min()}; expected 0 or more")
    labels = np.ascontiguousarray(label_map, dtype=np.int32)
    count = int(labels.max()) + 1
    area = np.zeros(count, np.int32)
    sums = np.zeros((count, 2), np.int64)
    box = np.tile(np.array([*labels.shape[::-1], -1, -1], np.int32), (count, 1))
    _measure(labels, area, sums, box)
    if not area.all():
        raise ValueError(f"label_map does not use the label {np.argmin(area)} of 0..{count - 1}")
    return Pieces(labels, area, sums / area[:, None], box)


@compiled
def _measure(
    labels: NDArray[np.int32], area: NDArray[np.int32], sums: NDArray[np.int64], box: NDArray[np.int32]
) -> None:
    # Pixels side by side of one piece are counted as one run, from x = first to x = last.
    height, width = labels.shape
    for y in range(height):
        first = 0
        for last in range(width):
            label = labels[y, first]
            if last + 1 < width and labels[y, last + 1] == label:
                continue
            length = last + 1 - first
            area[label] += length
            sums[label, 0] += (first + last) * length // 2
            sums[label, 1] += y * length
            box[label, 0] = min(box[label, 0], first)
            box[label, 1] = min(box[label, 1], y)
            box[label, 2] = max(box[label, 2], last)
            box[label, 3] = max(box[label, 3], y)
            first = last + 1
