"""Merging small fills into the neighbour most alike in colour."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from stages.compiled import compiled

BINS = 25  # per channel; this and the limits below are the released program's
MERGE_BELOW = 500  # px; larger fills stay
LONE_NEIGHBOUR_BELOW = 300  # px; merged whatever the contact when there is one neighbour
LONE_NEIGHBOUR_CONTACT = 2  # px of border; above it, one neighbour is enough up to MERGE_BELOW
ALWAYS_BELOW = 50  # px
VANISH_BELOW = 5  # px; a fill among lines only becomes line
# A fill below the area merges where likeness and contact are above these.
ALIKE = (0.2, 150, 1)
MORE_ALIKE = (0.25, 250, 8)
POINT_TOLERANCE = 0.02  # of a contour's length, when simplifying it


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
    range, joined and divided by their sum. Histograms, areas and pixels of the fills are those of the
    start of a round; a change of id is seen by the later fills of the round. Hence a fill may find its own
    id among its neighbours, where others have merged into it, and then stays. Of equally alike neighbours
    the lowest id wins. The rounds end when one leaves the number of ids as it was.

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
    width = fill_map.shape[1]
    colours = np.ascontiguousarray(frame).reshape(-1, frame.shape[2])
    current = fill_map.astype(np.int32).ravel()
    ids = int(current.max(initial=0)) + 1
    histograms = np.zeros((ids, BINS * frame.shape[2]))
    is_point = np.zeros(ids, bool)
    changed = np.ones(ids, bool)

    for _ in range(rounds):
        order, offsets = sort_pixels(current, ids)
        areas = np.diff(offsets)
        _update_histograms(colours, order, offsets, changed, histograms)
        # Smaller fills merge in any case, so their contours need no look.
        for fill in np.flatnonzero(changed & (areas >= ALWAYS_BELOW) & (areas < MERGE_BELOW)):
            is_point[fill] = _is_point(order[offsets[fill] : offsets[fill + 1]], width)
        changed[:] = False
        ids_before = np.count_nonzero(areas)
        current = _merge_round(current, order, offsets, histograms, is_point, changed, width)
        if np.count_nonzero(np.bincount(current, minlength=ids)) == ids_before:
            break
    return current.reshape(fill_map.shape)


@compiled
def sort_pixels(labels: NDArray[np.int32], ids: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Sort flat pixel indices by label: label i owns `order[offsets[i]:offsets[i + 1]]`, in raster order."""
    offsets = np.zeros(ids + 1, np.int64)
    for label in labels:
        offsets[label + 1] += 1
    for i in range(ids):
        offsets[i + 1] += offsets[i]
    place = offsets[:-1].copy()
    order = np.empty(labels.size, np.int64)
    for pixel in range(labels.size):
        order[place[labels[pixel]]] = pixel
        place[labels[pixel]] += 1
    return order, offsets


@compiled
def _update_histograms(
    colours: NDArray[np.uint8],
    order: NDArray[np.int64],
    offsets: NDArray[np.int64],
    changed: NDArray[np.bool_],
    histograms: NDArray[np.float64],
) -> None:
    channels = colours.shape[1]
    bin_of = np.empty(256, np.int64)
    for fill in range(1, offsets.size - 1):  # lines are nobody's neighbour
        pixels = order[offsets[fill] : offsets[fill + 1]]
        if not changed[fill] or pixels.size == 0:
            continue
        histograms[fill] = 0.0
        for c in range(channels):
            least, most = 255, 0
            for pixel in pixels:
                least = min(least, colours[pixel, c])
                most = max(most, colours[pixel, c])
            _bin_values(least, most, bin_of)
            for pixel in pixels:
                histograms[fill, (channels - 1 - c) * BINS + bin_of[colours[pixel, c]]] += 1.0
        histograms[fill] /= channels * pixels.size


@compiled
def _bin_values(least: int, most: int, bin_of: NDArray[np.int64]) -> None:
    # The bin of each value as numpy.histogram finds it: an edge is start + k * (width / bins) in double
    # precision, a bin holds its lower edge, the last one both; a single value v gets the range v -+ 0.5.
    start, stop = float(least), float(most)
    if least == most:
        start, stop = start - 0.5, stop + 0.5
    step = (stop - start) / BINS
    for value in range(least, most + 1):
        index = min(int((value - start) / (stop - start) * BINS), BINS - 1)
        if value < index * step + start:
            index -= 1
        elif index < BINS - 1 and value >= (index + 1) * step + start:
            index += 1
        bin_of[value] = index


def _is_point(pixels: NDArray[np.int64], width: int) -> bool:
    """Whether the first outer contour of a fill simplifies to one point."""
    rows, columns = np.divmod(pixels, width)
    top, left = rows.min(), columns.min()
    mask = np.zeros((rows.max() - top + 3, columns.max() - left + 3), np.uint8)
    mask[rows - top + 1, columns - left + 1] = 1
    contours, _ = cv2.findContours(mask, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_SIMPLE)
    length = cv2.arcLength(contours[0], True)
    return len(cv2.approxPolyDP(contours[0], POINT_TOLERANCE * length, True)) == 1


@compiled
def _merge_round(
    start: NDArray[np.int32],
    order: NDArray[np.int64],
    offsets: NDArray[np.int64],
    histograms: NDArray[np.float64],
    is_point: NDArray[np.bool_],
    changed: NDArray[np.bool_],
    width: int,
) -> NDArray[np.int32]:
    current = start.copy()
    seen = np.zeros(start.size, np.int32)  # the last fill on whose border a pixel was counted
    contact = np.zeros(offsets.size - 1, np.int64)
    neighbours = np.empty(4 * MERGE_BELOW, np.int64)
    for fill in range(1, offsets.size - 1):
        pixels = order[offsets[fill] : offsets[fill + 1]]
        area = pixels.size
        if area == 0 or area >= MERGE_BELOW:
            continue

        count = 0
        for pixel in pixels:
            x = pixel % width
            for side in range(4):
                if side == 0:
                    near, inside = pixel - width, pixel >= width
                elif side == 1:
                    near, inside = pixel - 1, x > 0
                elif side == 2:
                    near, inside = pixel + 1, x < width - 1
                else:
                    near, inside = pixel + width, pixel + width < start.size
                if not inside or start[near] == fill or seen[near] == fill:
                    continue
                seen[near] = fill
                other = current[near]
                if other == 0:
                    continue
                if contact[other] == 0:
                    neighbours[count] = other
                    count += 1
                contact[other] += 1
        neighbours[:count].sort()

        new, best, likeness, best_contact = fill, -1.0, -1.0, 0
        for i in range(count):
            other = neighbours[i]
            likeness = _intersection(histograms[fill], histograms[other])
            if likeness > best:
                new, best, best_contact = other, likeness, contact[other]
            contact[other] = 0
        if count == 0 and area < VANISH_BELOW:
            new = 0

        # `likeness` is that of the last neighbour, not of the best: the released program's, kept for parity.
        if new != fill and (
            area == 1
            or is_point[fill]
            or (area < LONE_NEIGHBOUR_BELOW and count == 1)
            or (count == 1 and best_contact > LONE_NEIGHBOUR_CONTACT)
            or area < ALWAYS_BELOW
            or (likeness > ALIKE[0] and area < ALIKE[1] and best_contact > ALIKE[2])
            or (likeness > MORE_ALIKE[0] and area < MORE_ALIKE[1] and best_contact > MORE_ALIKE[2])
        ):
            for pixel in pixels:
                current[pixel] = new
            changed[fill] = True
            changed[new] = True
    return current


@compiled
def _intersection(first: NDArray[np.float64], second: NDArray[np.float64]) -> float:
    # Eight partial sums and then the rest, the order in which NumPy adds up 8 to 128 numbers: the thresholds
    # and the choice between equally alike neighbours hang on the last bit.
    partial = np.zeros(8)
    whole = first.size - first.size % 8
    for i in range(whole):
        partial[i % 8] += min(first[i], second[i])
    total: float = ((partial[0] + partial[1]) + (partial[2] + partial[3])) + (
        (partial[4] + partial[5]) + (partial[6] + partial[7])
    )
    for i in range(whole, first.size):
        total += min(first[i], second[i])
    return total
