"""Fades: drawings that change in brightness or turn into another, with nothing moving."""

from __future__ import annotations

import numpy as np

from animeinterp.data.clips.sketch import Sketch, mean_around, whole_change, worst_patch

MOST_LEFT = 15.0
"""Grey levels over the worst patch that a fade may leave unexplained: noise, not motion."""
LEAST_EXPLAINED = 0.85
"""Share of the squared change that a fade has to explain; noise and slow motion are not."""
FLAT_GAIN = 0.12
"""Gain below which a drawing has faded to nothing: no picture is left to compare."""
MOST_TO_FLAT = 32.0
"""Mean grey levels of the last step of a fade to one colour, or the first out of it; more is a cut."""
STEP_RATIOS = (0.25, 4.0)
"""Largest ratio in size of two consecutive steps of a cross-fade."""
SMOOTHED = 5
"""Cells over which steps of a cross-fade are averaged, because the noise of three drawings adds up."""
WHOLE_SHARE = 0.08
"""Least change of the whole picture, as a share of that of its worst patch, in a cross-fade: cross-fades have
0.15 and more of it, motion and pans at most 0.035. (Slow motion also continues as it began.)"""
FLAT = 1.0
"""Variance of a plane below which it has no relevant contrast."""


def is_ramp(first: Sketch, second: Sketch) -> bool:
    """Whether one drawing is the other with each plane made lighter, darker, paler or stronger all over."""
    if float(first[..., 0].var()) < float(second[..., 0].var()):
        first, second = second, first  # the richer one explains the poorer; the reverse would amplify noise
    fitted = np.empty_like(first)
    gains = []
    for plane in range(first.shape[2]):
        source, target = first[..., plane], second[..., plane]
        mean, wanted = float(source.mean()), float(target.mean())
        variance = float(source.var())
        together = float(((source - mean) * (target - wanted)).mean())
        gain = together / variance if variance >= FLAT else 1.0
        gains.append(gain)
        fitted[..., plane] = (source - mean) * gain + wanted
    if gains[0] < 0:
        return False
    if gains[0] < FLAT_GAIN and float(np.abs(second[..., 0] - first[..., 0]).mean()) > MOST_TO_FLAT:
        return False
    return _explained(second - first, second - fitted)


def is_dissolve(first: Sketch, second: Sketch, third: Sketch) -> bool:
    """Whether three drawings are steps of a cross-fade: the second change continues the first."""
    if whole_change(third - second) < WHOLE_SHARE * worst_patch(third - second):
        return False
    first, second, third = (mean_around(drawing, SMOOTHED) for drawing in (first, second, third))
    before, after = second - first, third - second
    ratio = float((before * after).sum()) / max(float((before * before).sum()), 1e-9)
    if not STEP_RATIOS[0] <= ratio <= STEP_RATIOS[1]:
        return False
    return _explained(after, after - ratio * before)


def _explained(change: Sketch, left: Sketch) -> bool:
    share = 1 - float((left * left).sum()) / max(float((change * change).sum()), 1e-9)
    return share >= LEAST_EXPLAINED and worst_patch(left) <= MOST_LEFT
