from __future__ import annotations

import numpy as np
import pytest

from animeinterp.data.cartoon.triplet import draw_triplet
from animeinterp.data.clips.fades import is_dissolve, is_ramp
from animeinterp.data.clips.sketch import Sketch, draw_sketch

SIZE = (270, 480)


@pytest.fixture(scope="module")
def shot() -> tuple[Sketch, Sketch]:
    drawn = draw_triplet(1, SIZE)
    return draw_sketch(drawn.frame0), draw_sketch(drawn.frame1)


@pytest.fixture(scope="module")
def other() -> Sketch:
    return draw_sketch(draw_triplet(2, SIZE).frame0)


@pytest.mark.parametrize("gain", [0.2, 0.5, 0.9])
@pytest.mark.parametrize("offset", [0.0, 20.0])
def test_lighter_and_darker_is_a_ramp_both_ways(
    shot: tuple[Sketch, Sketch], gain: float, offset: float
) -> None:
    faded = shot[0] * np.float32(gain) + np.float32(offset)
    assert is_ramp(shot[0], faded)
    assert is_ramp(faded, shot[0])


def test_planes_may_fade_apart(shot: tuple[Sketch, Sketch]) -> None:
    gains = np.array([0.8, 0.2, 0.5], np.float32)
    assert is_ramp(shot[0], (shot[0] - 128) * gains + 128)


def test_negative_and_motion_are_no_ramps(shot: tuple[Sketch, Sketch], other: Sketch) -> None:
    assert not is_ramp(shot[0], 255 - shot[0])
    assert not is_ramp(*shot)
    assert not is_ramp(shot[0], other)
    assert not is_ramp(shot[0], shot[1] * np.float32(0.7))


def test_last_step_to_black_is_a_ramp_and_black_at_once_is_not(shot: tuple[Sketch, Sketch]) -> None:
    black = np.full_like(shot[0], 128)
    black[..., 0] = 0
    step = shot[0] * np.array([0.1, 0.1, 0.1], np.float32) + np.array([0, 115.2, 115.2], np.float32)
    assert is_ramp(step, black)
    assert is_ramp(black, step)
    assert not is_ramp(shot[0], black)
    assert not is_ramp(black, shot[0])


def test_steps_of_a_cross_fade(shot: tuple[Sketch, Sketch], other: Sketch) -> None:
    shares = np.array([0.0, 0.2, 0.4, 0.7, 1.0], np.float32)
    steps = [shot[0] * (1 - share) + other * share for share in shares]
    for three in zip(steps, steps[1:], steps[2:], strict=False):
        assert is_dissolve(*three)
        assert is_dissolve(*reversed(three))
    assert not is_dissolve(steps[0], steps[2], steps[1])  # back again
    assert not is_dissolve(steps[0], steps[0] + (steps[1] - steps[0]) * np.float32(0.05), steps[3])


def test_motion_and_cuts_are_no_cross_fades(shot: tuple[Sketch, Sketch], other: Sketch) -> None:
    middle = draw_sketch(draw_triplet(1, SIZE).middle)
    assert not is_dissolve(shot[0], middle, shot[1])
    assert not is_dissolve(shot[0], shot[1], other)
    assert not is_dissolve(shot[0], other, other)


@pytest.mark.parametrize("shift", [1, 2, 5])
def test_a_pan_is_no_cross_fade(shift: int) -> None:
    frame = draw_triplet(2, SIZE).frame0
    steps = [draw_sketch(np.roll(frame, shift * step, axis=1)) for step in range(3)]
    assert not is_dissolve(*steps)
