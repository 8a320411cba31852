from __future__ import annotations

import numpy as np
import pytest

from animeinterp.configs.sections import MatchingSection
from animeinterp.stages.inspection.candidates import BestCandidates, affinity_terms, best_candidates
from animeinterp.stages.matching import match_pieces
from animeinterp.stages.segmentation import Pieces
from tests.stages.random_pieces import features_for, match_alike, random_pieces

SECTION = MatchingSection(keep_affinity=True)


def random_case(
    seed: int, count0: int = 30, count1: int = 23
) -> tuple[np.ndarray, np.ndarray, Pieces, Pieces]:
    rng = np.random.default_rng(seed)
    features = []
    for count in (count0, count1):
        rows = rng.random((count, 40)).astype(np.float32)
        features.append(rows / rows.sum(axis=1, keepdims=True))
    return features[0], features[1], random_pieces(rng, count0), random_pieces(rng, count1)


@pytest.mark.parametrize("seed", range(5))
def test_the_first_candidate_is_the_match_and_the_terms_make_its_score(seed: int) -> None:
    case = random_case(seed)
    found = match_pieces(*case, SECTION)
    best01, best10 = best_candidates(*case, SECTION)
    for best, match, rank_sum, score in (
        (best01, found.match01, found.rank_sum01, found.score01),
        (best10, found.match10, found.rank_sum10, found.score10),
    ):
        np.testing.assert_array_equal(best.piece[:, 0], match)
        np.testing.assert_array_equal((best.rank + best.rank_back)[:, 0], rank_sum)
        affinity = best.likeness - best.size_penalty - best.distance_penalty
        np.testing.assert_allclose(affinity[:, 0], score, atol=1e-6)
        assert best.piece.shape == (len(match), 10)
        assert (np.diff(best.rank + best.rank_back, axis=1) >= 0).all()


def test_all_candidates_have_the_affinity_of_the_matrix() -> None:
    case = random_case(7)
    matrix = match_pieces(*case, SECTION).affinity
    assert matrix is not None
    best, _ = best_candidates(*case, SECTION, candidates=100)
    affinity = best.likeness - best.size_penalty - best.distance_penalty
    rows = np.arange(len(matrix))[:, None]
    np.testing.assert_allclose(affinity, matrix[rows, best.piece], atol=1e-6)
    assert (np.sort(best.piece, axis=1) == np.arange(matrix.shape[1])).all()


def test_ranks_of_a_small_matrix() -> None:
    affinity = np.array([[0.5, 0.25], [0.25, 0.125]], np.float32)
    pieces = [
        Pieces(
            np.zeros((3, 4), np.int32), np.full(2, 5, np.int32), np.ones((2, 2)), np.zeros((2, 4), np.int32)
        )
        for _ in range(2)
    ]
    best, _ = best_candidates(*features_for(affinity), *pieces, SECTION)
    np.testing.assert_array_equal(best.piece, [[0, 1], [0, 1]])
    np.testing.assert_array_equal(best.rank, [[0, 1], [0, 1]])
    np.testing.assert_array_equal(best.rank_back, [[0, 0], [1, 1]])
    np.testing.assert_allclose(best.likeness, affinity, atol=1e-7)
    assert match_alike(affinity).rank_sum01.tolist() == [0, 1]


def test_only_the_largest_pieces_are_described() -> None:
    case = random_case(3)
    all_pieces, _ = best_candidates(*case, SECTION)
    largest, _ = best_candidates(*case, SECTION, pieces=4, candidates=3)
    assert largest.first == 26
    assert isinstance(largest, BestCandidates)
    np.testing.assert_array_equal(largest.piece, all_pieces.piece[26:, :3])
    np.testing.assert_array_equal(largest.distance_penalty, all_pieces.distance_penalty[26:, :3])


def test_penalties_begin_beyond_their_limits() -> None:
    """A diagonal of 50 px, so a limit of 0.15 is 7.5 px; areas of 4, 12 and 40 px."""
    centroid = np.array([[0.0, 0], [7.5, 0], [20, 0]])
    area = np.array([4, 12, 40], np.int32)
    pieces = Pieces(np.zeros((30, 40), np.int32), area, centroid, np.zeros((3, 4), np.int32))
    features = np.full((3, 2), 0.5, np.float32)
    numbers, chosen = np.zeros((1, 3), np.int32), np.array([[0, 1, 2]], np.int32)
    described = (features, pieces)
    likeness, size, distance = affinity_terms(described, described, numbers, chosen, MatchingSection())
    np.testing.assert_allclose(likeness, [[1, 1, 1]])
    np.testing.assert_allclose(size, [[0, 0, 10 / 20]])
    np.testing.assert_allclose(distance, [[0, 0, 0.4 / 5]])
