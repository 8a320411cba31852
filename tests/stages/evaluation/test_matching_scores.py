from __future__ import annotations

import math
from collections import Counter

import numpy as np
import pytest

from animeinterp.stages.coarse_flow import PieceFate
from animeinterp.stages.evaluation.matching_scores import (
    SMALLEST_PIECE,
    FoundMatches,
    score_matches,
)
from animeinterp.stages.metrics import MATCHING_METRICS

HIGH = 10  # of a column of pixels; 60 px a true piece with 6 columns


def columns(*runs: tuple[int, int]) -> np.ndarray:
    """A map of vertical bands: (number, width) from left to right."""
    row = np.concatenate([np.full(width, number, np.int32) for number, width in runs])
    return np.tile(row, (HIGH, 1))


def matches(match01: list[int], match10: list[int], **arrays: list[int]) -> FoundMatches:
    stay = PieceFate.NOT_MUTUAL
    return FoundMatches(
        np.array(match01, np.int32),
        np.array(match10, np.int32),
        np.array(arrays.get("rank_sum01", [0] * len(match01)), np.int32),
        np.array(arrays.get("fate01", [stay] * len(match01)), np.uint8),
        np.array(arrays.get("fate10", [stay] * len(match10)), np.uint8),
    )


TRUE = columns((0, 6), (7, 6), (9, 6))
FOUND = columns((2, 6), (0, 6), (1, 6))  # background, then the two pieces


def test_all_right() -> None:
    moved = [PieceFate.MOVED, PieceFate.TOO_FAR, PieceFate.MOVED]
    found = matches([0, 1, 2], [0, 1, 2], fate01=moved)
    scores = score_matches(FOUND, FOUND, TRUE, TRUE, found)
    assert tuple(scores) == MATCHING_METRICS
    assert set(scores.values()) == {1.0}


def test_exchanged_pieces_are_wrong_and_not_found() -> None:
    found = matches([1, 0, 2], [1, 0, 2], fate10=[PieceFate.MOVED, PieceFate.MOVED, PieceFate.MOVED])
    assert set(score_matches(FOUND, FOUND, TRUE, TRUE, found).values()) == {0.0}


def test_matches_within_the_background_do_not_count_and_those_into_it_are_wrong() -> None:
    within = score_matches(FOUND, FOUND, TRUE, TRUE, matches([0, 1, 2], [0, 1, 2], rank_sum01=[1, 1, 0]))
    assert math.isnan(within["match_precision"])
    assert math.isnan(within["match_precision_moved"])
    assert within["match_recall"] == 0
    into = score_matches(FOUND, FOUND, TRUE, TRUE, matches([0, 2, 2], [0, 1, 1], rank_sum01=[0, 0, 5]))
    assert into["match_precision"] == 0.5
    assert into["match_recall"] == 0.5


def test_only_mutual_matches_count_but_for_those_moved() -> None:
    moved = [PieceFate.MOVED, PieceFate.MOVED, PieceFate.TOO_LARGE]
    found = matches([0, 0, 2], [0, 1, 2], rank_sum01=[0, 3, 0], fate01=moved, fate10=moved)
    scores = score_matches(FOUND, FOUND, TRUE, TRUE, found)
    assert scores["match_precision"] == 1
    assert scores["match_precision_moved"] == 3 / 4
    assert scores["match_recall"] == 1 / 2


def test_a_found_piece_belongs_to_the_true_piece_with_most_of_its_pixels() -> None:
    halves = columns((0, 7), (1, 11))  # 6 of background and 1 of piece 7; 5 of piece 7 and 6 of piece 9
    found = matches([0, 1], [0, 1])
    scores = score_matches(halves, halves, TRUE, TRUE, found)
    assert scores["match_precision"] == 1  # of the second alone
    assert scores["match_recall"] == 1 / 2  # nobody stands for piece 7
    even = columns((0, 12), (1, 6))  # as much background as piece 7: the lower number
    assert score_matches(even, even, TRUE, TRUE, found)["match_recall"] == 1 / 2


def test_pieces_hidden_or_small_in_either_frame_need_not_be_found() -> None:
    none = matches([2, 2, 2], [2, 2, 2], rank_sum01=[1, 1, 0])
    for hidden in (columns((0, 6), (7, 12)), columns((0, 6), (7, 8), (9, 4))):
        assert SMALLEST_PIECE > 4 * HIGH
        assert score_matches(FOUND, FOUND, TRUE, hidden, none)["match_recall"] == 0
        assert score_matches(FOUND, FOUND, TRUE, hidden, matches([0, 0, 2], [0, 1, 2]))["match_recall"] == 1
    nothing = np.zeros_like(TRUE)
    assert math.isnan(score_matches(FOUND, FOUND, TRUE, nothing, none)["match_recall"])


def test_by_a_loop_over_random_maps() -> None:
    rng = np.random.default_rng(0)
    true0, true1 = (rng.integers(0, 4, (12, 50)).astype(np.int32) * 5 for _ in range(2))
    map0, map1 = (rng.integers(0, 40, (12, 50)).astype(np.int32) for _ in range(2))
    map0[0, :40], map1[0, :40] = range(40), range(40)
    found = matches(
        rng.integers(0, 40, 40).tolist(),
        rng.integers(0, 40, 40).tolist(),
        rank_sum01=rng.integers(0, 2, 40).tolist(),
        fate01=rng.integers(0, 2, 40).tolist(),
        fate10=rng.integers(0, 2, 40).tolist(),
    )

    def owner(label_map: np.ndarray, true: np.ndarray, piece: int) -> int:
        counts = Counter(true[label_map == piece].tolist())
        return min(counts, key=lambda number: (-counts[number], number))

    mutual, moved, recalled = [], [], set()
    for i in range(40):
        ends = owner(map0, true0, i), owner(map1, true1, int(found.match01[i]))
        if ends != (0, 0):
            if found.rank_sum01[i] == 0:
                mutual.append(ends[0] == ends[1])
                recalled |= {ends[0]} if ends[0] == ends[1] else set()
            if found.fate01[i] == 0:
                moved.append(ends[0] == ends[1])
        back = owner(map0, true0, int(found.match10[i])), owner(map1, true1, i)
        if back != (0, 0) and found.fate10[i] == 0:
            moved.append(back[0] == back[1])
    scores = score_matches(map0, map1, true0, true1, found)
    assert scores["match_precision"] == pytest.approx(np.mean(mutual))
    assert scores["match_precision_moved"] == pytest.approx(np.mean(moved))
    assert scores["match_recall"] == pytest.approx(len(recalled) / 3)
    assert 0 < scores["match_precision"] < 1


def test_what_does_not_fit_is_refused() -> None:
    found = matches([0, 1, 2], [0, 1, 2])
    with pytest.raises(ValueError, match="expected one shape"):
        score_matches(FOUND, FOUND[:3], TRUE, TRUE, found)
    with pytest.raises(ValueError, match="label map holds pieces 0 to 2; expected 0 to 1"):
        score_matches(FOUND, FOUND, TRUE, TRUE, matches([0, 1], [0, 1, 2]))
