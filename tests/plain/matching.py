"""Matching written down as defined, with whole matrices and stable sorting."""

from __future__ import annotations

import numpy as np

from animeinterp.configs.sections import MatchingSection
from animeinterp.stages.matching import Matching
from animeinterp.stages.segmentation import Pieces


def score_candidates(
    features0: np.ndarray,
    features1: np.ndarray,
    pieces0: Pieces,
    pieces1: Pieces,
    section: MatchingSection,
) -> np.ndarray:
    """Affinity, (n0, n1) float32."""
    likeness = np.zeros((len(features0), len(features1)))
    for channel0, channel1 in zip(features0.T, features1.T, strict=True):
        likeness += np.minimum.outer(channel0, channel1)
    a, b = pieces0.area[:, None].astype(np.float64), pieces1.area[None].astype(np.float64)
    ratio = np.maximum(a / b, b / a)
    dx, dy = np.moveaxis(pieces0.centroid[:, None] - pieces1.centroid[None], 2, 0)
    distance = np.sqrt(dx**2 + dy**2) / np.hypot(*pieces0.label_map.shape)
    likeness -= np.where(ratio > section.area_ratio_limit, ratio / section.area_penalty, 0)
    likeness -= np.where(distance > section.distance_limit, distance / section.distance_penalty, 0)
    return likeness.astype(np.float32)


def rank_rows(affinity: np.ndarray) -> np.ndarray:
    """Place of each entry in its row, sorted downwards; equal ones stay in order."""
    ranks = np.empty(affinity.shape, np.int32)
    order = np.argsort(-affinity, axis=1, kind="stable")
    np.put_along_axis(ranks, order, np.arange(affinity.shape[1], dtype=np.int32)[None], axis=1)
    return ranks


def match_by_affinity(affinity: np.ndarray) -> Matching:
    """Least rank sums; `argmin` takes the first of equal ones."""
    rank_sum = rank_rows(affinity) + rank_rows(affinity.T).T
    match01, match10 = rank_sum.argmin(axis=1), rank_sum.argmin(axis=0)
    rows, columns = np.arange(len(match01)), np.arange(len(match10))
    return Matching(
        match01=match01.astype(np.int32),
        match10=match10.astype(np.int32),
        rank_sum01=rank_sum[rows, match01],
        rank_sum10=rank_sum[match10, columns],
        score01=affinity[rows, match01],
        score10=affinity[match10, columns],
        affinity=affinity,
    )


def match_pieces(
    features0: np.ndarray,
    features1: np.ndarray,
    pieces0: Pieces,
    pieces1: Pieces,
    section: MatchingSection,
) -> Matching:
    """Affinity, ranks, matches."""
    return match_by_affinity(score_candidates(features0, features1, pieces0, pieces1, section))
