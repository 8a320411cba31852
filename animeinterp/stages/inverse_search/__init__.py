"""Refinement without weights: dense inverse search from several starts, the best answer in each region.

An inverse search finds what lies near its start, so for large motions the start matters. The steps:

1. `flow_candidates.py`: search from the coarse flow, from rest, and from each of the few translations that
   most pixels of the pair follow (`dominant_motions.py`). The candidates are the starts and what the searches
   found.
2. `flow_agreement.py`: how much the colours differ where a candidate leads, and how far the flow back misses
   the start.
3. `guided_filter.py`: average this cost over the surroundings of a pixel, up to the next edge. The mean over
   the pixel's piece is added.
4. Here: each pixel takes the cheapest candidate, first without the flow back, then with it. The first choice
   is made at half size: it is the flow back of the second, which leaves out what hardly any pixel took.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

from animeinterp.models.arrays import Flow, Frame, check_pair
from animeinterp.models.compiled import compiled
from animeinterp.stages.inverse_search.flow_agreement import FloatMap, agreement
from animeinterp.stages.inverse_search.flow_candidates import Candidate, find_candidates, grey_values
from animeinterp.stages.inverse_search.guided_filter import GuidedFilter
from animeinterp.stages.refinement import RefinedFlow

# All were chosen by the frames of drawn pairs and of real ones, see docs/quality.md.
MOST_DIFFERENCE = 0.15  # of colour, 0..1: larger differences are never a match
OUTSIDE_COST = 0.7  # of leaving the frame, in units of that
INCONSISTENT_COST = 0.5  # of not leading home, in the same units, reached at
INCONSISTENT_FROM = 3.0  # px
RADIUS, FLAT_BELOW = 8, 1e-4  # of the guided filter at full size: px; variance of grey values
PIECE_WEIGHT = 1.0  # of the mean cost of the piece, beside that of the pixel's surroundings
LEAST_SHARE = 0.001  # of the pixels of both frames, that a candidate must have in the first choice
MEDIAN_SIDE = 5  # px; evens out where neighbouring pixels chose differently
FRACTION = np.float32(64)  # vectors are whole multiples of 1/64 px, which are far finer than they are right


class _Side(NamedTuple):
    """One frame as the choice sees it."""

    frame: Frame
    smooth: GuidedFilter
    label_map: NDArray[np.int32]
    area: NDArray[np.int64]


class _Choice(NamedTuple):
    """What the pixels of a frame take."""

    flow: Flow
    takers: NDArray[np.int64]
    """Pixels that take each candidate."""


def search_flows(
    frame0: Frame,
    frame1: Frame,
    coarse_flow01: Flow,
    coarse_flow10: Flow,
    label_maps: Sequence[NDArray[np.int32]] | None = None,
) -> RefinedFlow:
    """Refine the flows between two frames by dense inverse search.

    Parameters
    ----------
    frame0, frame1 : (H, W, 3) uint8
        RGB, of one size.
    coarse_flow01, coarse_flow10 : (2, H, W) float32
        x before y, px; finite.
    label_maps : two (H, W) int32, optional
        The piece of each pixel of frame 0 and of frame 1, from 0. Without them a frame counts as one piece.

    Returns
    -------
    RefinedFlow
        Both directions, in multiples of 1/64 px. Exchanging the frames exchanges the results, but for ties.

    Raises
    ------
    ValueError
        Shapes that do not fit each other, another dtype, a flow that is not finite or carries every pixel
        out of the frame; the message names the argument.

    Notes
    -----
    Pixels that are hidden in the other frame match nowhere. The vectors that they get are of little use, and
    can be told by not leading home.

    References
    ----------
    T. Kroeger et al., "Fast Optical Flow Using Dense Inverse Search", ECCV 2016
    (doi:10.1007/978-3-319-46493-0_29).
    C. Rhemann et al., "Fast Cost-Volume Filtering for Visual Correspondence and Beyond", CVPR 2011
    (doi:10.1109/CVPR.2011.5995372).
    """
    check_pair(frame0, frame1, coarse_flow01=coarse_flow01, coarse_flow10=coarse_flow10)
    maps = label_maps or [np.zeros(frame0.shape[:2], np.int32)] * 2
    for label_map in maps:
        if label_map.shape != frame0.shape[:2]:
            raise ValueError(f"a label map has shape {label_map.shape}; the frame is {frame0.shape[:2]}")
    candidates = find_candidates(frame0, frame1, coarse_flow01, coarse_flow10)
    likely, back = _first_choice((frame0, frame1), maps, candidates)
    found01, found10 = (choice.flow for choice in _choose_both((frame0, frame1), maps, likely, RADIUS, back))
    return RefinedFlow(_evened(found01), _evened(found10))


def _first_choice(
    frames: Sequence[Frame], label_maps: Sequence[NDArray[np.int32]], candidates: list[Candidate]
) -> tuple[list[Candidate], list[Flow]]:
    """Choose at half size: the candidates that some pixels take, and the flows chosen, at full size."""
    small = [_halved_frame(frame) for frame in frames]
    small_maps = [np.ascontiguousarray(label_map[::2, ::2]) for label_map in label_maps]
    halved = [_halved(candidate) for candidate in candidates]
    choices = _choose_both(small, small_maps, halved, RADIUS // 2)
    takers = choices[0].takers + choices[1].takers
    least = LEAST_SHARE * 2 * small_maps[0].size
    likely = [one for one, number in zip(candidates, takers, strict=True) if number >= least]
    return likely, [_doubled(choice.flow, frames[0].shape[:2]) for choice in choices]


def _halved_frame(frame: Frame) -> Frame:
    height, width = ((side + 1) // 2 for side in frame.shape[:2])
    return np.asarray(cv2.resize(frame, (width, height), interpolation=cv2.INTER_AREA), np.uint8)


def _halved(candidate: Candidate) -> Candidate:
    half = np.float32(0.5)
    return Candidate(
        candidate.flow01[:, ::2, ::2] * half, candidate.flow10[:, ::2, ::2] * half, candidate.handicap
    )


def _doubled(flow: Flow, size: tuple[int, ...]) -> Flow:
    height, width = size
    large: Flow = (2 * flow).repeat(2, axis=1).repeat(2, axis=2)[:, :height, :width]
    return np.ascontiguousarray(large)


def _choose_both(
    frames: Sequence[Frame],
    label_maps: Sequence[NDArray[np.int32]],
    candidates: list[Candidate],
    radius: int,
    flows: Sequence[Flow] | None = None,
) -> tuple[_Choice, _Choice]:
    """Choose in both directions; `flows` are those chosen before, against which the flow back is checked."""
    side0, side1 = (_side(frame, labels, radius) for frame, labels in zip(frames, label_maps, strict=True))
    back0, back1 = (None, None) if flows is None else (flows[1], flows[0])
    turned = [candidate.turned() for candidate in candidates]
    return _choose(side0, side1.frame, candidates, back0), _choose(side1, side0.frame, turned, back1)


def _side(frame: Frame, label_map: NDArray[np.int32], radius: int) -> _Side:
    grey = grey_values(frame).astype(np.float32) / np.float32(255)
    return _Side(frame, GuidedFilter(grey, radius, FLAT_BELOW), label_map, np.bincount(label_map.ravel()))


def _choose(side: _Side, other: Frame, candidates: list[Candidate], back: Flow | None) -> _Choice:
    """The best candidate of each pixel of a frame; `back` is the flow chosen for the other."""
    least = np.full(side.label_map.shape, np.inf, np.float32)
    best = np.zeros(least.shape, np.uint8)
    flow = np.zeros((2, *least.shape), np.float32)
    for number, candidate in enumerate(candidates):
        cost = _cost(side, other, candidate.flow01, back)
        cost += np.float32(candidate.handicap)
        better = cost < least
        np.copyto(least, cost, where=better)
        np.copyto(flow, candidate.flow01, where=better)
        best[better] = number
    return _Choice(flow, np.bincount(best.ravel(), minlength=len(candidates)))


def _cost(side: _Side, other: Frame, flow: Flow, back: Flow | None) -> FloatMap:
    found = agreement(side.frame, other, np.ascontiguousarray(flow), back)
    cost = np.minimum(found.difference, np.float32(MOST_DIFFERENCE))
    if back is not None:
        share = np.minimum(found.inconsistency / np.float32(INCONSISTENT_FROM), 1)
        cost += np.float32(INCONSISTENT_COST * MOST_DIFFERENCE) * share
    cost[found.outside] = OUTSIDE_COST * MOST_DIFFERENCE
    means = _piece_sums(cost, side.label_map, len(side.area)) / np.maximum(side.area, 1)
    total: FloatMap = side.smooth(cost)
    total += (PIECE_WEIGHT * means).astype(np.float32).take(side.label_map)
    return total


@compiled
def _piece_sums(values: FloatMap, label_map: NDArray[np.int32], count: int) -> NDArray[np.float64]:
    sums = np.zeros(count)
    for y in range(len(values)):
        for x in range(values.shape[1]):
            sums[label_map[y, x]] += values[y, x]
    return sums


def _evened(flow: Flow) -> Flow:
    even = np.stack([cv2.medianBlur(np.ascontiguousarray(plane), MEDIAN_SIDE) for plane in flow])
    rounded: Flow = (np.rint(even * FRACTION) / FRACTION).astype(np.float32)
    return rounded
