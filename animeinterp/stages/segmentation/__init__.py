"""Segmentation: split a cartoon frame into pieces of one colour, bounded by lines.

This is the first part of the paper's Segment-Guided Matching. `segmentation_steps` goes from the frame to the
label map. Each step is a file of this folder:

1. `contours.py`: smooth the colours, apply the Laplacian and keep its strong edges as dark lines on white.
   Divide this drawing into inside and lines.
2. `trapped_ball.py`: fill the inside with balls too wide for the gaps in the lines.
3. `piece_merging.py`: merge each small fill into the neighbour most alike in colour, by the lists of
   `fill_lists.py` and the histograms of `colour_histograms.py`.
4. `line_assignment.py`: assign the pixels of the lines to the pieces beside them.
5. `piece_table.py`: number the pieces by area, and measure them.

`tests/plain/segmentation.py` is the same algorithm without regard to speed: whole images, one fill and one
pixel at a time. The tests compare each step with it, and with the released program's on real frames.

References
----------
Li et al., "Deep Animation Video Interpolation in the Wild", CVPR 2021, Segment-Guided Matching
(arXiv 2104.02495).
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from animeinterp.configs.sections import ContourPreset
from animeinterp.stages.segmentation import (
    contours,
    line_assignment,
    piece_merging,
    piece_table,
    trapped_ball,
)
from animeinterp.stages.segmentation.piece_table import Pieces, measure_pieces

__all__ = ["Pieces", "SegmentationSteps", "measure_pieces", "segment", "segmentation_steps"]


class SegmentationSteps(NamedTuple):
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
    """
    return measure_pieces(segmentation_steps(frame, preset, merge_rounds=merge_rounds).label_map)


def segmentation_steps(
    frame: NDArray[np.uint8], preset: ContourPreset, *, merge_rounds: int = 10
) -> SegmentationSteps:
    """Segment a frame and keep what each step made; parameters and errors as for `segment`."""
    contour = contours.draw_contours(frame, preset)
    binary = contours.find_inside(contour)
    fill_map = trapped_ball.fill_pieces(binary)
    merged = piece_merging.merge_fills(fill_map, frame, rounds=merge_rounds)
    thinned = line_assignment.assign_lines(merged)
    label_map = piece_table.number_by_area(thinned)
    return SegmentationSteps(contour, binary, fill_map, merged, thinned, label_map)
