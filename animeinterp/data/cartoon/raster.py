"""From moved figures to pixels: one index map gives the colours, the owner and the piece of each pixel.

Pixel coordinates: an integer is the centre of a pixel. The index map has 3 x 3 cells a pixel, without
antialiasing; cell (3 y + 1, 3 x + 1) lies exactly at the pixel's centre. A pixel's colour is the mean
over its nine cells, its owner the figure part at its centre.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from animeinterp.data.cartoon.curves import Points
from animeinterp.data.cartoon.figure import Piece

CELLS = 3
"""Cells along a pixel's side; odd, so that one of them has the pixel's centre."""
SHIFT = 4
"""Fractional bits of the coordinates handed to OpenCV."""
REACH = 4.0
"""Polygons are clamped to this many frame sizes around the frame: OpenCV's coordinates are 32 bits wide."""


@dataclass(frozen=True)
class Painted:
    """A piece moved into the frame, in pixels."""

    points: Points
    piece: Piece
    pen: float
    """Width of the outline in pixels."""
    owner: int
    """Number of the moving part, from 1."""
    number: int
    """Identity of the piece, from 1."""
    within: tuple[int, ...]
    """Numbers of the pieces it may cover; anything when empty."""


@dataclass(frozen=True)
class Raster:
    """Cells of one frame and the meaning of their indices; index 0 is the background."""

    cells: NDArray[np.uint16]
    """(3 H, 3 W)"""
    colours: NDArray[np.uint8]
    """(n, 4): RGB and 255, all 0 for the background."""
    owners: NDArray[np.int32]
    """(n,)"""
    numbers: NDArray[np.int32]
    """(n,)"""

    def owner_at(self, x: NDArray[np.float64], y: NDArray[np.float64]) -> NDArray[np.int32]:
        """Number of the part at points inside the frame, 0 for the background."""
        rows, columns = (np.rint(CELLS * v + CELLS // 2).astype(np.intp) for v in (y, x))
        found: NDArray[np.int32] = self.owners[self.cells[rows, columns]]
        return found

    def centres(self) -> NDArray[np.uint16]:
        """Index at each pixel's centre, (H, W)."""
        return self.cells[CELLS // 2 :: CELLS, CELLS // 2 :: CELLS]

    def over(self, background: NDArray[np.uint8]) -> NDArray[np.uint8]:
        """The antialiased frame over an RGB background of its size."""
        height, width = background.shape[:2]
        packed = np.ascontiguousarray(self.colours).view(np.uint32)[:, 0]
        fine = packed[self.cells].view(np.uint8).reshape(*self.cells.shape, 4)
        mean = cv2.resize(fine, (width, height), interpolation=cv2.INTER_AREA)
        rest = 255 - mean[..., 3:].astype(np.uint16)
        frame = mean[..., :3] + (background * rest + 127) // 255
        return np.asarray(np.minimum(frame, 255), np.uint8)


def rasterise(painted: Sequence[Painted], size: tuple[int, int]) -> Raster:
    """Paint pieces over each other, the last one on top.

    Parameters
    ----------
    painted
        Pieces in painting order.
    size
        (height, width) of the frame in pixels.
    """
    height, width = size
    cells = np.zeros((CELLS * height, CELLS * width), np.uint16)
    colours = [(0, 0, 0, 0)]
    owners, numbers = [0], [0]
    shows: dict[int, list[int]] = {}
    for item in painted:
        index = len(colours)
        shows[item.number] = [index]
        for number in item.within:  # shading may itself be shaded: an iris on the eye's white
            shows[number].append(index)
        colours.append((*item.piece.fill, 255))
        owners.append(item.owner)
        numbers.append(item.number)
        fixed = _fixed(item.points, size)
        if item.within:
            _fill_within(cells, fixed, index, [i for number in item.within for i in shows[number]])
        else:
            cv2.fillPoly(cells, [fixed], index, cv2.LINE_8, SHIFT)
        if item.piece.line is not None:
            colours.append((*item.piece.line, 255))
            owners.append(item.owner)
            numbers.append(item.number)
            pen = max(1, round(CELLS * item.pen))
            cv2.polylines(cells, [fixed], True, index + 1, pen, cv2.LINE_8, SHIFT)
    return Raster(cells, np.array(colours, np.uint8), np.array(owners, np.int32), np.array(numbers, np.int32))


def _fixed(points: Points, size: tuple[int, int]) -> NDArray[np.int32]:
    """Cell coordinates in fixed point."""
    reach = REACH * max(size)
    return np.rint((CELLS * np.clip(points, -reach, reach) + CELLS // 2) * (1 << SHIFT)).astype(np.int32)


def _fill_within(cells: NDArray[np.uint16], fixed: NDArray[np.int32], index: int, allowed: list[int]) -> None:
    """Fill a polygon where one of the allowed indices shows."""
    low = np.maximum(fixed.min(axis=0) >> SHIFT, 0)
    high = np.minimum((fixed.max(axis=0) >> SHIFT) + 2, cells.shape[::-1])
    if (high <= low).any():
        return
    window = cells[low[1] : high[1], low[0] : high[0]]
    mask = np.zeros(window.shape, np.uint8)
    cv2.fillPoly(mask, [fixed - (low << SHIFT).astype(np.int32)], 1, cv2.LINE_8, SHIFT)
    free = np.zeros(int(window.max()) + index + 1, np.uint8)
    free[allowed] = 1
    window[(free[window] & mask).view(bool)] = index
