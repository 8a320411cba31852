"""Matching the pieces of two frames by likeness of features, size and place."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from configs.sections import MatchingSection
from models.compiled import compiled
from stages.matching.affinity import Candidates
from stages.segmentation import Pieces

STAGE_VERSION = 2
"""Raised whenever results change, so that cached ones of earlier versions are not taken for these."""

STRIP_CANDIDATES = 1 << 22  # scored and ranked at once


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
    Affinity is the sum of the minima of two rows, less a penalty for unlike areas and one for distance. Each
    candidate has two ranks, 0 = best: among the candidates of its piece of frame 0 and among those of its
    piece of frame 1. A piece matches the candidate with the least sum. Ties go to the lowest index, in the
    ranks and in the choice. Every piece has a match, however bad; the coarse flow decides which count.

    Features are rounded to multiples of 2**-31, which moves affinities by about 1e-8. Sums of whole numbers
    are exact in any order, so exchanging the frames exchanges the results, but for ties. And processors take
    minima of whole numbers faster.

    Time and memory grow with n0 * n1. A candidate takes 2 bytes for one of its ranks and, among the first
    hundred million, 4 for its affinity; affinities past those are computed again when frame 1's turn comes,
    unless `section.keep_affinity` asks for 4 bytes for all. With 960 channels, 2,000 pieces a frame take
    0.1 GB, 14,025 take 0.9 GB, and the most that segmentation can make, 23,001, take 1.7 GB.

    References
    ----------
    Li et al., "Deep Animation Video Interpolation in the Wild", CVPR 2021, section 4.1 (arXiv 2104.02495).
    """
    candidates = Candidates(features0, features1, pieces0, pieces1, section)
    count0, count1 = pieces0.count, pieces1.count
    rank_in_row = np.empty((count0, count1), _rank_type(count1))
    for rows in strips(count0, count1):
        rank_in_row[rows] = rank_rows(candidates.score_rows(rows))
    found = Matching(
        match01=np.zeros(count0, np.int32),
        match10=np.zeros(count1, np.int32),
        rank_sum01=np.full(count0, count0 + count1, np.int32),
        rank_sum10=np.zeros(count1, np.int32),
        score01=np.zeros(count0, np.float32),
        score10=np.zeros(count1, np.float32),
        affinity=candidates.kept if section.keep_affinity else None,
    )
    for columns in strips(count1, count0):
        affinity = candidates.score_columns(columns)
        rank_sum = np.add(rank_rows(affinity), rank_in_row[:, columns].T, dtype=np.int32)
        _enter(found, columns, rank_sum, affinity)
    return found


def strips(count: int, length: int) -> Iterator[slice]:
    """Parts of `count` pieces, with `length` candidates each, that are scored and ranked at once."""
    step = max(1, STRIP_CANDIDATES // length)
    for start in range(0, count, step):
        yield slice(start, min(start + step, count))


def _rank_type(count: int) -> type[np.uint16] | type[np.uint32]:
    return np.uint16 if count <= 1 << 16 else np.uint32


def rank_rows(affinity: NDArray[np.float32]) -> NDArray[Any]:
    """Rank of each entry in its row, 0 = largest; the first of equal ones comes first."""
    ranks = np.empty(affinity.shape, _rank_type(affinity.shape[1]))
    _rank_by_sorting(affinity.view(np.int32), ranks)
    return ranks


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


@compiled
def _rank_by_sorting(bits: NDArray[np.int32], ranks: NDArray[Any]) -> None:
    """Sort by one byte after the other, the least significant first, keeping equal ones in order."""
    count = bits.shape[1]
    entries, sorted_entries = np.empty(count, np.uint64), np.empty(count, np.uint64)
    starts = np.empty((4, 256), np.uint32)
    for i in range(len(bits)):
        starts[:] = 0
        for j in range(count):
            # Descending floats as ascending whole numbers; the index stands above them.
            key = np.uint32(bits[i, j] if bits[i, j] < 0 else bits[i, j] ^ np.int32(0x7FFFFFFF))
            entries[j] = (np.uint64(j) << np.uint64(32)) | np.uint64(key)
            for byte in range(4):
                starts[byte, (key >> np.uint32(8 * byte)) & np.uint32(255)] += np.uint32(1)
        for byte in range(4):
            start = np.uint32(0)
            for digit in range(256):
                number = starts[byte, digit]
                starts[byte, digit] = start
                start += number
            for j in range(count):
                digit = (entries[j] >> np.uint64(8 * byte)) & np.uint64(255)
                sorted_entries[starts[byte, digit]] = entries[j]
                starts[byte, digit] += np.uint32(1)
            entries, sorted_entries = sorted_entries, entries
        for rank in range(count):
            ranks[i, entries[rank] >> np.uint64(32)] = rank
