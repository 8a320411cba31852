"""Scores of matches between pieces against the true pieces of a drawn pair.

True pieces bear the same number in both frames. A found piece *belongs* to the true piece that holds most of
its pixels (of equal shares, the lower number). A match is *right* when both its ends belong to the same true
piece.

The background is one true piece, number 0, and found as many: of a match within it nobody can say if it is
right, so such matches are left out. A match from a figure to the background or back is wrong.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from animeinterp.stages.piece_fates import PieceFate

BACKGROUND = 0
SMALLEST_PIECE = 50
"""px, in either frame; true pieces with fewer need not be found. No smaller piece moves by default
(`coarse_flow.min_area`)."""


class FoundMatches(NamedTuple):
    """Matches of a pair with n0 and n1 found pieces."""

    match01: NDArray[np.int32]
    """(n0,): the piece of frame 1 that each piece of frame 0 matches."""
    match10: NDArray[np.int32]
    """(n1,): the piece of frame 0 that each piece of frame 1 matches."""
    rank_sum01: NDArray[np.int32]
    """(n0,): 0 = the match is mutual."""
    fate01: NDArray[np.uint8]
    """(n0,): `PieceFate` of each piece of frame 0."""
    fate10: NDArray[np.uint8]
    """(n1,): of each piece of frame 1."""


def score_matches(
    label_map0: NDArray[np.int32],
    label_map1: NDArray[np.int32],
    true_pieces0: NDArray[np.int32],
    true_pieces1: NDArray[np.int32],
    found: FoundMatches,
) -> dict[str, float]:
    """Precision and recall of the matches of a pair.

    Parameters
    ----------
    label_map0, label_map1 : (H, W) int32
        Found piece of each pixel, from 0.
    true_pieces0, true_pieces1 : (H, W) int32
        True piece of each pixel, 0 = background.
    found : FoundMatches

    Returns
    -------
    dict of str to float
        `stages.metrics.MATCHING_METRICS`, 0..1, higher is better:

        - `match_precision`: share of right ones among the mutual matches;
        - `match_precision_moved`: the same among the matches by which a piece was moved, of both frames;
        - `match_recall`: share of true pieces, `SMALLEST_PIECE` px or more in both frames, for which there is
          a right mutual match.

        nan where there is nothing to count.

    Raises
    ------
    ValueError
        If shapes or numbers of pieces do not fit each other.
    """
    if not label_map0.shape == label_map1.shape == true_pieces0.shape == true_pieces1.shape:
        raise ValueError(
            f"label maps have shapes {label_map0.shape} and {label_map1.shape}, true pieces "
            f"{true_pieces0.shape} and {true_pieces1.shape}; expected one shape"
        )
    count0, count1 = len(found.match01), len(found.match10)
    owner0 = _owners(label_map0, true_pieces0, count0)
    owner1 = _owners(label_map1, true_pieces1, count1)
    mutual = np.flatnonzero(found.rank_sum01 == 0)
    moved0 = np.flatnonzero(found.fate01 == PieceFate.MOVED)
    moved1 = np.flatnonzero(found.fate10 == PieceFate.MOVED)
    matched = _right(owner0[mutual], owner1[found.match01[mutual]])
    moved = np.concatenate(
        [
            _right(owner0[moved0], owner1[found.match01[moved0]]),
            _right(owner0[found.match10[moved1]], owner1[moved1]),
        ]
    )
    joined = mutual[owner0[mutual] == owner1[found.match01[mutual]]]
    wanted = np.intersect1d(_visible(true_pieces0), _visible(true_pieces1))
    return {
        "match_precision": _share(matched),
        "match_precision_moved": _share(moved),
        "match_recall": _share(np.isin(wanted, owner0[joined])),
    }


def _owners(label_map: NDArray[np.int32], true_pieces: NDArray[np.int32], count: int) -> NDArray[np.int64]:
    """(count,): the true piece that each found piece belongs to."""
    if label_map.max(initial=0) >= count or label_map.min(initial=0) < 0:
        raise ValueError(
            f"label map holds pieces {label_map.min()} to {label_map.max()}; expected 0 to {count - 1}, "
            "as there are matches"
        )
    numbers, position = np.unique(true_pieces, return_inverse=True)
    cells = label_map.ravel().astype(np.int64) * len(numbers) + position.ravel()
    shared = np.bincount(cells, minlength=count * len(numbers)).reshape(count, len(numbers))
    owners: NDArray[np.int64] = numbers[shared.argmax(axis=1)].astype(np.int64)
    return owners


def _right(owner0: NDArray[np.int64], owner1: NDArray[np.int64]) -> NDArray[np.bool_]:
    """Whether each match is right, without those within the background."""
    told = (owner0 != BACKGROUND) | (owner1 != BACKGROUND)
    return np.asarray(owner0[told] == owner1[told])


def _visible(true_pieces: NDArray[np.int32]) -> NDArray[np.int32]:
    numbers, area = np.unique(true_pieces, return_counts=True)
    large: NDArray[np.int32] = numbers[(area >= SMALLEST_PIECE) & (numbers != BACKGROUND)]
    return large


def _share(right: NDArray[np.bool_]) -> float:
    return float(right.mean()) if right.size else math.nan
