"""Matching the pieces of two frames by likeness of features, size and place."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from configs.sections import MatchingSection
from stages.compiled import compiled
from stages.segmentation import Pieces

STAGE_VERSION = 1
"""Raised whenever results change, so that cached ones of earlier versions are not taken for these."""

BLOCK = 256  # pieces of frame 1 whose features stay in a core's cache while those of frame 0 pass by
STRIP_ELEMENTS = 1 << 22  # affinities ranked at once


@dataclass(frozen=True)
class Matching:
    """The match of each piece in the other frame; n0 and n1 pieces."""

    match01: NDArray[np.int32]
    """(n0,): the piece of frame 1 that each piece of frame 0 matches."""
    match10: NDArray[np.int32]
    """(n1,): the piece of frame 0 that each piece of frame 1 matches."""
    rank_sum01: NDArray[np.int32]
    """(n0,): rank of the match for the piece plus rank of the piece for the match; 0 = mutual best."""
    rank_sum10: NDArray[np.int32]
    """(n1,): the same from frame 1."""
    score01: NDArray[np.float32]
    """(n0,): affinity to the match; 1 at most, negative when far or unlike in size."""
    score10: NDArray[np.float32]
    """(n1,): the same from frame 1."""
    affinity: NDArray[np.float32] | None
    """(n0, n1), where it was asked for."""


def match_pieces(
    features0: NDArray[np.float32],
    features1: NDArray[np.float32],
    pieces0: Pieces,
    pieces1: Pieces,
    section: MatchingSection,
) -> Matching:
    """Match the pieces of two frames, both ways.

    Parameters
    ----------
    features0, features1 : (n0, C), (n1, C) float32
        Rows that sum to 1, as `stages.features` makes them.
    pieces0, pieces1 : Pieces
        The pieces the rows belong to, of two frames of one size.
    section : MatchingSection
        Penalties. The paper's distance limit is 0.15 of the diagonal, the released program's 0.14.

    Returns
    -------
    Matching

    Raises
    ------
    ValueError
        If frames, rows or channels do not fit each other.

    Notes
    -----
    Every candidate has two ranks, 0 = best: among the candidates of its piece of frame 0 and among those of
    its piece of frame 1. A piece matches the candidate with the least sum. Ties go to the lowest index, in
    the ranks and in the choice. Every piece has a match, however bad; the coarse flow decides which count.

    Memory: 8 bytes for each candidate (n0 * n1) and a strip on top, so 0.5 GB for 8,000 pieces each.

    References
    ----------
    Li et al., "Deep Animation Video Interpolation in the Wild", CVPR 2021, section 4.1 (arXiv 2104.02495).
    """
    affinity = score_candidates(features0, features1, pieces0, pieces1, section)
    rank_sum = _rank_sums(affinity)
    match01, match10 = rank_sum.argmin(axis=1), rank_sum.argmin(axis=0)
    rows, columns = np.arange(len(match01)), np.arange(len(match10))
    return Matching(
        match01=match01.astype(np.int32),
        match10=match10.astype(np.int32),
        rank_sum01=rank_sum[rows, match01],
        rank_sum10=rank_sum[match10, columns],
        score01=affinity[rows, match01],
        score10=affinity[match10, columns],
        affinity=affinity if section.keep_affinity else None,
    )


def score_candidates(
    features0: NDArray[np.float32],
    features1: NDArray[np.float32],
    pieces0: Pieces,
    pieces1: Pieces,
    section: MatchingSection,
) -> NDArray[np.float32]:
    """Affinity of every piece of frame 0 to every piece of frame 1; parameters as for `match_pieces`.

    Returns
    -------
    (n0, n1) float32
        Sum of the minima of two feature rows (0..1), less a penalty for unlike areas and one for distance.

    Raises
    ------
    ValueError
        If frames, rows or channels do not fit each other.
    """
    if pieces0.label_map.shape != pieces1.label_map.shape:
        raise ValueError(
            f"the frames of a pair differ in size: {pieces0.label_map.shape} and {pieces1.label_map.shape}"
        )
    for features, pieces in ((features0, pieces0), (features1, pieces1)):
        if features.shape != (pieces.count, features0.shape[-1]):
            raise ValueError(
                f"features have shape {features.shape}; expected {(pieces.count, features0.shape[-1])}, "
                "one row a piece and as many channels in both frames"
            )
    affinity = np.empty((pieces0.count, pieces1.count), np.float32)
    _score(
        np.ascontiguousarray(features0, dtype=np.float32),
        np.ascontiguousarray(features1.T, dtype=np.float32),
        pieces0.area.astype(np.float64),
        pieces1.area.astype(np.float64),
        pieces0.centroid,
        pieces1.centroid,
        float(np.hypot(*pieces0.label_map.shape)),
        section.area_ratio_limit,
        section.area_penalty,
        section.distance_limit,
        section.distance_penalty,
        affinity,
    )
    return affinity


@compiled
def _score(
    features0: NDArray[np.float32],
    features1: NDArray[np.float32],  # (C, n1): pieces side by side, so the inner loop vectorises
    area0: NDArray[np.float64],
    area1: NDArray[np.float64],
    centroid0: NDArray[np.float64],
    centroid1: NDArray[np.float64],
    diagonal: float,
    area_ratio_limit: float,
    area_penalty: float,
    distance_limit: float,
    distance_penalty: float,
    affinity: NDArray[np.float32],
) -> None:
    count0, channels = features0.shape
    count1 = features1.shape[1]
    for start in range(0, count1, BLOCK):
        block = features1[:, start : start + BLOCK].copy()
        size = block.shape[1]
        likeness = np.empty(size, np.float64)
        for i in range(count0):
            # Each sum runs over the channels in order, so it is the same whatever the vector width.
            likeness[:] = 0.0
            for c in range(channels):
                value = features0[i, c]
                for j in range(size):
                    other = block[c, j]
                    likeness[j] += value if value < other else other
            for j in range(size):
                k = start + j
                ratio = max(area0[i] / area1[k], area1[k] / area0[i])
                if ratio > area_ratio_limit:
                    likeness[j] -= ratio / area_penalty
                distance = (
                    np.hypot(centroid0[i, 0] - centroid1[k, 0], centroid0[i, 1] - centroid1[k, 1]) / diagonal
                )
                if distance > distance_limit:
                    likeness[j] -= distance / distance_penalty
                affinity[i, k] = likeness[j]


def _rank_sums(affinity: NDArray[np.float32]) -> NDArray[np.int32]:
    """Rank in the row plus rank in the column of each entry, 0 = largest."""
    count0, count1 = affinity.shape
    rank_sum = np.empty(affinity.shape, np.int32)
    strip = max(1, STRIP_ELEMENTS // count1)
    for start in range(0, count0, strip):
        rank_sum[start : start + strip] = _rank_rows(affinity[start : start + strip])
    strip = max(1, STRIP_ELEMENTS // count0)
    for start in range(0, count1, strip):
        columns = np.ascontiguousarray(affinity[:, start : start + strip].T)
        rank_sum[:, start : start + strip] += _rank_rows(columns).T
    return rank_sum


def _rank_rows(values: NDArray[np.float32]) -> NDArray[np.int32]:
    order = np.argsort(-values, axis=1, kind="stable")
    ranks = np.empty(values.shape, np.int32)
    np.put_along_axis(ranks, order, np.arange(values.shape[1], dtype=np.int32)[None], axis=1)
    return ranks
