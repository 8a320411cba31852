"""Pieces of landscape that several backgrounds share."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from animeinterp.data.cartoon.brushes import Canvas
from animeinterp.data.cartoon.curves import blob, ellipse
from animeinterp.data.cartoon.palette import Colour, light, mix, shadow


def scatter(
    canvas: Canvas, count: int, left: float, top: float, right: float, bottom: float
) -> NDArray[np.float64]:
    """Random points of a box of the 960 x 540 picture; fewer on small canvases, where dabs merge anyway."""
    # The smallest dab has a fixed size in pixels: on a small canvas fewer of them cover as much.
    kept = max(4, int(count * min(1.0, canvas.unit**0.7)))
    return canvas.rng.uniform((left, top), (right, bottom), (kept, 2))


def paint_sky(canvas: Canvas, top: Colour, bottom: Colour, horizon: float, clouds: int) -> None:
    """Paint a sky down to the horizon, with heaped clouds lit from above."""
    canvas.wash([(-60, top), (horizon, bottom)])
    rng = canvas.rng
    for _ in range(clouds):
        x, y = rng.uniform(-40, 1000), rng.uniform(20, horizon * 0.62)
        wide = rng.uniform(70, 150)
        puffs, lit = [], []
        for k in range(9):
            at = x + wide * (k / 4 - 1)
            r = wide * 0.34 * (1.15 - abs(k / 4 - 1)) * rng.uniform(0.8, 1.25)
            puffs.append(ellipse(at, y - r * 0.4, r * 1.25, r))
            lit.append(ellipse(at + 4, y - r * 0.62, r * 1.05, r * 0.74))
        base = mix(bottom, (255, 255, 255), 0.35)
        canvas.lay(canvas.mask(puffs, 2.5), mix(base, top, 0.18), 0.85)
        canvas.lay(canvas.mask(lit, 4), mix((255, 255, 255), bottom, 0.08), 0.9)


def paint_foliage(canvas: Canvas, x: float, y: float, radius: float, colour: Colour, dabs: int = 260) -> None:
    """Paint a crown of leaves: dark dabs below, bright ones above and to the right, where the light is."""
    rng = canvas.rng
    for share, tone in (
        (1.0, shadow(colour, 0.34)),
        (0.86, shadow(colour, 0.14)),
        (0.7, colour),
        (0.5, light(colour, 0.22)),
    ):
        count = max(4, int(dabs * share * min(1.0, canvas.unit**0.7)))
        a, r = rng.uniform(0, 2 * np.pi, count), radius * share * np.sqrt(rng.random(count))
        lift = (1 - share) * radius
        points = np.stack(
            [x + r * 1.2 * np.cos(a) + lift * 0.4, y + r * 0.85 * np.sin(a) - lift * 0.6], axis=1
        )
        canvas.dabs(
            points, radius * 0.13, radius * 0.075, [mix(tone, (20, 60, 60), 0.12), tone, light(tone, 0.08)]
        )


def paint_ridge(canvas: Canvas, height: float, swing: float, colour: Colour, blur: float) -> None:
    """Paint a line of hills, filled down to the bottom."""
    xs = np.linspace(-140, 1100, 12)
    ys = height + canvas.rng.uniform(-swing, swing, 12)
    line = [*zip(xs.tolist(), ys.tolist(), strict=True), (1300, 760), (-340, 760)]
    canvas.shape(blob(line, (11, 12, 13, 0)), colour, blur)
