"""Merging small fills into the neighbour most alike in colour."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from animeinterp.models.compiled import compiled
from animeinterp.stages.segmentation.colour_histograms import BINS, update_histograms
from animeinterp.stages.segmentation.fill_lists import LINE, FillLists, Groups, group_fills, list_fills

MERGE_BELOW = 500  # px; larger fills stay; this and the limits below are the released program's
LONE_NEIGHBOUR_BELOW = 300  # px; merged whatever the contact when there is one neighbour
LONE_NEIGHBOUR_CONTACT = 2  # px of border; above it, one neighbour is enough up to MERGE_BELOW
ALWAYS_BELOW = 50  # px
VANISH_BELOW = 5  # px; a fill among lines only becomes line
# A fill below the area merges where likeness and contact are above these.
ALIKE = (0.2, 150, 1)
MORE_ALIKE = (0.25, 250, 8)


def merge_fills(
    fill_map: NDArray[np.int32], frame: NDArray[np.uint8], *, rounds: int = 10
) -> NDArray[np.int32]:
    """Merge small fills into the neighbouring fill most alike.

    Parameters
    ----------
    fill_map : (H, W) int32
        Ids of the fills, 0 = line.
    frame : (H, W, 3) uint8
        The unfiltered frame, RGB.
    rounds : int
        Most rounds; 0 = none.

    Returns
    -------
    (H, W) int32
        A new map with fewer ids; no id is renumbered.

    Raises
    ------
    ValueError
        If the shapes differ, an id is negative, or `rounds` is.

    Notes
    -----
    Likeness is the intersection of two colour histograms: 25 bins per channel over each fill's own value
    range, joined and divided by their sum. Fills of one colour all lie in the middle bins, so any two of
    them are alike. Histograms, areas and pixels of the fills are those of the start of a round; a change of
    id is seen by the later fills of the round. Hence a fill may find its own id among its neighbours, where
    others have merged into it. Of equally alike neighbours the lowest id wins. The rounds end when one
    leaves the number of ids as it was. Lines stay line; a map of nothing else comes back as it is.

    The joined histogram runs blue, green, red, as the released program reads frames: the order decides, by
    rounding, between neighbours equally alike, in about one merge of a thousand on real frames.

    The released program also merges a fill of 50 px or more whose first outer contour simplifies to a single
    point, which only happens to fills in several parts. This rule is left out: it applied to none of 182,595
    fills in 57 real frames, each at three sizes, and 128 drawn ones, with both presets.

    References
    ----------
    Swain & Ballard, "Color Indexing", IJCV 1991 (doi:10.1007/BF00130487), for histogram intersection.
    """
    if frame.shape[:2] != fill_map.shape or frame.ndim != 3:
        raise ValueError(f"fill_map {fill_map.shape} and frame {frame.shape} differ in size")
    if rounds < 0:
        raise ValueError(f"rounds is {rounds}; expected 0 or more")
    if fill_map.min(initial=0) < 0:
        raise ValueError(f"fill_map holds the id {fill_map.min()}; expected 0 (line) or more")
    fills = list_fills(fill_map.astype(np.int32), frame, small_below=MERGE_BELOW)
    ids = fills.areas.size
    histograms = np.empty((ids, BINS * frame.shape[2]))
    changed = np.ones(ids, np.bool_)
    now = np.arange(ids)  # what each fill has become
    for _ in range(rounds):
        groups = group_fills(now, fills.areas)
        update_histograms(histograms, changed, fills, groups)
        _merge_round(fills, groups, histograms, now)
        moved = now != groups.of_fill
        # The lowest id that moves is gone for good, so the number of ids stays only where nothing moves.
        if not moved.any():
            break
        changed[:] = False
        changed[now[moved]] = True  # an id that was left and not taken again is gone
    return now.astype(np.int32).take(fill_map)


class _Contacts(NamedTuple):
    """Which ids touch a group, and by how many pixels; used for one group after the other."""

    ids: NDArray[np.int64]
    """The ids, in any order, as many as `_find_contacts` found."""
    pixels: NDArray[np.int64]
    """(ids,): how many pixels of each id share a side with the group."""
    seen_by: NDArray[np.int32]
    """For each pixel of the image, the last group that counted it."""


@compiled
def _merge_round(
    fills: FillLists, groups: Groups, histograms: NDArray[np.float64], now: NDArray[np.int64]
) -> None:
    """Merge each small group, in ascending order, into the neighbour most alike.

    Areas, pixels and histograms, (ids, bins), are those of the start of the round. `now`, (ids,), says what
    each fill has become; it changes in place, so each group sees the merges before its own.
    """
    contacts = _Contacts(
        np.empty(4 * MERGE_BELOW, np.int64),
        np.zeros(now.size, np.int64),
        np.zeros(fills.labels.size, np.int32),
    )
    for group in range(1, now.size):
        area = groups.areas[group]
        if area == 0 or area >= MERGE_BELOW:
            continue
        neighbours = _find_contacts(group, fills, groups, now, contacts)
        best, best_likeness, best_contact = group, -1.0, 0
        last, last_likeness = LINE, -1.0
        for k in range(neighbours):
            other = contacts.ids[k]
            likeness = _intersect(histograms, group, other)
            if likeness > best_likeness or (likeness == best_likeness and other < best):
                best, best_likeness, best_contact = other, likeness, contacts.pixels[other]
            if other > last:
                last, last_likeness = other, likeness
            contacts.pixels[other] = 0
        if neighbours == 0 and area < VANISH_BELOW:
            best = LINE
        # The likeness of the last neighbour, not of the best: the released program's, kept for parity.
        if best != group and _may_merge(area, neighbours, best_contact, last_likeness):
            for i in range(groups.fills_from[group], groups.fills_from[group + 1]):
                now[groups.fills[i]] = best


@compiled
def _find_contacts(
    group: int, fills: FillLists, groups: Groups, now: NDArray[np.int64], contacts: _Contacts
) -> int:
    """Enter the ids that touch a group in `contacts`, and return their number."""
    count = 0
    for i in range(groups.fills_from[group], groups.fills_from[group + 1]):
        fill = groups.fills[i]
        for k in range(fills.border_from[fill], fills.border_from[fill + 1]):
            near = fills.border[k]
            other = now[fills.labels[near]]
            if (
                contacts.seen_by[near] == group
                or other == LINE
                or groups.of_fill[fills.labels[near]] == group
            ):
                continue
            contacts.seen_by[near] = group
            if contacts.pixels[other] == 0:
                contacts.ids[count] = other
                count += 1
            contacts.pixels[other] += 1
    return count


@compiled
def _may_merge(area: int, neighbours: int, contact: int, likeness: float) -> bool:
    """Whether a fill merges, by its number of neighbours and its contact with the one most alike."""
    return (
        area < ALWAYS_BELOW
        or (neighbours == 1 and (area < LONE_NEIGHBOUR_BELOW or contact > LONE_NEIGHBOUR_CONTACT))
        or (likeness > ALIKE[0] and area < ALIKE[1] and contact > ALIKE[2])
        or (likeness > MORE_ALIKE[0] and area < MORE_ALIKE[1] and contact > MORE_ALIKE[2])
    )


@compiled
def _intersect(histograms: NDArray[np.float64], one: int, other: int) -> float:
    """Sum of the minima of two histograms, in the order in which NumPy adds up 8 to 128 numbers.

    That is eight partial sums and then the rest. The choice between equally alike neighbours, and the limits,
    hang on the last bit.
    """
    size = histograms.shape[1]
    whole = size - size % 8
    partial = np.zeros(8)
    for i in range(0, whole, 8):
        for k in range(8):
            partial[k] += min(histograms[one, i + k], histograms[other, i + k])
    total: float = ((partial[0] + partial[1]) + (partial[2] + partial[3])) + (
        (partial[4] + partial[5]) + (partial[6] + partial[7])
    )
    for i in range(whole, size):
        total += min(histograms[one, i], histograms[other, i])
    return total
