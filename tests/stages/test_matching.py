from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from configs.sections import MatchingSection
from stages import matching
from stages.matching import match_pieces, score_candidates
from stages.segmentation import Pieces, measure_pieces, number_by_area

RELEASED = MatchingSection(distance_limit=0.14, keep_affinity=True)


def rank_slowly(affinity: np.ndarray) -> np.ndarray:
    """Number of better candidates, or equal ones before it, in the row and in the column."""
    rank_sum = np.zeros(affinity.shape, int)
    for i, j in np.ndindex(affinity.shape):
        for k, other in enumerate(affinity[i]):
            rank_sum[i, j] += other > affinity[i, j] or (other == affinity[i, j] and k < j)
        for k, other in enumerate(affinity[:, j]):
            rank_sum[i, j] += other > affinity[i, j] or (other == affinity[i, j] and k < i)
    return rank_sum


def score_slowly(features0, features1, pieces0, pieces1, section):
    affinity = np.minimum(features0[:, None].astype(np.float64), features1[None]).sum(axis=2)
    height, width = pieces0.label_map.shape
    for i, j in np.ndindex(affinity.shape):
        a, b = float(pieces0.area[i]), float(pieces1.area[j])
        ratio = max(a / b, b / a)
        distance = np.linalg.norm(pieces0.centroid[i] - pieces1.centroid[j]) / np.hypot(height, width)
        if ratio > section.area_ratio_limit:
            affinity[i, j] -= ratio / section.area_penalty
        if distance > section.distance_limit:
            affinity[i, j] -= distance / section.distance_penalty
    return affinity


def random_pieces(rng: np.random.Generator, height: int, width: int, count: int) -> Pieces:
    labels = rng.integers(0, count, (height, width)) * rng.integers(0, 2, (height, width))
    return measure_pieces(number_by_area(labels.astype(np.int32)))


def random_features(rng: np.random.Generator, count: int, channels: int) -> np.ndarray:
    # Few distinct values, so that ties happen.
    features = rng.integers(0, 3, (count, channels)).astype(np.float32) + np.float32(0.25)
    return features / features.sum(axis=1, keepdims=True)


@pytest.mark.parametrize("layers", ["relu_1", "relu_last"])
def test_golden(golden_case, layers):
    wanted = golden_case.load(f"{layers}.matching")
    features = []
    for key in ("pooled_1", "pooled_3"):
        shifted = (wanted[key] - wanted[key].min(axis=0)).T
        features.append((shifted / shifted.sum(axis=1, keepdims=True)).astype(np.float32))
    found = match_pieces(*features, *golden_case.pieces, RELEASED)
    np.testing.assert_allclose(found.affinity, wanted["affinity"], rtol=0, atol=1e-4)
    np.testing.assert_array_equal(found.match01, wanted["match_13"])
    np.testing.assert_array_equal(found.match10, wanted["match_31"])
    np.testing.assert_array_equal(found.rank_sum01, wanted["rank_sum_13"])
    np.testing.assert_array_equal(found.rank_sum10, wanted["rank_sum_31"])


@settings(max_examples=30, deadline=None, derandomize=True)
@given(
    seed=st.integers(0, 2**32 - 1),
    height=st.integers(1, 12),
    width=st.integers(1, 12),
    count=st.integers(1, 12),
    channels=st.integers(1, 6),
)
def test_as_slow_version(seed, height, width, count, channels):
    rng = np.random.default_rng(seed)
    pieces0, pieces1 = (random_pieces(rng, height, width, count) for _ in range(2))
    features0, features1 = (random_features(rng, pieces.count, channels) for pieces in (pieces0, pieces1))
    found = match_pieces(features0, features1, pieces0, pieces1, RELEASED)
    np.testing.assert_allclose(
        found.affinity, score_slowly(features0, features1, pieces0, pieces1, RELEASED), rtol=0, atol=1e-6
    )
    rank_sum = rank_slowly(found.affinity)
    np.testing.assert_array_equal(found.match01, rank_sum.argmin(axis=1))
    np.testing.assert_array_equal(found.match10, rank_sum.argmin(axis=0))
    np.testing.assert_array_equal(found.rank_sum01, rank_sum.min(axis=1))
    np.testing.assert_array_equal(found.rank_sum10, rank_sum.min(axis=0))
    np.testing.assert_array_equal(found.score01, found.affinity[np.arange(pieces0.count), found.match01])
    np.testing.assert_array_equal(found.score10, found.affinity[found.match10, np.arange(pieces1.count)])


def test_strips_and_blocks_change_nothing(monkeypatch):
    rng = np.random.default_rng(5)
    pieces0, pieces1 = random_pieces(rng, 60, 60, 400), random_pieces(rng, 60, 60, 300)
    features0, features1 = random_features(rng, pieces0.count, 20), random_features(rng, pieces1.count, 20)
    assert pieces1.count > matching.BLOCK
    whole = match_pieces(features0, features1, pieces0, pieces1, RELEASED)
    monkeypatch.setattr(matching, "STRIP_ELEMENTS", 1000)
    strips = match_pieces(features0, features1, pieces0, pieces1, RELEASED)
    np.testing.assert_allclose(
        whole.affinity, score_slowly(features0, features1, pieces0, pieces1, RELEASED), rtol=1e-6, atol=1e-6
    )
    for name in ("match01", "match10", "rank_sum01", "rank_sum10", "score01", "score10", "affinity"):
        np.testing.assert_array_equal(getattr(whole, name), getattr(strips, name))


def test_frame_with_itself_matches_itself():
    rng = np.random.default_rng(2)
    pieces = random_pieces(rng, 20, 20, 15)
    features = rng.random((pieces.count, 50)).astype(np.float32)
    features /= features.sum(axis=1, keepdims=True)
    found = match_pieces(features, features, pieces, pieces, MatchingSection())
    np.testing.assert_array_equal(found.match01, np.arange(pieces.count))
    np.testing.assert_array_equal(found.match10, np.arange(pieces.count))
    assert not found.rank_sum01.any()
    np.testing.assert_allclose(found.score01, 1, rtol=1e-6)
    assert found.affinity is None


def test_dtypes():
    pieces = measure_pieces(np.zeros((3, 4), np.int32))
    found = match_pieces(np.ones((1, 1), np.float32), np.ones((1, 1), np.float32), pieces, pieces, RELEASED)
    for name in ("match01", "match10", "rank_sum01", "rank_sum10"):
        assert getattr(found, name).dtype == np.int32
        np.testing.assert_array_equal(getattr(found, name), [0])
    for name in ("score01", "score10", "affinity"):
        assert getattr(found, name).dtype == np.float32
    np.testing.assert_array_equal(found.affinity, [[1]])


def test_ties_go_to_the_lowest_index():
    pieces = measure_pieces(np.arange(4, dtype=np.int32).reshape(1, 4).repeat(2, axis=0))
    features = np.full((4, 2), 0.5, np.float32)
    found = match_pieces(features, features, pieces, pieces, MatchingSection(distance_limit=1))
    # Rank of candidate (i, j) is j in its row and i in its column: the lowest index is best for all.
    np.testing.assert_array_equal(found.match01, [0, 0, 0, 0])
    np.testing.assert_array_equal(found.rank_sum01, [0, 1, 2, 3])


def test_penalties():
    # Two pieces a frame, of 1 and 9 px, in a frame of 1 x 10 px.
    labels = np.ones((1, 10), np.int32)
    labels[0, 0] = 0
    pieces = measure_pieces(labels)
    features = np.ones((2, 1), np.float32)
    section = MatchingSection(distance_limit=0.15)
    affinity = score_candidates(features, features, pieces, pieces, section)
    distance = 5 / np.hypot(1, 10)
    apart = 1 - 9 / 20 - distance / 5
    np.testing.assert_allclose(affinity, [[1, apart], [apart, 1]], rtol=1e-6)
    lenient = MatchingSection(distance_limit=0.6, area_ratio_limit=9)
    np.testing.assert_array_equal(
        score_candidates(features, features, pieces, pieces, lenient), np.ones((2, 2))
    )


def test_refuses():
    pieces = measure_pieces(np.array([[0, 1]], np.int32))
    other = measure_pieces(np.array([[0], [1]], np.int32))
    features = np.ones((2, 3), np.float32)
    with pytest.raises(ValueError, match="differ in size"):
        match_pieces(features, features, pieces, other, MatchingSection())
    with pytest.raises(ValueError, match="one row a piece"):
        match_pieces(features, features[:1], pieces, pieces, MatchingSection())
    with pytest.raises(ValueError, match="one row a piece"):
        match_pieces(features, features[:, :2], pieces, pieces, MatchingSection())
