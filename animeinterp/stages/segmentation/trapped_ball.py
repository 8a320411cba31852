"""Trapped-ball filling: colour pieces out of a line drawing whose lines have gaps.

A ball that is wider than a gap cannot roll through it, so the area it reaches from one point is one piece
even where the outline leaks. Large balls first, then smaller ones for the corners and narrow places.
"""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from animeinterp.models.compiled import compiled

RADII = (3, 2, 1)  # balls in the order they roll, px; released program
MOST_FILLS = 1_000  # fills per radius; released program
MOST_COMPONENTS = 20_000  # fills of what no ball reached; released program
MARGIN = 2 * max(RADII)  # empty border that spares the loops every test for the image's edge
LINE = 0


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
    The outside of the image never stops a ball. Nothing but lines, as nothing at all, has no fills.

    Pixels beyond 1,000 fills of a radius wait for the next one; components beyond 20,000 stay line. So there
    are never more than 23,000 fills, whatever the size of the image.

    The centres' area only shrinks, so looking for starts is one forward pass, and a fill takes centres from
    later balls only where their balls would touch its own: within the ball dilated by itself. Areas are held
    as runs, pixels side by side in a row: dilating one is filling a few stretches of memory.

    References
    ----------
    Zhang et al., "Vectorizing Cartoon Animations", IEEE TVCG 2009 (doi:10.1109/TVCG.2009.9).
    """
    if binary.ndim != 2:
        raise ValueError(f"binary has shape {binary.shape}; expected (H, W)")
    inside = binary > 0
    fill_map = np.zeros((binary.shape[0] + 2 * MARGIN, binary.shape[1] + 2 * MARGIN), np.int32)
    inner = fill_map[MARGIN:-MARGIN, MARGIN:-MARGIN]
    found = 0
    for radius in (*RADII, 0):
        ball = np.asarray(cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * radius + 1, 2 * radius + 1)))
        most = MOST_FILLS if radius > 0 else MOST_COMPONENTS
        runs, first_run = _find_fills(inside & (inner == LINE), ball, most)
        ids = np.arange(found + 1, found + first_run.size)
        _paint(fill_map.ravel(), fill_map.shape[1], runs, first_run, ids, _half_widths(ball))
        if radius == RADII[0]:
            areas = np.bincount(inner.ravel(), minlength=1)[1:]
            kept = areas == areas.max(initial=0)
            ids = np.where(kept, np.cumsum(kept), LINE)
            _paint(fill_map.ravel(), fill_map.shape[1], runs, first_run, ids, _half_widths(ball))
        found = int(ids.max(initial=found))
    return inner.copy()


def _find_fills(
    empty: NDArray[np.bool_], ball: NDArray[np.uint8], most: int
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Find the fills of one ball.

    Returns the runs of all fills' centres, (start, stop) as flat indices of the area with its margin, and
    where each fill's runs begin among them, ending with their number.
    """
    # Eroded without the margin: OpenCV lets the outside of an image stop no ball, the margin would.
    centres = np.pad(np.asarray(cv2.erode(empty.view(np.uint8), ball), dtype=np.uint8), MARGIN)
    twice = np.asarray(cv2.dilate(np.pad(ball, ball.shape[0] // 2), ball), dtype=np.uint8)
    runs = np.empty((centres.size // 2, 2), np.int64)
    first_run = np.empty(most + 1, np.int64)
    count = _take_fills(centres.ravel(), centres.shape[1], _half_widths(twice), runs, first_run)
    return runs, first_run[: count + 1]


def _half_widths(element: NDArray[np.uint8]) -> NDArray[np.int64]:
    # How far each row of a round element reaches to either side.
    return np.array([row.sum() // 2 for row in element], np.int64)


@compiled
def _take_fills(
    centres: NDArray[np.uint8],
    stride: int,
    reach: NDArray[np.int64],
    runs: NDArray[np.int64],
    first_run: NDArray[np.int64],
) -> int:
    # Moves the centres of one fill after the other to `runs`; returns the number of fills.
    found = 0
    first_run[0] = 0
    for seed in range(centres.size):
        if centres[seed] == 0:
            continue
        if found == first_run.size - 1:
            break
        done = first_run[found]
        count = _take_run(centres, seed, runs, done)
        while done < count:
            for beside in range(-stride, stride + 1, 2 * stride):
                for near in range(runs[done, 0] + beside, runs[done, 1] + beside):
                    if centres[near]:
                        count = _take_run(centres, near, runs, count)
            done += 1
        # No later ball may touch the fill.
        for i in range(first_run[found], count):
            _set_around(centres, stride, runs[i, 0], runs[i, 1], reach, 0)
        found += 1
        first_run[found] = count
    return found


@compiled
def _take_run(centres: NDArray[np.uint8], pixel: int, runs: NDArray[np.int64], count: int) -> int:
    # Moves the run through a pixel from `centres` to `runs`.
    start, stop = pixel, pixel + 1
    while centres[start - 1]:
        start -= 1
    while centres[stop]:
        stop += 1
    centres[start:stop] = 0
    runs[count, 0] = start
    runs[count, 1] = stop
    return count + 1


@compiled
def _paint(
    fill_map: NDArray[np.int32],
    stride: int,
    runs: NDArray[np.int64],
    first_run: NDArray[np.int64],
    ids: NDArray[np.int64],
    ball: NDArray[np.int64],
) -> None:
    # Dilates each fill's centres by the ball; the id 0 takes a painted fill back.
    for fill in range(ids.size):
        for i in range(first_run[fill], first_run[fill + 1]):
            _set_around(fill_map, stride, runs[i, 0], runs[i, 1], ball, ids[fill])


@compiled
def _set_around(
    image: NDArray[np.generic], stride: int, start: int, stop: int, half_widths: NDArray[np.int64], value: int
) -> None:
    # Sets a run dilated by a round element. Slices rather than loops: Numba turns them into `memset`.
    for k in range(half_widths.size):
        row = (k - half_widths.size // 2) * stride
        image[start + row - half_widths[k] : stop + row + half_widths[k]] = value
