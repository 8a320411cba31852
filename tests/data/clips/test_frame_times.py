from __future__ import annotations

from fractions import Fraction

import pytest

from animeinterp.data.clips.frame_times import FrameTimes, TimeGuess, common_time_base

STEP = Fraction(1, 10)


def spread(*times: str | None) -> tuple[list[tuple[str, str]], int]:
    repair: FrameTimes[int] = FrameTimes(STEP)
    frames = [(index, None if time is None else Fraction(time), STEP) for index, time in enumerate(times)]
    placed = list(repair.spread(frames))
    assert [index for index, _, _ in placed] == list(range(len(times)))
    return [(str(start), str(duration)) for _, start, duration in placed], repair.repaired


def test_times_in_order_stay_and_last_one_has_its_own_duration() -> None:
    assert spread("0", "1/4", "1") == ([("0", "1/4"), ("1/4", "3/4"), ("1", "1/10")], 0)


@pytest.mark.parametrize("bad", ["0", None, "-3"])
def test_frames_without_a_usable_time_are_spread_evenly(bad: str | None) -> None:
    assert spread("0", bad, "1") == ([("0", "1/2"), ("1/2", "1/2"), ("1", "1/10")], 1)


def test_frames_before_the_first_time_are_a_step_apart() -> None:
    assert spread(None, None, "1") == ([("4/5", "1/10"), ("9/10", "1/10"), ("1", "1/10")], 2)


def test_many_frames_without_any_time_are_a_step_apart() -> None:
    placed, repaired = spread(*[None] * 50)
    assert [Fraction(start) for start, _ in placed] == [index * STEP for index in range(50)]
    assert repaired == 50


@pytest.mark.parametrize(("count", "last"), [(2, "1"), (3, "1/10"), (0, "1/10")])
def test_the_last_frame_lasts_until_the_end_that_is_declared_if_no_frame_is_missing(
    count: int, last: str
) -> None:
    times: FrameTimes[int] = FrameTimes(STEP, Fraction(2), count)
    placed = list(times.spread([(0, Fraction(0), STEP), (1, Fraction(1), STEP)]))
    assert str(placed[-1][2]) == last


def test_no_frames_give_none() -> None:
    assert spread() == ([], 0)


def test_decoding_times_count_where_presentation_times_are_more_often_out_of_order() -> None:
    guess = TimeGuess()
    assert [guess.time(pts, dts) for pts, dts in ((1, 1), (3, 2), (2, 3), (5, 4), (4, 5))] == [1, 3, 3, 4, 5]


def test_common_time_base_divides_every_time() -> None:
    assert common_time_base([Fraction(1, 24), Fraction(1, 1000), Fraction(0)]) == Fraction(1, 3000)
    assert common_time_base([Fraction(3, 4), Fraction(3, 2)]) == Fraction(3, 4)
    assert common_time_base([Fraction(0)]) == 1
