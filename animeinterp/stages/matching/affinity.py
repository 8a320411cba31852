"""Affinity of the pieces of two frames: how alike their features are, less what size and place speak against.

For a piece i of frame 0 and a piece j of frame 1, with the areas a and b, and the centroids d apart, as a
share of the frame's diagonal:

    affinity[i, j] = sum over c of min(features0[i, c], features1[j, c])
                     - r / area_penalty         where r = max(a / b, b / a) > area_ratio_limit
                     - d / distance_penalty     where d > distance_limit

Features are rounded to multiples of 2**-31, which changes affinities by about 1e-8. Sums of integers are
exact in any order, and minima of integers are faster.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from animeinterp.configs.sections import MatchingSection
from animeinterp.models.compiled import compiled
from animeinterp.stages.segmentation import Pieces

UNIT = 2.0**-31  # features become whole numbers of it; sums up to 2 fit 32 bits
SUM_LIMIT = 1.001  # of a row of features: 1, and room for rounding
BLOCK = 64  # pieces of frame 1 whose features stay in a core's cache while those of frame 0 pass by

Rows = NDArray[np.uint32]


class _Described(NamedTuple):
    """Pieces of a frame, n of them, as affinities need them."""

    units: Rows
    """(n, C): features, in units."""
    area: NDArray[np.float64]
    """(n,): px."""
    x: NDArray[np.float64]
    """(n,): of the centroid, px."""
    y: NDArray[np.float64]

    def part(self, part: slice) -> _Described:
        return _Described(self.units[part], self.area[part], self.x[part], self.y[part])


class _Limits(NamedTuple):
    """The limits and divisors of the penalties."""

    area_ratio: float
    area_penalty: float
    distance: float
    distance_penalty: float
    diagonal: float
    """px."""


class Candidates:
    """Every piece of frame 0 beside every piece of frame 1.

    Parameters
    ----------
    features0, features1, pieces0, pieces1, section
        As for `stages.matching.match_pieces`.

    Raises
    ------
    ValueError
        If frames, rows or channels do not fit each other, or features are negative, not finite, or sum to
        more than 1 in a row.
    """

    def __init__(
        self,
        features0: NDArray[np.float32],
        features1: NDArray[np.float32],
        pieces0: Pieces,
        pieces1: Pieces,
        section: MatchingSection,
    ) -> None:
        if pieces0.label_map.shape != pieces1.label_map.shape:
            sizes = f"{pieces0.label_map.shape} and {pieces1.label_map.shape}"
            raise ValueError(f"the frames of a pair differ in size: {sizes}")
        channels = features0.shape[-1]
        self._frame0 = _describe("features0", features0, pieces0, channels)
        self._frame1 = _describe("features1", features1, pieces1, channels)
        self._limits = _Limits(
            section.area_ratio_limit,
            section.area_penalty,
            section.distance_limit,
            section.distance_penalty,
            float(np.hypot(*pieces0.label_map.shape)),
        )

    def score(self, part0: slice, part1: slice) -> NDArray[np.float32]:
        """Affinity of some pieces of frame 0, a row each, to some of frame 1; the same in any parts."""
        frame0, frame1 = self._frame0.part(part0), self._frame1.part(part1)
        return _penalise(_sum_minima(frame0.units, frame1.units), frame0, frame1, self._limits)


def _describe(name: str, features: NDArray[np.float32], pieces: Pieces, channels: int) -> _Described:
    wanted = (pieces.count, channels)
    if features.shape != wanted:
        expected = f"{wanted}, one row a piece and as many channels in both frames"
        raise ValueError(f"{name} has shape {features.shape}; expected {expected}")
    # NaN fails both comparisons.
    sums = features.sum(axis=1, dtype=np.float64)
    if features.size and not (features.min() >= 0 and sums.max() <= SUM_LIMIT):
        raise ValueError(f"{name} has values that are negative or not finite, or rows that sum to over 1")
    units: Rows = np.rint(features * np.float32(1 / UNIT)).astype(np.uint32)
    x, y = np.ascontiguousarray(pieces.centroid.T, np.float64)
    return _Described(units, pieces.area.astype(np.float64), x, y)


@compiled
def _sum_minima(rows0: Rows, rows1: Rows) -> Rows:
    """(n0, n1): the sum of the minima of each row of `rows0` with each row of `rows1`.

    Computed in tiles of four rows by two, which takes a third of the time of one row by one. Where rows run
    out, the last one fills the tile, and its sums are written again.
    """
    sums = np.empty((len(rows0), len(rows1)), np.uint32)
    last0, last1 = len(rows0) - 1, len(rows1) - 1
    for block in range(0, last1 + 1, BLOCK):
        for i in range(0, last0 + 1, 4):
            for j in range(block, min(block + BLOCK, last1 + 1), 2):
                _sum_tile(
                    rows0,
                    (i, min(i + 1, last0), min(i + 2, last0), min(i + 3, last0)),
                    rows1,
                    (j, min(j + 1, last1)),
                    sums,
                )
    return sums


@compiled
def _sum_tile(rows0: Rows, i: tuple[int, int, int, int], rows1: Rows, j: tuple[int, int], sums: Rows) -> None:
    # Each value is read once for all the tile's sums, which stay in registers.
    a0, a1, a2, a3 = rows0[i[0]], rows0[i[1]], rows0[i[2]], rows0[i[3]]
    b0, b1 = rows1[j[0]], rows1[j[1]]
    s00 = s01 = s10 = s11 = s20 = s21 = s30 = s31 = np.uint32(0)
    for c in range(len(b0)):
        s00 += min(a0[c], b0[c])
        s01 += min(a0[c], b1[c])
        s10 += min(a1[c], b0[c])
        s11 += min(a1[c], b1[c])
        s20 += min(a2[c], b0[c])
        s21 += min(a2[c], b1[c])
        s30 += min(a3[c], b0[c])
        s31 += min(a3[c], b1[c])
    sums[i[0], j[0]], sums[i[0], j[1]] = s00, s01
    sums[i[1], j[0]], sums[i[1], j[1]] = s10, s11
    sums[i[2], j[0]], sums[i[2], j[1]] = s20, s21
    sums[i[3], j[0]], sums[i[3], j[1]] = s30, s31


@compiled
def _penalise(common: Rows, frame0: _Described, frame1: _Described, limits: _Limits) -> NDArray[np.float32]:
    """The sums of minima as shares of 1, less the penalties."""
    affinity = np.empty(common.shape, np.float32)
    area1, x1, y1 = frame1.area, frame1.x, frame1.y
    for i in range(len(frame0.area)):
        area0, x0, y0 = frame0.area[i], frame0.x[i], frame0.y[i]
        # np.divide, unlike /, does not look for zeros, so processors can take several j at a time.
        for j in range(len(area1)):
            score = common[i, j] * UNIT
            ratio = np.divide(max(area0, area1[j]), min(area0, area1[j]))
            if ratio > limits.area_ratio:
                score -= np.divide(ratio, limits.area_penalty)
            distance = np.divide(np.sqrt((x0 - x1[j]) ** 2 + (y0 - y1[j]) ** 2), limits.diagonal)
            if distance > limits.distance:
                score -= np.divide(distance, limits.distance_penalty)
            affinity[i, j] = score
    return affinity
