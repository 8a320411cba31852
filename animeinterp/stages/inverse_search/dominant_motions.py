"""The few translations that most of a pair's pixels follow: of the background, of a figure that walks."""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np
from numpy.typing import NDArray

from animeinterp.stages.inverse_search.flow_agreement import Agreement, FloatMap

VOTE_STEP = 3  # px between the pixels that vote
AGREES_WITHIN = 1.5  # px forward and back, for a vector to vote
CELL = 2.0  # px, of the histogram of vectors
SPREAD = 1.5  # cells: standard deviation of the smoothing before its maximum is taken
LONGEST = 1024.0  # px; longer vectors are not counted
RADIUS = 12.0  # px: two motions are further apart
CORE = 4.0  # px around a maximum, whose vectors' mean is the motion
SMALLEST_SHARE = 0.004  # of all votes, within two thirds of the radius


def dominant_motions(votes: Sequence[FloatMap], most: int) -> list[FloatMap]:
    """Find the most frequent vectors.

    Parameters
    ----------
    votes : sequence of (n, 2) float32
        Vectors from frame 0 to frame 1, px; each counts once.
    most : int
        Most motions wanted.

    Returns
    -------
    list of (2,) float32
        Most frequent first; fewer where the others have too few votes.

    Notes
    -----
    The maximum of a smoothed histogram of the vectors is taken, the vectors around it are taken out, and so
    on. Of equal maxima the one with the lower y, then x, comes first.
    """
    vectors = np.concatenate(votes) if votes else np.zeros((0, 2), np.float32)
    vectors = vectors[(np.abs(vectors) < LONGEST).all(axis=1)]
    reach = np.ceil((np.abs(vectors).max(initial=0) + RADIUS) / CELL) * CELL
    side = int(2 * reach / CELL)
    total = len(vectors)
    motions: list[FloatMap] = []
    while len(vectors) and len(motions) < most:
        cells = ((vectors + reach) / CELL).astype(np.intp)
        counts = np.bincount(cells[:, 1] * side + cells[:, 0], minlength=side * side).reshape(side, side)
        _, _, _, (x, y) = cv2.minMaxLoc(cv2.GaussianBlur(counts.astype(np.float32), (0, 0), SPREAD))
        middle = (np.array([x, y]) + 0.5) * CELL - reach
        distance = np.hypot(*(vectors - middle).T)
        core = vectors[distance < CORE]
        if np.count_nonzero(distance < 2 / 3 * RADIUS) < SMALLEST_SHARE * total or not len(core):
            break
        motions.append(core.mean(axis=0, dtype=np.float64).astype(np.float32))
        vectors = vectors[distance >= RADIUS]
    return motions


def consistent_vectors(flow: FloatMap, found: Agreement) -> FloatMap:
    """The vectors (n, 2) of a flow (2, H, W) that the flow back confirms, for voting."""
    return sampled_vectors(flow, (found.inconsistency < AGREES_WITHIN) & ~found.outside)


def sampled_vectors(flow: FloatMap, where: NDArray[np.bool_]) -> FloatMap:
    """The vectors (n, 2) of a flow (2, H, W) at every `VOTE_STEP`-th pixel both ways, where asked for."""
    rows = flow[:, ::VOTE_STEP, ::VOTE_STEP].reshape(2, -1).T
    chosen: FloatMap = rows[where[::VOTE_STEP, ::VOTE_STEP].ravel()]
    return chosen
