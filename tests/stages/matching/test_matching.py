from __future__ import annotations

from dataclasses import fields

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from animeinterp.configs.sections import MatchingSection, SegmentationSection
from animeinterp.data.cartoon import draw_triplet
from animeinterp.stages import matching
from animeinterp.stages.matching import Matching, match_pieces
from animeinterp.stages.matching.affinity import UNIT
from animeinterp.stages.segmentation import Pieces, measure_pieces, segment
from tests.plain import matching as plain
from tests.stages.random_pieces import LENIENT, match_alike, random_pieces

RELEASED = MatchingSection(distance_limit=0.14, keep_affinity=True)
counts = st.integers(1, 40)
seeds = st.integers(0, 2**32 - 1)


def assert_equal(found: Matching, wanted: Matching) -> None:
    for field in fields(Matching):
        np.testing.assert_array_equal(
            getattr(found, field.name), getattr(wanted, field.name), err_msg=field.name
        )


def random_features(rng: np.random.Generator, count: int, channels: int) -> np.ndarray:
    """Few distinct values, so that sums tie; multiples of 1/128, so that they are exact."""
    return rng.integers(0, 4, (count, channels)).astype(np.float32) / 128


def test_golden(golden_case):
    for layers in golden_case.layers:
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


@settings(max_examples=60, derandomize=True)
@given(seed=seeds, count0=counts, count1=counts, channels=st.integers(0, 40))
def test_as_slow_version(seed, count0, count1, channels):
    rng = np.random.default_rng(seed)
    pieces = random_pieces(rng, count0), random_pieces(rng, count1)
    features = random_features(rng, count0, channels), random_features(rng, count1, channels)
    assert_equal(match_pieces(*features, *pieces, RELEASED), plain.match_pieces(*features, *pieces, RELEASED))


@settings(max_examples=30, derandomize=True)
@given(seed=seeds, count0=counts, count1=counts, decimals=st.integers(1, 7))
def test_as_slow_version_on_any_affinity(seed, count0, count1, decimals):
    affinity = (np.random.default_rng(seed).random((count0, count1)) / 40).round(decimals).astype(np.float32)
    found = match_alike(affinity)
    np.testing.assert_allclose(found.affinity, affinity, rtol=0, atol=UNIT)
    assert_equal(found, plain.match_by_affinity(found.affinity))


def test_as_slow_version_on_the_cartoon():
    triplet = draw_triplet(0, style="Japan", size=(135, 240))
    frames = triplet.frame0, triplet.frame1
    pieces = [segment(frame, SegmentationSection().anime) for frame in frames]
    features = []
    for frame, found in zip(frames, pieces, strict=True):
        histograms = [
            np.bincount(frame[found.label_map == n].ravel(), minlength=256) for n in range(found.count)
        ]
        features.append((histograms / np.sum(histograms, axis=1, keepdims=True)).astype(np.float32))
    found = match_pieces(*features, *pieces, RELEASED)
    wanted = plain.match_pieces(*features, *pieces, RELEASED)
    np.testing.assert_allclose(found.affinity, wanted.affinity, rtol=0, atol=1e-6)
    assert_equal(found, plain.match_by_affinity(found.affinity))


@settings(max_examples=30, derandomize=True)
@given(
    seed=seeds,
    count0=counts,
    count1=counts,
    strip=st.integers(1, 500),
    kept=st.integers(0, 500),
    keep=st.booleans(),
)
def test_strips_change_nothing(seed, count0, count1, strip, kept, keep):
    rng = np.random.default_rng(seed)
    section = MatchingSection(keep_affinity=keep)
    pieces = random_pieces(rng, count0), random_pieces(rng, count1)
    features = [
        rng.dirichlet(np.ones(50), count).astype(np.float32).round(2) / 2 for count in (count0, count1)
    ]
    whole = match_pieces(*features, *pieces, section)
    assert (whole.affinity is not None) == keep
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(matching, "STRIP_CANDIDATES", strip)
        patch.setattr(matching, "KEPT_CANDIDATES", kept)
        assert_equal(match_pieces(*features, *pieces, section), whole)


@settings(max_examples=20, derandomize=True)
@given(seed=seeds, count0=counts, count1=counts)
def test_exchanged_frames_exchange_results(seed, count0, count1):
    rng = np.random.default_rng(seed)
    pieces = random_pieces(rng, count0), random_pieces(rng, count1)
    features = [rng.dirichlet(np.ones(70), count).astype(np.float32) for count in (count0, count1)]
    found = match_pieces(*features, *pieces, RELEASED)
    mirrored = match_pieces(*features[::-1], *pieces[::-1], RELEASED)
    np.testing.assert_array_equal(mirrored.affinity, found.affinity.T)
    np.testing.assert_array_equal(mirrored.rank_sum01, found.rank_sum10)
    np.testing.assert_array_equal(mirrored.rank_sum10, found.rank_sum01)


def test_frame_with_itself_matches_itself():
    rng = np.random.default_rng(2)
    pieces = random_pieces(rng, 15)
    features = rng.dirichlet(np.ones(50), 15).astype(np.float32)
    found = match_pieces(features, features, pieces, pieces, MatchingSection())
    np.testing.assert_array_equal(found.match01, np.arange(15))
    np.testing.assert_array_equal(found.match10, np.arange(15))
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


@pytest.mark.parametrize("value", [0, 0.125])
def test_equal_candidates_rank_by_index(value):
    # Rank of candidate (i, j) is j in its row and i in its column: the lowest index is best for all.
    found = match_alike(np.full((4, 3), value, np.float32))
    np.testing.assert_array_equal(found.match01, [0, 0, 0, 0])
    np.testing.assert_array_equal(found.rank_sum01, [0, 1, 2, 3])
    np.testing.assert_array_equal(found.match10, [0, 0, 0])
    np.testing.assert_array_equal(found.rank_sum10, [0, 1, 2])


@pytest.mark.parametrize("strip", [1, 1 << 22])
def test_equal_rank_sums_go_to_the_lowest_index(strip, monkeypatch):
    monkeypatch.setattr(matching, "STRIP_CANDIDATES", strip)
    affinity = np.array([[0.4, 0.3], [0.5, 0.2]], np.float32)  # rank sums [[1, 1], [0, 2]]
    found = match_alike(affinity)
    np.testing.assert_array_equal(found.match01, [0, 0])
    np.testing.assert_array_equal(found.rank_sum01, [1, 0])
    np.testing.assert_array_equal(found.score01, affinity[[0, 1], [0, 0]])
    found = match_alike(affinity.T)
    np.testing.assert_array_equal(found.match10, [0, 0])
    np.testing.assert_array_equal(found.rank_sum10, [1, 0])


def test_negative_affinities_rank_below_zero():
    # Areas 1, 30, 90 against 1: penalties 0, 1.5 and 4.5; nothing in common.
    labels = np.zeros((3, 4), np.int32)
    ones, areas = np.array([1], np.int32), np.array([90, 1, 30], np.int32)
    single = Pieces(labels, ones, np.ones((1, 2)), np.zeros((1, 4), np.int32))
    several = Pieces(labels, areas, np.ones((3, 2)), np.zeros((3, 4), np.int32))
    found = match_pieces(np.zeros((3, 2), np.float32), np.zeros((1, 2), np.float32), several, single, LENIENT)
    np.testing.assert_array_equal(found.affinity[:, 0], np.array([-4.5, 0, -1.5], np.float32))
    np.testing.assert_array_equal(found.rank_sum01, [2, 0, 1])


def test_more_pieces_than_16_bits_count():
    rng = np.random.default_rng(1)
    pieces = random_pieces(rng, 3), random_pieces(rng, (1 << 16) + 1)
    features = [rng.random((found.count, 1)).astype(np.float32) for found in pieces]
    found = match_pieces(*features, *pieces, RELEASED)
    assert_equal(found, plain.match_by_affinity(found.affinity))


def test_penalties():
    # Two pieces a frame, of 1 and 9 px, in a frame of 1 x 10 px.
    labels = np.ones((1, 10), np.int32)
    labels[0, 0] = 0
    pieces = measure_pieces(labels)
    features = np.ones((2, 1), np.float32)
    section = MatchingSection(distance_limit=0.15, keep_affinity=True)
    affinity = match_pieces(features, features, pieces, pieces, section).affinity
    apart = 1 - 9 / 20 - 5 / np.hypot(1, 10) / 5
    np.testing.assert_allclose(affinity, [[1, apart], [apart, 1]], rtol=1e-6)


def test_penalties_begin_past_their_limits():
    # An area ratio of 3 and a distance of 7 px, 0.14 of a diagonal of 50 px, are still free.
    at = [np.array([[1.0, 2.0]]), np.array([[8.0, 2.0]])]
    features, labels, box = (
        np.ones((1, 1), np.float32),
        np.zeros((30, 40), np.int32),
        np.zeros((1, 4), np.int32),
    )
    for area, limit, wanted in ((12, 0.14, 1), (13, 0.14, 1 - 3.25 / 20), (12, 0.1399, 1 - 0.14 / 5)):
        pieces = [Pieces(labels, np.array([a], np.int32), at[k], box) for k, a in enumerate((4, area))]
        section = MatchingSection(distance_limit=limit, keep_affinity=True)
        found = match_pieces(features, features, *pieces, section)
        np.testing.assert_array_equal(found.affinity, np.float32(wanted))


def test_refuses_what_does_not_fit():
    pieces = measure_pieces(np.array([[0, 1]], np.int32))
    other = measure_pieces(np.array([[0], [1]], np.int32))
    features = np.full((2, 3), 0.25, np.float32)
    with pytest.raises(ValueError, match="differ in size"):
        match_pieces(features, features, pieces, other, MatchingSection())
    with pytest.raises(ValueError, match=r"features0 has shape \(1, 3\).*one row a piece"):
        match_pieces(features[:1], features, pieces, pieces, MatchingSection())
    with pytest.raises(ValueError, match=r"features1 has shape \(1, 3\).*one row a piece"):
        match_pieces(features, features[:1], pieces, pieces, MatchingSection())
    with pytest.raises(ValueError, match="as many channels"):
        match_pieces(features, features[:, :2], pieces, pieces, MatchingSection())


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf, -0.25, 0.9])
def test_refuses_features_that_are_none(value):
    pieces = measure_pieces(np.array([[0, 1]], np.int32))
    features = np.full((2, 3), 0.25, np.float32)
    wrong = features.copy()
    wrong[1, 2] = value
    for arguments, name in (((wrong, features), "features0"), ((features, wrong), "features1")):
        with pytest.raises(ValueError, match=f"{name} has values that are negative or not finite, or rows"):
            match_pieces(*arguments, pieces, pieces, MatchingSection())
