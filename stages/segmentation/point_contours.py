"""Which groups of fills have a contour that simplifies to a single point."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from models.compiled import compiled
from stages.segmentation.fill_lists import FillLists, Groups

TOLERANCE = 0.02  # of a contour's length, when simplifying it; released program


def update_points(
    is_point: NDArray[np.bool_], asked: NDArray[np.bool_], fills: FillLists, groups: Groups
) -> None:
    """Say in place which groups' first outer contours simplify to one point.

    Parameters
    ----------
    is_point : (ids,) bool
        The answers.
    asked : (ids,) bool
        The groups to look at, made of small fills only; lines are left out.
    fills : FillLists
    groups : Groups

    Notes
    -----
    "First" is OpenCV's order of contours, which matters for a group in several parts: one of them may be a
    single pixel. Otherwise hardly any contour is that long for its extent, and most are ruled out without
    following them. On real frames none is left beyond groups of one pixel.

    References
    ----------
    Douglas & Peucker, "Algorithms for the reduction of the number of points required to represent a digitized
    line or its caricature", Cartographica 1973 (doi:10.3138/FM57-6770-U75U-7727).
    """
    asked = asked & (np.arange(asked.size) > 0)
    is_point[asked] = True
    _rule_out(
        is_point,
        asked,
        fills.labels.ravel(),
        fills.neighbours,
        fills.pixels,
        fills.pixels_from,
        groups.of_fill,
        groups.fills,
        groups.fills_from,
        groups.areas,
        np.zeros(fills.labels.size, np.bool_),
        np.empty(groups.areas.max(initial=0, where=asked), np.int64),
    )
    for group in np.flatnonzero(is_point & asked).tolist():
        is_point[group] = _simplifies_to_point(group, fills, groups)


def _simplifies_to_point(group: int, fills: FillLists, groups: Groups) -> bool:
    members = groups.fills[groups.fills_from[group] : groups.fills_from[group + 1]]
    pixels = np.concatenate([fills.pixels[fills.pixels_from[i] : fills.pixels_from[i + 1]] for i in members])
    rows, columns = np.unravel_index(pixels, fills.labels.shape)
    box = fills.labels[rows.min() : rows.max() + 1, columns.min() : columns.max() + 1]
    mask = (groups.of_fill[box] == group).view(np.uint8)
    contours, _ = cv2.findContours(mask, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_SIMPLE)
    length = cv2.arcLength(contours[0], True)
    return len(cv2.approxPolyDP(contours[0], TOLERANCE * length, True)) == 1


@compiled
def _rule_out(
    is_point: NDArray[np.bool_],
    asked: NDArray[np.bool_],
    labels: NDArray[np.int32],
    neighbours: NDArray[np.int64],
    pixels: NDArray[np.int32],
    pixels_from: NDArray[np.int64],
    of_fill: NDArray[np.int64],
    fills: NDArray[np.int64],
    fills_from: NDArray[np.int64],
    areas: NDArray[np.int64],
    seen: NDArray[np.bool_],
    part: NDArray[np.int64],
) -> None:
    # A contour that simplifies to a point lies within the tolerance of it, and so extends over at most twice
    # the tolerance. Its length is less than twice the number of sides of pixels around the group.
    for group in range(1, areas.size):
        if not asked[group]:
            continue
        # The 4-connected part of the group that holds its first pixel.
        part[0] = pixels[pixels_from[fills[fills_from[group]]]]
        seen[part[0]] = True
        size = 1
        done = 0
        sides = 0
        stride = neighbours[-1]
        top = bottom = part[0] // stride
        left = right = part[0] % stride
        while done < size:
            y, x = part[done] // stride, part[done] % stride
            top, bottom, left, right = min(top, y), max(bottom, y), min(left, x), max(right, x)
            for step in neighbours:
                near = part[done] + step
                if of_fill[labels[near]] != group:
                    sides += 1
                elif not seen[near]:
                    seen[near] = True
                    part[size] = near
                    size += 1
            done += 1
        extent = max(right - left, bottom - top)
        if size == areas[group] and extent > 2 * TOLERANCE * 2 * sides:
            is_point[group] = False
