from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest

from animeinterp.data.cartoon.triplet import draw_triplet
from animeinterp.data.clips.likeness import unlikeness
from animeinterp.data.clips.sketch import draw_sketch

SIZE = (180, 320)


def test_the_same_has_everything_in_common_and_noise_nothing() -> None:
    drawn = draw_sketch(draw_triplet(3, SIZE).frame0)
    noise = draw_sketch(np.random.default_rng(0).integers(0, 256, (*SIZE, 3), np.uint8))
    assert unlikeness(drawn, drawn) == 0
    assert unlikeness(drawn, noise) > 0.75


def test_it_is_the_same_both_ways() -> None:
    first, second = (draw_sketch(draw_triplet(seed, SIZE).frame0) for seed in (3, 4))
    assert unlikeness(first, second) == pytest.approx(unlikeness(second, first))
    assert 0 <= unlikeness(first, second) <= 1


def test_motion_is_told_from_cuts() -> None:
    triplets = [draw_triplet(seed, SIZE) for seed in range(40, 50)]
    shots = [(draw_sketch(t.frame0), draw_sketch(t.frame1)) for t in triplets]
    moving = [unlikeness(first, second) for first, second in shots]
    cuts = [unlikeness(first, other) for (first, _), (other, _) in pairwise(shots)]
    assert max(moving) < 0.5
    assert min(cuts) > 0.65


def test_a_pan_by_a_quarter_of_the_width_is_no_cut() -> None:
    frame = draw_triplet(2, (180, 400)).frame0
    first, second = (draw_sketch(np.ascontiguousarray(frame[:, left : left + 320])) for left in (0, 80))
    assert unlikeness(first, second) < 0.4
