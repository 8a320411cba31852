"""Merging small fills into the neighbour most alike in colour."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from models.compiled import compiled
from stages.segmentation.colour_histograms import BINS, update_histograms
from stages.segmentation.fill_lists import group_fills, list_fills
from stages.segmentation.point_contours import update_points

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
    is_point = np.zeros(ids, np.bool_)
    changed = np.ones(ids, np.bool_)
    now = np.arange(ids)  # what each fill has become
    for _ in range(rounds):
        groups = group_fills(now, fills.areas)
        update_histograms(histograms, changed, fills, groups)
        # Smaller ones merge in any case.
        has_limits = (groups.areas >= ALWAYS_BELOW) & (groups.areas < MERGE_BELOW)
        update_points(is_point, changed & has_limits, fills, groups)
        _merge_round(
            fills.labels.ravel(),
            fills.border,
            fills.border_from,
            groups.of_fill,
            groups.fills,
            groups.fills_from,
            groups.areas,
            histograms,
            is_point,
            np.zeros(fills.labels.size, np.bool_),
            np.zeros(ids, np.int64),
            np.empty(4 * MERGE_BELOW, np.int64),
            np.empty(8),
            now,
        )
        moved = now != groups.of_fill
        # The lowest id that moves is gone for good, so the number of ids stays only where nothing moves.
        if not moved.any():
            break
        changed[:] = False
        changed[now[moved]] = True  # an id that was left and not taken again is gone
    return now.astype(np.int32).take(fill_map)


@compiled
def _merge_round(
    labels: NDArray[np.int32],
    border: NDArray[np.int32],
    border_from: NDArray[np.int64],
    of_fill: NDArray[np.int64],
    fills: NDArray[np.int64],
    fills_from: NDArray[np.int64],
    areas: NDArray[np.int64],
    histograms: NDArray[np.float64],
    is_point: NDArray[np.bool_],
    seen: NDArray[np.bool_],
    contact: NDArray[np.int64],
    neighbours: NDArray[np.int64],
    partial: NDArray[np.float64],
    now: NDArray[np.int64],
) -> None:
    # The four arrays before `now` are scratch, `seen` and `contact` all zero between groups.
    for group in range(1, now.size):
        area = areas[group]
        if area == 0 or area >= MERGE_BELOW:
            continue
        count = _count_contacts(
            group, labels, border, border_from, of_fill, fills, fills_from, seen, now, contact, neighbours
        )
        new, best, likeness, best_contact = group, -1.0, -1.0, 0
        for i in range(count):
            other = neighbours[i]
            likeness = _intersect(histograms, group, other, partial)
            if likeness > best:
                new, best, best_contact = other, likeness, contact[other]
            contact[other] = 0
        if count == 0 and area < VANISH_BELOW:
            new = 0
        if new == group:
            continue

        # `likeness` is that of the last neighbour, not of the best: the released program's, kept for parity.
        if not (
            area < ALWAYS_BELOW
            or is_point[group]
            or (count == 1 and (area < LONE_NEIGHBOUR_BELOW or best_contact > LONE_NEIGHBOUR_CONTACT))
            or (likeness > ALIKE[0] and area < ALIKE[1] and best_contact > ALIKE[2])
            or (likeness > MORE_ALIKE[0] and area < MORE_ALIKE[1] and best_contact > MORE_ALIKE[2])
        ):
            continue
        for i in range(fills_from[group], fills_from[group + 1]):
            now[fills[i]] = new


@compiled
def _count_contacts(
    group: int,
    labels: NDArray[np.int32],
    border: NDArray[np.int32],
    border_from: NDArray[np.int64],
    of_fill: NDArray[np.int64],
    fills: NDArray[np.int64],
    fills_from: NDArray[np.int64],
    seen: NDArray[np.bool_],
    now: NDArray[np.int64],
    contact: NDArray[np.int64],
    neighbours: NDArray[np.int64],
) -> int:
    # Lists the ids around a group, ascending, and how many pixels of each touch it.
    count = 0
    for i in range(fills_from[group], fills_from[group + 1]):
        for k in range(border_from[fills[i]], border_from[fills[i] + 1]):
            near = border[k]
            other = now[labels[near]]
            if seen[near] or other == 0 or of_fill[labels[near]] == group:
                continue
            seen[near] = True
            if contact[other] == 0:
                at = count
                while at > 0 and neighbours[at - 1] > other:
                    neighbours[at] = neighbours[at - 1]
                    at -= 1
                neighbours[at] = other
                count += 1
            contact[other] += 1
    for i in range(fills_from[group], fills_from[group + 1]):
        for k in range(border_from[fills[i]], border_from[fills[i] + 1]):
            seen[border[k]] = False
    return count


@compiled
def _intersect(histograms: NDArray[np.float64], one: int, other: int, partial: NDArray[np.float64]) -> float:
    # Eight partial sums and then the rest, the order in which NumPy adds up 8 to 128 numbers: the thresholds
    # and the choice between equally alike neighbours hang on the last bit.
    size = histograms.shape[1]
    whole = size - size % 8
    for k in range(8):
        partial[k] = 0.0
    for i in range(0, whole, 8):
        for k in range(8):
            partial[k] += min(histograms[one, i + k], histograms[other, i + k])
    total: float = ((partial[0] + partial[1]) + (partial[2] + partial[3])) + (
        (partial[4] + partial[5]) + (partial[6] + partial[7])
    )
    for i in range(whole, size):
        total += min(histograms[one, i], histograms[other, i])
    return total
