from __future__ import annotations

import numpy as np
import pytest

from animeinterp.stages.inverse_search.dominant_motions import (
    AGREES_WITHIN,
    LONGEST,
    consistent_vectors,
    dominant_motions,
    sampled_vectors,
)
from animeinterp.stages.inverse_search.flow_agreement import Agreement


def around(x: float, y: float, count: int, seed: int = 0) -> np.ndarray:
    noise = np.random.default_rng(seed).normal(0, 0.4, (count, 2))
    return (np.array([x, y]) + noise).astype(np.float32)


def test_motions_come_by_their_votes() -> None:
    votes = [around(80, -7, 300), around(0.2, 0.1, 900), around(-30, 12, 60)]
    found = dominant_motions(votes, 5)
    np.testing.assert_allclose(found, [[0.2, 0.1], [80, -7], [-30, 12]], atol=0.2)
    np.testing.assert_array_equal(dominant_motions(votes, 2), found[:2])


def test_few_votes_make_no_motion() -> None:
    stray = np.random.default_rng(1).uniform(-300, 300, (20, 2)).astype(np.float32)
    assert len(dominant_motions([around(5, 5, 20_000), stray], 5)) == 1


@pytest.mark.parametrize("votes", [[], [np.zeros((0, 2), np.float32)]])
def test_no_votes_no_motion(votes: list[np.ndarray]) -> None:
    assert dominant_motions(votes, 3) == []


def test_vectors_beyond_any_frame_do_not_count() -> None:
    assert dominant_motions([np.full((50, 2), 2 * LONGEST, np.float32)], 3) == []


def test_vectors_are_sampled_where_asked_for() -> None:
    flow = np.arange(2 * 4 * 6, dtype=np.float32).reshape(2, 4, 6)
    where = np.ones((4, 6), bool)
    where[0, 0] = False
    np.testing.assert_array_equal(sampled_vectors(flow, where), flow[:, [0, 3, 3], [3, 0, 3]].T)


def test_vectors_vote_that_lead_home_inside_the_frame() -> None:
    flow = np.arange(2 * 4 * 6, dtype=np.float32).reshape(2, 4, 6)
    found = Agreement(*np.zeros((2, 4, 6), np.float32), np.zeros((4, 6), bool))
    found.inconsistency[0, 3] = AGREES_WITHIN
    found.outside[3, 0] = True
    np.testing.assert_array_equal(consistent_vectors(flow, found), flow[:, [0, 3], [0, 3]].T)
