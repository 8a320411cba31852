"""Colour histograms of groups of fills."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from animeinterp.models.compiled import compiled
from animeinterp.stages.segmentation.fill_lists import LEVELS, FillLists, Groups

BINS = 25  # per channel; released program


@compiled
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
    channels = fills.colours.shape[1]
    levels = np.zeros(LEVELS, np.int64)  # how many of a group's pixels have each value of a channel
    for group in range(1, groups.areas.size):
        if changed[group] and groups.areas[group] > 0:
            for c in range(channels):
                _count_levels(levels, group, c, fills, groups)
                first = (channels - 1 - c) * BINS
                _bin_levels(levels, channels * groups.areas[group], histograms, group, first)


@compiled
def _count_levels(
    levels: NDArray[np.int64], group: int, channel: int, fills: FillLists, groups: Groups
) -> None:
    for i in range(groups.fills_from[group], groups.fills_from[group + 1]):
        fill = groups.fills[i]
        row = fills.counts_row[fill]
        if row >= 0:
            for value in range(LEVELS):
                levels[value] += fills.counts[row, channel, value]
        else:
            for k in range(fills.pixels_from[fill], fills.pixels_from[fill + 1]):
                levels[fills.colours[k, channel]] += 1


@compiled
def _bin_levels(
    levels: NDArray[np.int64], divisor: int, histograms: NDArray[np.float64], group: int, first: int
) -> None:
    # The bin of each value as numpy.histogram finds it: an edge is start + k * (width / bins) in double
    # precision, a bin holds its lower edge, the last one both; a single value v gets the range v -+ 0.5.
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
