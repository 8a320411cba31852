from __future__ import annotations

import numpy as np
import pytest

from animeinterp.data.cutouts.degradation import Degradation, choose_degradation, degrade


def _frame() -> np.ndarray:
    frame = np.full((33, 47, 3), (200, 60, 40), np.uint8)
    frame[8:20, 10:30] = (20, 90, 220)
    return frame


def test_nothing_changes_nothing() -> None:
    assert np.array_equal(degrade(_frame(), Degradation(), np.random.default_rng(0)), _frame())


@pytest.mark.parametrize(
    "how",
    [
        Degradation(blur=0.8),
        Degradation(grain=3.0),
        Degradation(coarse_colour=True),
        Degradation(quality=60),
        Degradation(0.5, 2.0, True, 70),
    ],
)
def test_each_kind_changes_a_frame_a_little_and_always_alike(how: Degradation) -> None:
    changed = degrade(_frame(), how, np.random.default_rng(0))
    assert changed.shape == _frame().shape
    assert changed.dtype == np.uint8
    gap = np.abs(changed.astype(int) - _frame())
    assert 0 < gap.mean() < 16
    assert np.array_equal(changed, degrade(_frame(), how, np.random.default_rng(0)))


def test_grain_has_the_strength_asked_for() -> None:
    plain = np.full((100, 100, 3), 128, np.uint8)
    grain = degrade(plain, Degradation(grain=4.0), np.random.default_rng(1)).astype(float) - 128
    assert grain.std() == pytest.approx(4.0, rel=0.1)


def test_every_choice_degrades_and_all_kinds_occur() -> None:
    found = [choose_degradation(np.random.default_rng(seed)) for seed in range(60)]
    for how in found:
        assert how != Degradation()
        assert how.quality is None or 1 <= how.quality <= 100
    assert 0 < sum(how.blur > 0 for how in found) < 60
    assert 0 < sum(how.grain > 0 for how in found) < 60
    assert 0 < sum(how.coarse_colour for how in found) < 60
    assert 0 < sum(how.quality is not None for how in found) < 60
