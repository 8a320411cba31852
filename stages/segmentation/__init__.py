"""Segmentation of a cartoon frame into colour pieces.

Frame (RGB uint8) -> contours -> inside and lines -> trapped-ball fills -> small fills merged -> lines given
to the pieces -> `label_map`, numbered by ascending area. Each step is a module of its own.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from configs.sections import ContourPreset
from models.compiled import compiled
from stages.segmentation.contours import check_frame, draw_contours, find_inside
from stages.segmentation.line_assignment import assign_lines
from stages.segmentation.piece_merging import merge_fills
from stages.segmentation.trapped_ball import fill_pieces

STAGE_VERSION = 1
"""Raised whenever results change, so that cached ones of earlier versions are not taken for these."""


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


@dataclass(frozen=True)
class SegmentationSteps:
    """What each step of the segmentation made, all (H, W)."""

    contour: NDArray[np.uint8]
    """White with dark lines."""
    binary: NDArray[np.uint8]
    """255 inside pieces, 0 on lines."""
    fill_map: NDArray[np.int32]
    """Trapped-ball fills, 1, 2, ...; 0 = line."""
    merged: NDArray[np.int32]
    """The same ids after merging."""
    thinned: NDArray[np.int32]
    """The same ids after the lines are given away; 0 where none was in reach."""
    label_map: NDArray[np.int32]
    """Pieces 0..n-1 by ascending area."""


def segment(frame: NDArray[np.uint8], preset: ContourPreset, *, merge_rounds: int = 10) -> Pieces:
    """Segment a frame into colour pieces.

    Parameters
    ----------
    frame : (H, W, 3) uint8
        RGB. The order of the channels decides exact ties only; see `contours.py` and `piece_merging.py`.
    preset : ContourPreset
        Filter and thresholds of the contour step.
    merge_rounds : int
        Most rounds of merging small fills; 0 = none.

    Returns
    -------
    Pieces

    Raises
    ------
    ValueError
        If the frame is not uint8 of shape (H, W, 3) with at least one pixel, or `merge_rounds` is negative.

    Notes
    -----
    Any frame gives a valid map: one colour, or nothing but lines, is a single piece. Pieces are 4-connected
    before merging; merged ones, and the one made of lines that nothing reached, may be in several parts.

    There are never more than 23,001 pieces, whatever the size of the frame: at most 1,000 fills for each of
    three radii of the trapped ball, 20,000 of what is then left, and one of lines that nothing reached. What
    is past these limits stays line, and is given to the pieces around it as lines are.

    References
    ----------
    Li et al., "Deep Animation Video Interpolation in the Wild", CVPR 2021, section 4.1 (arXiv 2104.02495).
    """
    return measure_pieces(segmentation_steps(frame, preset, merge_rounds=merge_rounds).label_map)


def segmentation_steps(
    frame: NDArray[np.uint8], preset: ContourPreset, *, merge_rounds: int = 10
) -> SegmentationSteps:
    """Segment a frame and keep what each step made; parameters as for `segment`."""
    check_frame(frame)
    contour = draw_contours(frame, preset)
    binary = find_inside(contour)
    fill_map = fill_pieces(binary)
    merged = merge_fills(fill_map, frame, rounds=merge_rounds)
    thinned = assign_lines(merged)
    return SegmentationSteps(contour, binary, fill_map, merged, thinned, number_by_area(thinned))


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
