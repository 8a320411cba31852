"""Trapped-ball filling: colour pieces out of a line drawing whose lines have gaps.

A ball that is wider than a gap cannot roll through it, so the area it reaches from one point is one piece
even where the outline leaks. Large balls first, then smaller ones for the corners and narrow places.
"""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from stages.compiled import compiled

RADII = (3, 2, 1)  # balls in the order they roll, px; released program
MOST_FILLS = 1_000  # fills per radius; released program
MOST_COMPONENTS = 20_000  # fills of what no ball reached; released program
MARGIN = max(RADII)  # empty border that spares the inner loops every test for the image's edge


def fill_pieces(binary: NDArray[np.uint8]) -> NDArray[np.int32]:
    """Fill the inside of a line drawing with trapped balls.

    Parameters
    ----------
    binary : (H, W) uint8
        Non-zero inside pieces, 0 on lines.

    Returns
    -------
    (H, W) int32
        Fill ids 1, 2, ... in the order found; 0 = line.

    Raises
    ------
    ValueError
        If `binary` has not two axes.

    Notes
    -----
    For each radius: the area still empty, eroded by the ball, is where its centre can stand. The first such
    pixel in raster order starts a fill: its 4-connected component, dilated by the ball. The fill leaves the
    empty area, which takes places from later balls. The largest radius keeps its largest fills only (all of
    them where several tie), the others keep all. What is then left falls into 4-connected components.

    The centres' area only shrinks, so looking for starts is one forward pass, and a fill changes nothing
    further from it than the ball's radius: each fill costs what its own surroundings hold. The outside of
    the image never stops a ball.

    Pixels beyond 1,000 fills of a radius wait for the next one; components beyond 20,000 stay 0.

    References
    ----------
    Zhang et al., "Vectorizing Cartoon Animations", IEEE TVCG 2009 (doi:10.1109/TVCG.2009.9).
    """
    if binary.ndim != 2:
        raise ValueError(f"binary has shape {binary.shape}; expected (H, W)")
    empty = np.pad(binary > 0, MARGIN).astype(np.uint8)
    fill_map = np.zeros(empty.shape, np.int32)
    found = 0
    for radius in RADII:
        found += _roll(empty, fill_map, found, radius, MOST_FILLS, keep_largest=radius == RADII[0])
    _roll(empty, fill_map, found, 0, MOST_COMPONENTS, keep_largest=False)
    return np.ascontiguousarray(fill_map[MARGIN:-MARGIN, MARGIN:-MARGIN])


def _roll(
    empty: NDArray[np.uint8],
    fill_map: NDArray[np.int32],
    found: int,
    radius: int,
    most: int,
    *,
    keep_largest: bool,
) -> int:
    """Fill with one ball; update `empty` and `fill_map`, return the number of fills kept."""
    ball = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * radius + 1, 2 * radius + 1))
    centres = np.zeros_like(empty)
    inner = (slice(MARGIN, -MARGIN), slice(MARGIN, -MARGIN))
    # The margin is cut off first: OpenCV then treats the outside as no obstacle, the margin would be one.
    centres[inner] = cv2.erode(np.ascontiguousarray(empty[inner]), ball)
    rows, columns = np.nonzero(ball)
    offsets = (rows - radius) * empty.shape[1] + (columns - radius)

    ids = np.zeros(empty.shape, np.int32)
    areas = _fill_from_starts(empty.ravel(), centres.ravel(), ids.ravel(), offsets, empty.shape[1], most)
    if areas.size == 0:
        return 0
    kept = areas == areas.max() if keep_largest else np.ones(areas.size, bool)
    new_id = np.zeros(areas.size + 1, np.int32)
    new_id[1:][kept] = found + np.arange(1, kept.sum() + 1)
    filled = new_id[ids]
    np.copyto(fill_map, filled, where=filled > 0)
    empty[filled > 0] = 0
    return int(kept.sum())


@compiled
def _fill_from_starts(
    empty: NDArray[np.uint8],
    centres: NDArray[np.uint8],
    ids: NDArray[np.int32],
    ball: NDArray[np.int64],
    stride: int,
    most: int,
) -> NDArray[np.int64]:
    """Number the fills of one ball in `ids`, all arrays flat with a margin; return the fills' areas.

    `centres` is used up. `ball` holds the element's flat offsets; it is symmetric, and filled in the sense
    that with a point it holds all points between it and the axes. That lets only the rim of an area be
    dilated: an inner pixel's ball sticks out of the area only where a rim pixel's ball does too.
    """
    neighbours = (-stride, -1, 1, stride)
    areas = np.empty(most, np.int64)
    fill = np.empty(empty.size, np.int64)
    rim = np.empty(empty.size, np.int64)
    found = 0
    for start in range(centres.size):
        if centres[start] == 0:
            continue
        if found == most:
            break
        found += 1

        # The component of the centres' area, in fill[:size].
        fill[0] = start
        ids[start] = found
        centres[start] = 0
        size = 1
        done = 0
        while done < size:
            for step in neighbours:
                near = fill[done] + step
                if centres[near]:
                    centres[near] = 0
                    ids[near] = found
                    fill[size] = near
                    size += 1
            done += 1

        # The rim is listed before anything is dilated, as dilating changes `ids`.
        on_rim = 0
        for i in range(size):
            for step in neighbours:
                if ids[fill[i] + step] != found:
                    rim[on_rim] = fill[i]
                    on_rim += 1
                    break
        for i in range(on_rim):
            for step in ball:
                near = rim[i] + step
                # Inside the image a ball covers empty pixels only; `empty` keeps it out of the margin.
                if empty[near] and ids[near] == 0:
                    ids[near] = found
                    fill[size] = near
                    size += 1

        # No later ball may touch the fill.
        for i in range(size):
            centres[fill[i]] = 0
            for step in neighbours:
                if ids[fill[i] + step] != found:
                    for reach in ball:
                        centres[fill[i] + reach] = 0
                    break
        areas[found - 1] = size
    return areas[:found]
