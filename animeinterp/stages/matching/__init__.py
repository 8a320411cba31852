"""Matching: find for each piece of a frame the most similar piece of the other frame.

This is the second part of the paper's Segment-Guided Matching. `match_pieces` shows the steps:

1. `affinity.py`: how alike any two pieces are in their features, less penalties for size and distance.
2. `ranking.py`: the rank of each candidate, once for the piece of frame 0 and once for that of frame 1.
3. Here: of all its candidates, a piece matches the one with the smallest sum of both ranks.

A frame may have thousands of pieces and a pair hundreds of millions of candidates, so they are scored and
ranked in strips.

`tests/plain/matching.py` is the same algorithm without regard to memory: whole matrices and stable sorting.
The tests compare the results with it, and with the released program's on real frames.

References
----------
Li et al., "Deep Animation Video Interpolation in the Wild", CVPR 2021, Segment-Guided Matching
(arXiv 2104.02495).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from animeinterp.configs.sections import MatchingSection
from animeinterp.stages.matching.affinity import Candidates
from animeinterp.stages.matching.ranking import rank_rows, rank_type
from animeinterp.stages.segmentation import Pieces

STRIP_CANDIDATES = 1 << 20  # scored and ranked at once
KEPT_CANDIDATES = 100_000_000  # whose affinity, 4 bytes, is kept between the two rankings
EVERY = slice(None)


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
        Rows >= 0 that sum to 1 or are all 0, as `stages.features` makes them.
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
        If frames, rows or channels do not fit each other, or features are negative, not finite, or sum to
        more than 1 in a row.

    Notes
    -----
    Ties go to the lowest index, in the ranks and in the choice. But for them, exchanging the frames exchanges
    the results. Every piece has a match, however bad; the coarse flow decides which count.

    Time and memory grow with n0 * n1. A candidate takes 2 bytes for one of its ranks and 4 for its affinity;
    of more than a hundred million candidates the affinities are computed again when frame 1's turn comes,
    unless `section.keep_affinity` asks for them. With 960 channels, 2,000 pieces a frame take 0.1 GB, 14,025
    take 0.5 GB, and the most that segmentation can make, 23,001, take 1.2 GB.
    """
    candidates = Candidates(features0, features1, pieces0, pieces1, section)
    count0, count1 = pieces0.count, pieces1.count
    rank_in_row = np.empty((count0, count1), rank_type(count1))
    keep = section.keep_affinity or rank_in_row.size <= KEPT_CANDIDATES
    kept = np.empty(rank_in_row.shape, np.float32) if keep else None
    for rows in strips(count0, count1):
        affinity01 = candidates.score(rows, EVERY)
        rank_in_row[rows] = rank_rows(affinity01)
        if kept is not None:
            kept[rows] = affinity01
    found = Matching(
        match01=np.zeros(count0, np.int32),
        match10=np.zeros(count1, np.int32),
        rank_sum01=np.full(count0, count0 + count1, np.int32),
        rank_sum10=np.zeros(count1, np.int32),
        score01=np.zeros(count0, np.float32),
        score10=np.zeros(count1, np.float32),
        affinity=kept if section.keep_affinity else None,
    )
    for columns in strips(count1, count0):
        affinity10 = (candidates.score(EVERY, columns) if kept is None else kept[:, columns]).T
        rank_sum = np.add(rank_rows(affinity10), rank_in_row[:, columns].T, dtype=np.int32)
        _enter(found, columns, rank_sum, affinity10)
    return found


def strips(count: int, length: int) -> Iterator[slice]:
    """Parts of `count` pieces, with `length` candidates each, that are scored and ranked at once."""
    step = max(1, STRIP_CANDIDATES // length)
    for start in range(0, count, step):
        yield slice(start, min(start + step, count))


def _enter(
    found: Matching, columns: slice, rank_sum: NDArray[np.int32], affinity: NDArray[np.float32]
) -> None:
    """Enter a strip of pieces of frame 1, with the rank sums and affinities of all their candidates."""
    every = np.arange(len(rank_sum))
    nearest = rank_sum.argmin(axis=1)
    found.match10[columns] = nearest
    found.rank_sum10[columns] = rank_sum[every, nearest]
    found.score10[columns] = affinity[every, nearest]
    # Only a smaller sum takes the place of an earlier strip's, so ties stay with the lowest index.
    better = np.flatnonzero(rank_sum.min(axis=0) < found.rank_sum01)
    nearest = rank_sum[:, better].argmin(axis=0)
    found.match01[better] = columns.start + nearest
    found.rank_sum01[better] = rank_sum[nearest, better]
    found.score01[better] = affinity[nearest, better]
