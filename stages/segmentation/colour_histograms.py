"""Colour histograms of groups of fills."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from models.compiled import compiled
from stages.segmentation.fill_lists import LEVELS, FillLists, Groups

BINS = 25  # per channel; released program


def update_histograms(
    histograms: NDArray[np.float64], changed: NDArray[np.bool_], fills: FillLists, groups: Groups
) -> None:
    """Take the histograms of groups in place.

    Parameters
    ----------
    histograms : (ids, BINS * C) float64
        The channels' histograms joined, divided by their sum.
    changed : (ids,) bool
        The groups whose histograms are to be taken; those without pixels, and lines, are left out.
    fills : FillLists
    groups : Groups

    Notes
    -----
    Bins are NumPy's, to the last bit: 25 between a group's own least and greatest value of a channel. A
    channel with one value has a range of half a level to either side of it, and so lies in the middle bin.

    The last channel comes first: blue, green, red, as the released program reads frames. Sums over the bins
    depend on it by rounding.
    """
    _update(
        histograms,
        changed,
        fills.colours,
        fills.pixels_from,
        fills.counts,
        fills.counts_row,
        groups.fills,
        groups.fills_from,
        groups.areas,
        np.zeros(LEVELS, np.int64),
    )


@compiled
def _update(
    histograms: NDArray[np.float64],
    changed: NDArray[np.bool_],
    colours: NDArray[np.uint8],
    pixels_from: NDArray[np.int64],
    counts: NDArray[np.int32],
    counts_row: NDArray[np.int64],
    fills: NDArray[np.int64],
    fills_from: NDArray[np.int64],
    areas: NDArray[np.int64],
    levels: NDArray[np.int64],
) -> None:
    channels = colours.shape[1]
    for group in range(1, areas.size):
        if not changed[group] or areas[group] == 0:
            continue
        for c in range(channels):
            for i in range(fills_from[group], fills_from[group + 1]):
                fill = fills[i]
                row = counts_row[fill]
                if row >= 0:
                    for value in range(LEVELS):
                        levels[value] += counts[row, c, value]
                else:
                    for k in range(pixels_from[fill], pixels_from[fill + 1]):
                        levels[colours[k, c]] += 1
            _bin_levels(levels, channels * areas[group], histograms, group, (channels - 1 - c) * BINS)


@compiled
def _bin_levels(
    levels: NDArray[np.int64], divisor: int, histograms: NDArray[np.float64], group: int, first: int
) -> None:
    # The bin of each value as numpy.histogram finds it: an edge is start + k * (width / bins) in double
    # precision, a bin holds its lower edge, the last one both; a single value v gets the range v -+ 0.5.
    # Leaves `levels` empty.
    least, most = 0, LEVELS - 1
    while levels[least] == 0:
        least += 1
    while levels[most] == 0:
        most -= 1
    start, stop = float(least), float(most)
    if least == most:
        start, stop = start - 0.5, stop + 0.5
    step = (stop - start) / BINS
    value = least
    for k in range(BINS):
        count = 0
        while value <= most and (k == BINS - 1 or value < (k + 1) * step + start):
            count += levels[value]
            levels[value] = 0
            value += 1
        histograms[group, first + k] = count / divisor
