"""Random pieces and features with a known affinity."""

from __future__ import annotations

import numpy as np

from animeinterp.configs.sections import MatchingSection
from animeinterp.stages.matching import Matching, match_pieces
from animeinterp.stages.segmentation import Pieces

LENIENT = MatchingSection(distance_limit=1, keep_affinity=True)


def random_pieces(rng: np.random.Generator, count: int) -> Pieces:
    """Pieces of few sizes and places, so that they tie, in a frame of 30 x 40 px (a diagonal of 50)."""
    area = rng.choice([4, 12, 13, 40], count).astype(np.int32)
    centroid = rng.integers(0, 5, (count, 2)) * 7.0
    return Pieces(np.zeros((30, 40), np.int32), area, centroid, np.zeros((count, 4), np.int32))


def features_for(affinity: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Features of which only the one channel of each candidate, its affinity, is common to both pieces."""
    channels = np.arange(affinity.size).reshape(affinity.shape)
    features0, features1 = (np.zeros((count, affinity.size), np.float32) for count in affinity.shape)
    for (i, j), channel in np.ndenumerate(channels):
        features0[i, channel] = features1[j, channel] = affinity[i, j]
    return features0, features1


def match_alike(affinity: np.ndarray) -> Matching:
    """Match pieces of one size and place by this affinity."""
    pieces = [
        Pieces(
            np.zeros((3, 4), np.int32), np.full(n, 5, np.int32), np.ones((n, 2)), np.zeros((n, 4), np.int32)
        )
        for n in affinity.shape
    ]
    return match_pieces(*features_for(affinity), *pieces, LENIENT)
