from __future__ import annotations

from fractions import Fraction
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from animeinterp.configs.sections import ClipSection
from animeinterp.pipeline.clips.timeline import Shown, Timeline
from tests.pipeline.scans import scan_of


def timeline(changes: str, *, starts: list[Fraction] | None = None, **settings: Any) -> Timeline:
    return Timeline(scan_of(changes, starts), ClipSection(**settings))


def words(found: Timeline) -> list[str]:
    """A frame as its number, a place between two drawings as `0>2@0.5`, or `0~2@0.5` for a cross-fade."""
    return [word(shown) for shown in found.shown()]


def word(shown: Shown) -> str:
    if shown.between is None:
        return str(shown.frame)
    sign = ">" if shown.between.way == "motion" else "~"
    return f"{shown.between.frames[0]}{sign}{shown.between.frames[1]}@{shown.between.t:g}"


def test_twice_the_frames() -> None:
    found = timeline("Fmm")
    assert words(found) == ["0", "0>1@0.5", "1", "1>2@0.5", "2", "2"]
    assert [shown.start * 48 for shown in found.shown()] == list(range(6))
    assert found.plan.times == {(0, 1): (0.5,), (1, 2): (0.5,)}


def test_drawings_on_twos_and_threes_move_in_equal_steps() -> None:
    found = timeline("Frmrrm")
    assert words(found)[:10] == [
        *("0", "0>2@0.25", "0>2@0.5", "0>2@0.75", "2"),
        *("2>5@0.166667", "2>5@0.333333", "2>5@0.5", "2>5@0.666667", "2>5@0.833333"),
    ]


def test_repeats_may_be_kept() -> None:
    assert words(timeline("Frmrrm", timing="keep")) == [
        *("0", "0", "1", "0>2@0.5"),
        *("2", "2", "3", "3", "4", "2>5@0.5", "5", "5"),
    ]


def test_a_pause_stays_and_motion_begins_after_the_usual_hold() -> None:
    found = timeline("Frmr" + "m" + "r" * 9 + "mr")
    assert words(found)[8 : 8 + 17] == [str(4 + k // 2) for k in range(17)]
    assert words(found)[25:28] == ["4>14@0.25", "4>14@0.5", "4>14@0.75"]


def test_long_holds_are_told_with_what_would_draw_them() -> None:
    found = timeline("Frmr" + "m" + "r" * 9 + "mr")
    assert found.about_pauses() == (
        "10 frames belong to drawings held for more than 4 frames, which stay still; --longest-hold 10 would "
        "draw 16 more"
    )
    moved = timeline("Frmr" + "m" + "r" * 9 + "mr", longest_hold=10)
    assert moved.drawn == found.drawn + 16
    assert moved.about_pauses() == timeline("Frmr").about_pauses() == ""
    assert timeline("Frmr" + "m" + "r" * 9 + "mr", timing="keep").about_pauses() == ""


def test_slow_motion_takes_longer_at_the_same_rate() -> None:
    found = timeline("Fmm", factor=1, slow=3)
    assert words(found) == [
        *("0", "0>1@0.333333", "0>1@0.666667", "1", "1>2@0.333333", "1>2@0.666667"),
        *("2", "2", "2"),
    ]
    assert [shown.start * 24 for shown in found.shown()] == list(range(9))
    assert found.plan.cadence.rate == timeline("Fmm", factor=1).plan.cadence.rate
    at_rate = timeline("Fmm", fps="24", slow=3)
    assert words(at_rate) == words(found)
    assert [shown.start for shown in at_rate.shown()] == [shown.start for shown in found.shown()]


def test_a_loop_leads_back_to_the_first_drawing() -> None:
    assert words(timeline("Fmm", loop=True))[-2:] == ["2", "2>0@0.5"]
    assert words(timeline("Frmr", loop=True))[4:] == ["2", "2>0@0.25", "2>0@0.5", "2>0@0.75"]
    of_images = Timeline(scan_of("Fmm"), ClipSection(loop=True), to_the_end=False)
    assert words(of_images)[-1] == "2>0@0.5"
    assert words(timeline("Fmm", loop=True, times=[0.25]))[-1] == "2>0@0.25"
    assert timeline("Frr", loop=True).plan.times == {}


def test_nothing_is_made_across_a_cut() -> None:
    assert words(timeline("Frcm")) == ["0", "0", "1", "1", "2", "2>3@0.5", "3", "3"]
    assert timeline("Frc").plan.times == {}


def test_a_cut_may_be_blended() -> None:
    assert words(timeline("Frc", on_cut="blend"))[:5] == ["0", "0", "1", "0~2@0.5", "2"]


def test_fades_are_mixed() -> None:
    found = timeline("Fff")
    assert words(found)[:4] == ["0", "0~1@0.5", "1", "1~2@0.5"]
    assert found.plan.times == {}


def test_a_still_clip_needs_nothing() -> None:
    assert words(timeline("Frrr", factor=3)) == ["0"] * 3 + ["1"] * 3 + ["2"] * 3 + ["3"] * 3


def test_images_end_with_the_last_frame() -> None:
    found = Timeline(scan_of("Fmr"), ClipSection(), to_the_end=False)
    assert words(found) == ["0", "0>1@0.5", "1", "1", "2"]


def test_frames_a_second() -> None:
    assert words(timeline("Fmmm", fps="36")) == [
        "0",
        "0>1@0.666667",
        "1>2@0.333333",
        "2",
        "2>3@0.666667",
        "3",
    ]
    assert words(timeline("Fmmm", fps="12")) == ["0", "2"]
    assert words(timeline("Fmmm", fps="24")) == ["0", "1", "2", "3"]


def test_times() -> None:
    assert words(timeline("Fm", times=(0.25, 0.75))) == ["0", "0>1@0.25", "0>1@0.75", "1"]


def test_times_rounded_to_milliseconds_are_the_frames_own() -> None:
    starts = [Fraction(round(1000 * k / 24), 1000) for k in range(5)]
    found = timeline("Fmmmm", starts=starts, fps="48")
    assert [word(shown) for shown in found.shown() if shown.between is None] == ["0", "1", "2", "3", "4", "4"]
    assert [shown.start * 48 for shown in found.shown()] == list(range(10))


def test_a_variable_rate_is_kept() -> None:
    starts = [Fraction(0), Fraction(1, 24), Fraction(1, 8), Fraction(1, 6)]
    found = timeline("Fmmm", starts=starts)
    assert [shown.start for shown in found.shown()][:6] == [
        *(Fraction(0), Fraction(1, 48), Fraction(1, 24), Fraction(1, 12), Fraction(1, 8), Fraction(7, 48))
    ]
    assert words(found)[3] == "1>2@0.5"


@given(
    st.text("rrmfc", max_size=30),
    st.sampled_from(["smooth", "keep"]),
    st.sampled_from(["hold", "blend"]),
    st.sampled_from([{"factor": 1}, {"factor": 3}, {"fps": "23.976"}, {"fps": "60"}, {"times": (0.1, 0.9)}]),
)
def test_whatever_the_clip_it_lasts_as_long_and_stays_within_drawings(
    changes: str, timing: str, on_cut: str, wanted: dict[str, Any]
) -> None:
    found = timeline("F" + changes, timing=timing, on_cut=on_cut, **wanted)
    scan, shown = found.scan, list(found.shown())
    assert shown[0].start == 0
    assert sum(frame.duration for frame in shown) == scan.end
    assert all(a.start + a.duration == b.start for a, b in pairwise(shown))
    assert [frame.frame for frame in shown] == sorted(frame.frame for frame in shown)
    drawings = scan.drawings()
    for frame in shown:
        if frame.between is not None:
            first, second = frame.between.frames
            assert drawings[second] == second
            assert drawings[second - 1] == first
            assert scan.starts[first] < frame.start < scan.starts[second]
            if frame.between.way == "motion":
                assert scan.changes[second] == "motion"


@pytest.mark.parametrize(
    ("text", "rate"), [("23.976", Fraction(24000, 1001)), ("29.97", Fraction(30000, 1001))]
)
def test_customary_rates_are_exact(text: str, rate: Fraction) -> None:
    assert timeline("Fm", fps=text).plan.cadence.rate == rate
