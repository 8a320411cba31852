"""The candidates between which every pixel chooses: flows that inverse searches find from several starts."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

from animeinterp.models.arrays import Flow, Frame
from animeinterp.stages.inverse_search.dominant_motions import (
    consistent_vectors,
    dominant_motions,
    sampled_vectors,
)
from animeinterp.stages.inverse_search.flow_agreement import FloatMap, agreement

SMALLEST_SIDE = 32  # px; smaller frames are padded for the search, which works on patches at several scales
FINEST_SCALE = 1  # half size, as OpenCV's preset "medium" has it
# Chosen by the frames of drawn pairs and of real ones, see docs/quality.md.
MOST_MOTIONS = 3
LEAST_MOTION = 4.0  # px; what moves less is found by the search from rest
# Costs of 0..1 that these candidates bear besides: rest is preferred, being right for held drawings, and the
# coarse flow is least sharp.
REST_HANDICAP, COARSE_HANDICAP = -0.003, 0.01


class Candidate(NamedTuple):
    """One answer for the whole pair, both ways; one vector everywhere takes no memory."""

    flow01: Flow
    flow10: Flow
    handicap: float = 0.0

    def turned(self) -> Candidate:
        """The same with the frames exchanged."""
        return Candidate(self.flow10, self.flow01, self.handicap)


def find_candidates(frame0: Frame, frame1: Frame, coarse01: Flow, coarse10: Flow) -> list[Candidate]:
    """Rest, the coarse flow, what is found from each; each dominant motion, and what is found from it.

    Where nothing moves in the coarse flow, it is left out.
    """
    coarse = Candidate(coarse01, coarse10, COARSE_HANDICAP)
    search = _Search(frame0, frame1)
    starts = [_everywhere(np.zeros(2, np.float32), frame0.shape[:2], REST_HANDICAP)]
    if coarse01.any() or coarse10.any():
        starts.append(coarse)
    searched = [search.start_from(start) for start in starts]
    found = [*starts, *searched]
    for motion in dominant_motions(list(_votes(frame0, frame1, coarse, searched)), MOST_MOTIONS):
        if np.hypot(*motion) >= LEAST_MOTION:
            moved = _everywhere(motion, frame0.shape[:2])
            found += [moved, search.start_from(moved)]
    return found


def _votes(frame0: Frame, frame1: Frame, coarse: Candidate, searched: list[Candidate]) -> Iterator[FloatMap]:
    """Vectors from frame 0 to frame 1 that the searches agree on both ways, and those of pieces that move."""
    for flow01, flow10, _ in searched:
        yield consistent_vectors(flow01, agreement(frame0, frame1, flow01, flow10))
        yield -consistent_vectors(flow10, agreement(frame1, frame0, flow10, flow01))
    yield sampled_vectors(coarse.flow01, (coarse.flow01 != 0).any(axis=0))
    yield -sampled_vectors(coarse.flow10, (coarse.flow10 != 0).any(axis=0))


def _everywhere(motion: FloatMap, size: tuple[int, ...], handicap: float = 0.0) -> Candidate:
    flow01, flow10 = (np.broadcast_to(way[:, None, None], (2, *size)) for way in (motion, -motion))
    return Candidate(flow01, flow10, handicap)


class _Search:
    """OpenCV's dense inverse search between two frames, both ways, from any start."""

    def __init__(self, frame0: Frame, frame1: Frame) -> None:
        self._size = frame0.shape[:2]
        below, right = (max(0, SMALLEST_SIDE - side) for side in self._size)
        self._border = ((0, below), (0, right))
        self._greys = [np.pad(grey_values(frame), self._border, mode="edge") for frame in (frame0, frame1)]
        self._search = cv2.DISOpticalFlow.create(cv2.DISOPTICAL_FLOW_PRESET_MEDIUM)

    def start_from(self, start: Candidate) -> Candidate:
        """Search both ways from the flows of a candidate."""
        return Candidate(
            self._one_way(start.flow01, *self._greys), self._one_way(start.flow10, *self._greys[::-1])
        )

    def _one_way(self, start: Flow, grey0: NDArray[np.uint8], grey1: NDArray[np.uint8]) -> Flow:
        padded = np.pad(start, ((0, 0), *self._border), mode="edge")
        # Each time anew: OpenCV changes it for small pictures, and leaves it so.
        self._search.setFinestScale(FINEST_SCALE)
        found = self._search.calc(grey0, grey1, np.ascontiguousarray(padded.transpose(1, 2, 0)))
        height, width = self._size
        return np.ascontiguousarray(found[:height, :width].transpose(2, 0, 1), np.float32)


def grey_values(frame: Frame) -> NDArray[np.uint8]:
    """Grey values of a frame, 0..255."""
    return np.asarray(cv2.cvtColor(frame, cv2.COLOR_RGB2GRAY), np.uint8)
