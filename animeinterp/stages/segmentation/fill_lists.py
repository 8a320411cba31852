"""Pixels, borders and colours of the fills of an image, as lists: what merging them needs to know.

Small fills have their pixels listed, large ones only their colours counted. Fills merge as wholes, so the
image is gone through once; what they become later is a table from fill to id. The fills with one id are a
group, named by it. A list of something for each fill or group i is `x[x_from[i]:x_from[i + 1]]`. Id 0 is
line and has empty lists. Pixels are flat indices of a map with a border of line one pixel wide, which
spares loops over neighbours every test for the image's edge.

Both records are named tuples, which compiled functions take whole.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from animeinterp.models.compiled import compiled

LEVELS = 256  # values of a channel
LINE = 0  # id


class FillLists(NamedTuple):
    """The fills of an image."""

    labels: NDArray[np.int32]
    """((H + 2) * (W + 2),): the fill of each pixel, with the border."""
    areas: NDArray[np.int64]
    """(ids,): pixels of each fill; fill 0 are the lines."""
    pixels: NDArray[np.int32]
    """Of each small fill, its pixels."""
    pixels_from: NDArray[np.int64]
    colours: NDArray[np.uint8]
    """(n, C): the colours of the n pixels listed."""
    border: NDArray[np.int32]
    """Of each small fill, the pixels of other fills that touch it with a side, each once."""
    border_from: NDArray[np.int64]
    counts: NDArray[np.int32]
    """(large fills, C, LEVELS): how often a large fill has each value."""
    counts_row: NDArray[np.int64]
    """(ids,): where a fill is in `counts`; -1 for small ones."""


class Groups(NamedTuple):
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
        Fills of fewer pixels are small.

    Returns
    -------
    FillLists
    """
    channels = frame.shape[2]
    areas = np.bincount(fill_map.ravel(), minlength=1)
    is_large = areas >= small_below
    is_large[LINE] = False
    listed = np.where(is_large, 0, areas)
    listed[LINE] = 0
    pixels_from = np.concatenate([[0], np.cumsum(listed)])
    fills = FillLists(
        labels=np.pad(fill_map, 1).ravel(),
        areas=areas,
        pixels=np.empty(pixels_from[-1], np.int32),
        pixels_from=pixels_from,
        colours=np.empty((pixels_from[-1], channels), np.uint8),
        border=np.empty(4 * pixels_from[-1], np.int32),
        border_from=np.zeros_like(pixels_from),
        counts=np.zeros((np.count_nonzero(is_large), channels, LEVELS), np.int32),
        counts_row=np.where(is_large, np.cumsum(is_large) - 1, -1),
    )
    _list_pixels(fills, np.ascontiguousarray(frame))
    _list_borders(fills, fill_map.shape[1] + 2)
    return fills


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
def _list_pixels(fills: FillLists, frame: NDArray[np.uint8]) -> None:
    """Fill in `pixels`, `colours` and `counts`."""
    height, width, channels = frame.shape
    place = fills.pixels_from.copy()  # where the next pixel of each fill goes
    for y in range(height):
        for x in range(width):
            pixel = (y + 1) * (width + 2) + x + 1
            fill = fills.labels[pixel]
            if fill == LINE:
                continue
            row = fills.counts_row[fill]
            if row >= 0:
                for c in range(channels):
                    fills.counts[row, c, frame[y, x, c]] += 1
            else:
                at = place[fill]
                place[fill] += 1
                fills.pixels[at] = pixel
                for c in range(channels):
                    fills.colours[at, c] = frame[y, x, c]


@compiled
def _list_borders(fills: FillLists, stride: int) -> None:
    """Fill in `border` and `border_from`."""
    count = 0
    seen_by = np.zeros(fills.labels.size, np.int32)  # the last fill that listed a pixel
    for fill in range(1, fills.areas.size):
        fills.border_from[fill] = count
        for pixel in fills.pixels[fills.pixels_from[fill] : fills.pixels_from[fill + 1]]:
            for near in (pixel - stride, pixel - 1, pixel + 1, pixel + stride):
                if fills.labels[near] != LINE and fills.labels[near] != fill and seen_by[near] != fill:
                    seen_by[near] = fill
                    fills.border[count] = near
                    count += 1
    fills.border_from[-1] = count
