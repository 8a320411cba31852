"""Refinement without weights: dense inverse search from several starts, the best answer in each region.

An inverse search finds what lies near its start, so with large motions it matters where it begins. Here it
begins from the coarse flow, from rest, and from each of the few translations that most pixels of the pair
follow. These searches, the coarse flow, the translations and rest are the candidates. Each pixel takes the
one under which its surroundings look most alike in both frames and which the flow back confirms. Its
surroundings are its piece, and what lies near without an edge between.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

from models.arrays import Flow, Frame, check_pair
from models.compiled import compiled
from stages.inverse_search.dominant_motions import consistent_vectors, dominant_motions, sampled_vectors
from stages.inverse_search.flow_agreement import FloatMap, agreement
from stages.inverse_search.guided_filter import GuidedFilter
from stages.refinement import RefinedFlow

STAGE_VERSION = 1
"""Raised whenever results change, so that cached ones of earlier versions are not taken for these."""

SMALLEST_SIDE = 32  # px; smaller frames are padded for the search, which works on patches at several scales

# All were chosen by the frames of drawn pairs and of real ones, see docs/quality.md.
MOST_MOTIONS = 3
LEAST_MOTION = 4.0  # px; what moves less is found by the search from rest

MOST_DIFFERENCE = 0.15  # of colour, 0..1: what differs more is no match either way
OUTSIDE_COST = 0.7  # of leaving the frame, in units of that
INCONSISTENT_COST = 0.5  # of not leading home, in the same units, reached at
INCONSISTENT_FROM = 3.0  # px
RADIUS, FLAT_BELOW = 8, 1e-4  # of the guided filter: px; variance of grey values
PIECE_WEIGHT = 1.0  # of the mean cost of the piece, beside that of the pixel's surroundings
# Costs of 0..1 that these candidates bear besides: rest is preferred, being right for held drawings, and the
# coarse flow is least sharp.
REST_HANDICAP, COARSE_HANDICAP = -0.003, 0.01
MEDIAN_SIDE = 5  # px; evens out where neighbouring pixels chose differently
FRACTION = np.float32(64)  # vectors are whole multiples of 1/64 px, which are far finer than they are right


class _Candidate(NamedTuple):
    """One answer for the whole pair, both ways."""

    flow01: Flow
    flow10: Flow
    handicap: float = 0.0

    def turned(self) -> _Candidate:
        """The same with the frames exchanged."""
        return _Candidate(self.flow10, self.flow01, self.handicap)


class _Side(NamedTuple):
    """One frame as the choice sees it."""

    frame: Frame
    smooth: GuidedFilter
    label_map: NDArray[np.int32]
    area: NDArray[np.int64]


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
    The cost of a candidate at a pixel is the colour difference to where it ends, capped; the guided filter
    averages it along the edges of the frame, and the mean over the pixel's piece is added. After a first
    choice the costs are taken again with a share for vectors that the chosen flow back does not lead home.
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
    sides = _side(frame0, maps[0]), _side(frame1, maps[1])
    candidates = _candidates(frame0, frame1, _Candidate(coarse_flow01, coarse_flow10, COARSE_HANDICAP))
    turned = [candidate.turned() for candidate in candidates]
    first01 = _choose(sides[0], sides[1].frame, candidates, None)
    first10 = _choose(sides[1], sides[0].frame, turned, None)
    return RefinedFlow(
        _evened(_choose(sides[0], sides[1].frame, candidates, first10)),
        _evened(_choose(sides[1], sides[0].frame, turned, first01)),
    )


def _side(frame: Frame, label_map: NDArray[np.int32]) -> _Side:
    gray = _gray(frame).astype(np.float32) / np.float32(255)
    if label_map.shape != frame.shape[:2]:
        raise ValueError(f"a label map has shape {label_map.shape}; the frame is {frame.shape[:2]}")
    return _Side(frame, GuidedFilter(gray, RADIUS, FLAT_BELOW), label_map, np.bincount(label_map.ravel()))


def _gray(frame: Frame) -> NDArray[np.uint8]:
    return np.asarray(cv2.cvtColor(frame, cv2.COLOR_RGB2GRAY), np.uint8)


def _candidates(frame0: Frame, frame1: Frame, coarse: _Candidate) -> list[_Candidate]:
    search = _Search(frame0, frame1)
    rest = _everywhere(np.zeros(2, np.float32), frame0.shape[:2], REST_HANDICAP)
    searched = [search.start_from(start) for start in (rest, coarse)]
    found = [rest, coarse, *searched]
    for motion in dominant_motions(list(_votes(frame0, frame1, coarse, searched)), MOST_MOTIONS):
        if np.hypot(*motion) >= LEAST_MOTION:
            moved = _everywhere(motion, frame0.shape[:2])
            found += [moved, search.start_from(moved)]
    return found


def _votes(
    frame0: Frame, frame1: Frame, coarse: _Candidate, searched: list[_Candidate]
) -> Iterator[FloatMap]:
    """Vectors from frame 0 to frame 1 that the searches agree on both ways, and those of pieces that move."""
    for flow01, flow10, _ in searched:
        yield consistent_vectors(flow01, agreement(frame0, frame1, flow01, flow10))
        yield -consistent_vectors(flow10, agreement(frame1, frame0, flow10, flow01))
    yield sampled_vectors(coarse.flow01, (coarse.flow01 != 0).any(axis=0))
    yield -sampled_vectors(coarse.flow10, (coarse.flow10 != 0).any(axis=0))


def _everywhere(motion: FloatMap, size: tuple[int, ...], handicap: float = 0.0) -> _Candidate:
    flow = np.empty((2, *size), np.float32)
    flow[:] = motion[:, None, None]
    return _Candidate(flow, -flow, handicap)


class _Search:
    """OpenCV's dense inverse search between two frames, both ways, from any start."""

    def __init__(self, frame0: Frame, frame1: Frame) -> None:
        self._size = frame0.shape[:2]
        below, right = (max(0, SMALLEST_SIDE - side) for side in self._size)
        self._border = ((0, below), (0, right))
        self._grays = [np.pad(_gray(frame), self._border, mode="edge") for frame in (frame0, frame1)]
        self._search = cv2.DISOpticalFlow.create(cv2.DISOPTICAL_FLOW_PRESET_MEDIUM)

    def start_from(self, start: _Candidate) -> _Candidate:
        """Search both ways from the flows of a candidate."""
        return _Candidate(
            self._one_way(start.flow01, *self._grays), self._one_way(start.flow10, *self._grays[::-1])
        )

    def _one_way(self, start: Flow, gray0: NDArray[np.uint8], gray1: NDArray[np.uint8]) -> Flow:
        padded = np.pad(start, ((0, 0), *self._border), mode="edge")
        found = self._search.calc(gray0, gray1, np.ascontiguousarray(padded.transpose(1, 2, 0)))
        height, width = self._size
        return np.ascontiguousarray(found[:height, :width].transpose(2, 0, 1), np.float32)


def _choose(side: _Side, other: Frame, candidates: list[_Candidate], back: Flow | None) -> Flow:
    """The best candidate's vector at each pixel of a frame; `back` is the flow chosen for the other."""
    best = np.full(side.label_map.shape, np.inf, np.float32)
    flow = np.zeros((2, *best.shape), np.float32)
    for candidate in candidates:
        cost = _cost(side, other, candidate.flow01, back)
        cost += np.float32(candidate.handicap)
        better = cost < best
        np.copyto(best, cost, where=better)
        np.copyto(flow, candidate.flow01, where=better)
    return flow


def _cost(side: _Side, other: Frame, flow: Flow, back: Flow | None) -> FloatMap:
    found = agreement(side.frame, other, flow, back)
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
