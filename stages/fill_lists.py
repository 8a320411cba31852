"""Pixels, borders and colours of the fills of an image, as lists: what merging them needs to know.

Small fills have their pixels listed, large ones only their colours counted. Fills merge as wholes, so the
image is gone through once; what they become later is a table from fill to id. The fills with one id are a
group, named by it. A list of something for each fill or group i is `x[x_from[i]:x_from[i + 1]]`. Pixels are
flat indices, id 0 is line and has empty lists.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from stages.compiled import compiled

LEVELS = 256  # values of a channel


@dataclass(frozen=True)
class FillLists:
    """The fills of an image."""

    labels: NDArray[np.int32]
    """(H * W,): the fill of each pixel."""
    colours: NDArray[np.uint8]
    """(H * W, C)."""
    width: int
    areas: NDArray[np.int64]
    """(ids,): pixels of each fill; fill 0 are the lines."""
    pixels: NDArray[np.int32]
    """Of each small fill, its pixels."""
    pixels_from: NDArray[np.int64]
    border: NDArray[np.int32]
    """Of each small fill, the pixels of other fills that touch it with a side, each once."""
    border_from: NDArray[np.int64]
    counts: NDArray[np.int32]
    """(large fills, C, LEVELS): how often a large fill has each value."""
    counts_row: NDArray[np.int64]
    """(ids,): where a fill is in `counts`; -1 for small ones."""


@dataclass(frozen=True)
class Groups:
    """What the fills have become."""

    of_fill: NDArray[np.int64]
    """(ids,): the group of each fill."""
    fills: NDArray[np.int64]
    """Of each group, its fills, ascending."""
    fills_from: NDArray[np.int64]
    areas: NDArray[np.int64]
    """(ids,): pixels of each group; 0 where an id is no longer in use."""


def list_fills(fill_map: NDArray[np.int32], frame: NDArray[np.uint8], *, small_below: int) -> FillLists:
    """List the fills of an image.

    Parameters
    ----------
    fill_map : (H, W) int32
        Ids of the fills, with gaps; 0 = line.
    frame : (H, W, C) uint8
        Colours.
    small_below : int
        Fills of less pixels are small.

    Returns
    -------
    FillLists
    """
    labels = np.ascontiguousarray(fill_map, dtype=np.int32).ravel()
    colours = np.ascontiguousarray(frame).reshape(-1, frame.shape[2])
    areas = np.bincount(labels, minlength=1)
    is_large = areas >= small_below
    is_large[0] = False
    listed = np.where(is_large, 0, areas)
    listed[0] = 0
    pixels_from = np.concatenate([[0], np.cumsum(listed)])
    pixels = np.empty(pixels_from[-1], np.int32)
    counts = np.zeros((np.count_nonzero(is_large), frame.shape[2], LEVELS), np.int32)
    counts_row = np.where(is_large, np.cumsum(is_large) - 1, -1)
    _list_pixels(labels, colours, counts_row, pixels_from[:-1].copy(), pixels, counts)
    border = np.empty(4 * pixels.size, np.int32)
    border_from = np.zeros_like(pixels_from)
    width = fill_map.shape[1]
    _list_borders(labels, width, pixels, pixels_from, np.zeros(labels.size, np.bool_), border, border_from)
    return FillLists(
        labels, colours, width, areas, pixels, pixels_from, border, border_from, counts, counts_row
    )


def group_fills(now: NDArray[np.int64], areas: NDArray[np.int64]) -> Groups:
    """Group fills by what they have become.

    Parameters
    ----------
    now : (ids,) int64
        The id that each fill has become.
    areas : (ids,) int64
        Pixels of each fill.

    Returns
    -------
    Groups
    """
    fills_from = np.concatenate([[0], np.cumsum(np.bincount(now, minlength=now.size))])
    group_areas = np.zeros_like(areas)
    np.add.at(group_areas, now, areas)
    return Groups(now.copy(), np.argsort(now, kind="stable"), fills_from, group_areas)


@compiled
def _list_pixels(
    labels: NDArray[np.int32],
    colours: NDArray[np.uint8],
    counts_row: NDArray[np.int64],
    place: NDArray[np.int64],
    pixels: NDArray[np.int32],
    counts: NDArray[np.int32],
) -> None:
    # `place`, where the next pixel of each fill goes, is used up.
    for pixel in range(labels.size):
        fill = labels[pixel]
        if fill == 0:
            continue
        row = counts_row[fill]
        if row >= 0:
            for c in range(colours.shape[1]):
                counts[row, c, colours[pixel, c]] += 1
        else:
            pixels[place[fill]] = pixel
            place[fill] += 1


@compiled
def _list_borders(
    labels: NDArray[np.int32],
    width: int,
    pixels: NDArray[np.int32],
    pixels_from: NDArray[np.int64],
    seen: NDArray[np.bool_],
    border: NDArray[np.int32],
    border_from: NDArray[np.int64],
) -> None:
    count = 0
    for fill in range(1, pixels_from.size - 1):
        border_from[fill] = count
        for i in range(pixels_from[fill], pixels_from[fill + 1]):
            pixel = pixels[i]
            x = pixel % width
            for side in range(4):
                if side == 0:
                    near, exists = pixel - width, pixel >= width
                elif side == 1:
                    near, exists = pixel - 1, x > 0
                elif side == 2:
                    near, exists = pixel + 1, x < width - 1
                else:
                    near, exists = pixel + width, pixel + width < labels.size
                if exists and labels[near] != 0 and labels[near] != fill and not seen[near]:
                    seen[near] = True
                    border[count] = near
                    count += 1
        for i in range(border_from[fill], count):
            seen[border[i]] = False
    border_from[-1] = count
