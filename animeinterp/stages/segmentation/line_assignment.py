"""Giving the pixels of the lines to the pieces beside them."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from animeinterp.models.compiled import compiled

PASSES = 100  # released program: lines up to about 200 px wide vanish
LINE = 0


def assign_lines(fill_map: NDArray[np.int32], *, passes: int = PASSES) -> NDArray[np.int32]:
    """Let the pieces grow over the lines, one pixel from all sides a pass.

    Parameters
    ----------
    fill_map : (H, W) int32
        Ids of the fills, 0 = line.
    passes : int
        Most passes.

    Returns
    -------
    (H, W) int32
        A new map. 0 is left where no piece came within reach.

    Raises
    ------
    ValueError
        If `fill_map` has not two axes or `passes` is negative.

    Notes
    -----
    In each pass a line pixel that touches a piece with one of its four sides takes the first id found in the
    map of the pass before: left, up-left, up, up-right, right, down-right, down, down-left. As in the
    released program, column 0 is never read as left, up-left or down-left nor row 0 as up, up-left or
    up-right, so a piece that touches a line only from column 0 does not spread sideways. A map of lines
    only, or of none, comes back as it is.
    """
    if fill_map.ndim != 2:
        raise ValueError(f"fill_map has shape {fill_map.shape}; expected (H, W)")
    if passes < 0:
        raise ValueError(f"passes is {passes}; expected 0 or more")
    result = np.array(fill_map, dtype=np.int32, order="C")
    _grow(result, passes)
    return result


@compiled
def _grow(labels: NDArray[np.int32], passes: int) -> None:
    height, width = labels.shape
    waiting = np.empty((labels.size, 2), np.int32)
    count = 0
    for y in range(height):
        for x in range(width):
            if labels[y, x] == LINE:
                waiting[count, 0], waiting[count, 1] = y, x
                count += 1
    found = np.empty(count, np.int32)
    for _ in range(passes):
        for i in range(count):
            found[i] = _first_neighbour(labels, waiting[i, 0], waiting[i, 1])
        # Written only now: a pass reads the map of the pass before.
        left = 0
        for i in range(count):
            y, x = waiting[i, 0], waiting[i, 1]
            if found[i] != LINE:
                labels[y, x] = found[i]
            else:
                waiting[left, 0], waiting[left, 1] = y, x
                left += 1
        if left == count:
            return  # nothing moved, so nothing ever will
        count = left


@compiled
def _first_neighbour(labels: NDArray[np.int32], y: int, x: int) -> int:
    height, width = labels.shape
    touches = (
        (x > 0 and labels[y, x - 1] != LINE)
        or (x + 1 < width and labels[y, x + 1] != LINE)
        or (y > 0 and labels[y - 1, x] != LINE)
        or (y + 1 < height and labels[y + 1, x] != LINE)
    )
    if not touches:
        return LINE
    for dy, dx in ((0, -1), (-1, -1), (-1, 0), (-1, 1), (0, 1), (1, 1), (1, 0), (1, -1)):
        v, u = y + dy, x + dx
        if v >= height or u >= width or (dx < 0 and u <= 0) or (dy < 0 and v <= 0):
            continue
        label: int = labels[v, u]
        if label != LINE:
            return label
    return LINE
