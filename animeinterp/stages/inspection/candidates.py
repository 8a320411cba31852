"""The best candidates of each piece, with the terms of their affinity; for viewing a matching."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from animeinterp.configs.sections import MatchingSection
from animeinterp.stages.matching import EVERY, strips
from animeinterp.stages.matching.affinity import Candidates
from animeinterp.stages.matching.ranking import rank_rows
from animeinterp.stages.segmentation import Pieces


@dataclass(frozen=True)
class BestCandidates:
    """The best candidates of some pieces of a frame, the best first: m pieces, k candidates each.

    The affinity is `likeness - size_penalty - distance_penalty`.
    """

    first: int
    """The pieces are `first`, `first + 1`, ..., to the last: the m largest."""
    piece: NDArray[np.int32]
    """(m, k): the candidate, a piece of the other frame."""
    likeness: NDArray[np.float64]
    """(m, k): sum of the minima of both rows of features, 0..1."""
    size_penalty: NDArray[np.float64]
    """(m, k): 0 or more."""
    distance_penalty: NDArray[np.float64]
    """(m, k): 0 or more."""
    rank: NDArray[np.int32]
    """(m, k): rank of the candidate for the piece, 0 = most alike."""
    rank_back: NDArray[np.int32]
    """(m, k): rank of the piece for the candidate; both ranks together are the rank sum."""


def best_candidates(
    features0: NDArray[np.float32],
    features1: NDArray[np.float32],
    pieces0: Pieces,
    pieces1: Pieces,
    section: MatchingSection,
    *,
    candidates: int = 10,
    pieces: int = 1000,
) -> tuple[BestCandidates, BestCandidates]:
    """Find the candidates that matching chose from, both ways.

    Parameters
    ----------
    features0, features1, pieces0, pieces1, section
        As for `stages.matching.match_pieces`.
    candidates
        Most candidates of a piece.
    pieces
        Most pieces of a frame, the largest.

    Returns
    -------
    tuple of BestCandidates
        Of the pieces of frame 0, and of those of frame 1. The first candidate of a piece is its match.

    Raises
    ------
    ValueError
        As for `match_pieces`.

    Notes
    -----
    Candidates are ordered by their rank sum, equal ones by their index, as the match is chosen. Takes about
    twice the memory of matching: the ranks of all candidates, 4 bytes each.
    """
    scored = Candidates(features0, features1, pieces0, pieces1, section)
    count0, count1 = pieces0.count, pieces1.count
    in_row = np.concatenate([rank_rows(scored.score(rows, EVERY)) for rows in strips(count0, count1)])
    in_column = np.concatenate([rank_rows(scored.score(EVERY, part).T) for part in strips(count1, count0)])
    described0, described1 = (features0, pieces0), (features1, pieces1)
    return (
        _best(in_row, in_column.T, described0, described1, section, candidates, pieces),
        _best(in_column, in_row.T, described1, described0, section, candidates, pieces),
    )


_Described = tuple[NDArray[np.float32], Pieces]


def _best(
    rank: NDArray[np.unsignedinteger],
    rank_back: NDArray[np.unsignedinteger],
    own: _Described,
    other: _Described,
    section: MatchingSection,
    candidates: int,
    pieces: int,
) -> BestCandidates:
    first = max(0, len(rank) - pieces)  # numbers ascend with the area
    there, back = rank[first:].astype(np.int32), rank_back[first:].astype(np.int32)
    chosen = np.argsort(there + back, axis=1, kind="stable")[:, :candidates].astype(np.int32)
    numbers = np.broadcast_to(np.arange(first, first + len(there))[:, None], chosen.shape)
    likeness, size_penalty, distance_penalty = affinity_terms(own, other, numbers, chosen, section)
    return BestCandidates(
        first,
        chosen,
        likeness,
        size_penalty,
        distance_penalty,
        np.take_along_axis(there, chosen, axis=1),
        np.take_along_axis(back, chosen, axis=1),
    )


def affinity_terms(
    own: _Described,
    other: _Described,
    numbers: NDArray[np.integer],
    chosen: NDArray[np.integer],
    section: MatchingSection,
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
    """The terms of the affinities of some candidates.

    Parameters
    ----------
    own, other
        Features and pieces of the frame and of the other one.
    numbers, chosen
        (m, k): pieces of the frame, and their candidates.
    section
        Penalties.

    Returns
    -------
    likeness, size_penalty, distance_penalty : (m, k) float64
        The affinity is the first less the other two.
    """
    (features0, pieces0), (features1, pieces1) = own, other
    likeness = np.stack(
        [
            np.minimum(features0[row], features1[found]).sum(axis=1, dtype=np.float64)
            for row, found in zip(numbers, chosen, strict=True)
        ]
    )
    area0, area1 = pieces0.area[numbers].astype(np.float64), pieces1.area[chosen].astype(np.float64)
    ratio = np.maximum(area0 / area1, area1 / area0)
    shift = pieces1.centroid[chosen] - pieces0.centroid[numbers]
    distance = np.hypot(shift[..., 0], shift[..., 1]) / np.hypot(*pieces0.label_map.shape)
    return (
        likeness,
        np.where(ratio > section.area_ratio_limit, ratio / section.area_penalty, 0),
        np.where(distance > section.distance_limit, distance / section.distance_penalty, 0),
    )
