"""Affinity of the pieces of two frames: how alike their features are, less what size and place speak against.

Computed in strips, as there may be hundreds of millions of candidates.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from configs.sections import MatchingSection
from models.compiled import compiled
from stages.segmentation import Pieces

UNIT = 2.0**-31  # features become whole numbers of it: sums of minima are exact, and sums up to 2 fit 32 bits
SUM_LIMIT = 1.001  # of a row of features: 1, and room for rounding
BLOCK = 64  # pieces of frame 1 whose features stay in a core's cache while those of frame 0 pass by
KEPT_CANDIDATES = 100_000_000  # whose affinity, 4 bytes, is kept between the two rankings

_Described = tuple[NDArray[np.uint32], NDArray[np.float64]]
"""A frame's features (n, C), in units, and places (n, 3)."""


class Candidates:
    """Affinities in strips: of rows first, then of columns.

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

    kept: NDArray[np.float32]
    """Affinities (pieces of frame 0, pieces of frame 1) of the rows that are kept; all rows on request."""

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
        self.frame0 = _in_units("features0", features0, pieces0, channels), _place(pieces0)
        self.frame1 = _in_units("features1", features1, pieces1, channels), _place(pieces1)
        self.penalties = (
            section.area_ratio_limit,
            section.area_penalty,
            section.distance_limit,
            section.distance_penalty,
            float(np.hypot(*pieces0.label_map.shape)),
        )
        rows = pieces0.count if section.keep_affinity else KEPT_CANDIDATES // pieces1.count
        self.kept = np.empty((min(pieces0.count, rows), pieces1.count), np.float32)

    def score_rows(self, rows: slice) -> NDArray[np.float32]:
        """Affinity of some pieces of frame 0 to all of frame 1."""
        affinity = self._score(self.frame0, rows, self.frame1, slice(None))
        self.kept[rows] = affinity[: max(0, len(self.kept) - rows.start)]
        return affinity

    def score_columns(self, columns: slice) -> NDArray[np.float32]:
        """Affinity of some pieces of frame 1 to all of frame 0, once all rows have been scored."""
        known, count0 = len(self.kept), len(self.frame0[0])
        affinity = np.empty((columns.stop - columns.start, count0), np.float32)
        affinity[:, :known] = self.kept[:, columns].T
        if known < count0:
            affinity[:, known:] = self._score(self.frame1, columns, self.frame0, slice(known, None))
        return affinity

    def _score(
        self, frame: _Described, part: slice, other: _Described, other_part: slice
    ) -> NDArray[np.float32]:
        common = _sum_minima(frame[0][part], other[0][other_part])
        return _penalise(common, frame[1][part], other[1][other_part], self.penalties)


def _in_units(name: str, features: NDArray[np.float32], pieces: Pieces, channels: int) -> NDArray[np.uint32]:
    """Features as whole numbers of `UNIT`."""
    wanted = (pieces.count, channels)
    if features.shape != wanted:
        expected = f"{wanted}, one row a piece and as many channels in both frames"
        raise ValueError(f"{name} has shape {features.shape}; expected {expected}")
    # NaN fails both comparisons.
    sums = features.sum(axis=1, dtype=np.float64)
    if features.size and not (features.min() >= 0 and sums.max() <= SUM_LIMIT):
        raise ValueError(f"{name} has values that are negative or not finite, or rows that sum to over 1")
    units: NDArray[np.uint32] = np.rint(features * np.float32(1 / UNIT)).astype(np.uint32)
    return units


def _place(pieces: Pieces) -> NDArray[np.float64]:
    """Area, x and y of the centroid of each piece: (n, 3), px."""
    return np.column_stack([pieces.area, pieces.centroid]).astype(np.float64)


@compiled
def _sum_minima(features0: NDArray[np.uint32], features1: NDArray[np.uint32]) -> NDArray[np.uint32]:
    """Sum the minima over the channels, in tiles of four rows by two columns.

    A tile's values are read once for its eight sums, which stay in registers. Past the end, the last piece
    is taken again.
    """
    sums = np.empty((len(features0), len(features1)), np.uint32)
    last0, last1 = len(features0) - 1, len(features1) - 1
    for start in range(0, last1 + 1, BLOCK):
        for i in range(0, last0 + 1, 4):
            i1, i2, i3 = min(i + 1, last0), min(i + 2, last0), min(i + 3, last0)
            a0, a1, a2, a3 = features0[i], features0[i1], features0[i2], features0[i3]
            for j in range(start, min(start + BLOCK, last1 + 1), 2):
                k = min(j + 1, last1)
                b0, b1 = features1[j], features1[k]
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
                sums[i, j], sums[i, k] = s00, s01
                sums[i1, j], sums[i1, k] = s10, s11
                sums[i2, j], sums[i2, k] = s20, s21
                sums[i3, j], sums[i3, k] = s30, s31
    return sums


@compiled
def _penalise(
    common: NDArray[np.uint32],
    place0: NDArray[np.float64],
    place1: NDArray[np.float64],
    penalties: tuple[float, float, float, float, float],
) -> NDArray[np.float32]:
    affinity = np.empty(common.shape, np.float32)
    ratio_limit, ratio_penalty, distance_limit, distance_penalty, diagonal = penalties
    area1, x1, y1 = place1[:, 0].copy(), place1[:, 1].copy(), place1[:, 2].copy()
    for i in range(len(place0)):
        area0, x0, y0 = place0[i, 0], place0[i, 1], place0[i, 2]
        # np.divide, unlike /, does not look for zeros, so processors can take several j at a time.
        for j in range(len(place1)):
            score = common[i, j] * UNIT
            ratio = np.divide(max(area0, area1[j]), min(area0, area1[j]))
            if ratio > ratio_limit:
                score -= np.divide(ratio, ratio_penalty)
            distance = np.divide(np.sqrt((x0 - x1[j]) ** 2 + (y0 - y1[j]) ** 2), diagonal)
            if distance > distance_limit:
                score -= np.divide(distance, distance_penalty)
            affinity[i, j] = score
    return affinity
