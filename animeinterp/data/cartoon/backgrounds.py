"""Painted backgrounds: soft, textured and without outlines, so that only figures have contours."""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from animeinterp.data.cartoon.brushes import Canvas
from animeinterp.data.cartoon.curves import blob, ellipse
from animeinterp.data.cartoon.palette import Colour, light, mix, shadow
from animeinterp.data.cartoon.scenery import paint_foliage, paint_ridge, paint_sky, scatter
from animeinterp.data.cartoon.town import FLOOR, ROAD, paint_room, paint_street

Place = Literal["meadow", "room", "street", "beach", "forest"]
PLACES: tuple[Place, ...] = ("meadow", "room", "street", "beach", "forest")

GROUND: dict[Place, Colour] = {
    "meadow": (104, 164, 74),
    "room": FLOOR,
    "street": ROAD,
    "beach": (226, 200, 150),
    "forest": (74, 98, 62),
}
"""Colour of the ground where figures stand; their contact shadow is a flat, darker piece of it."""


def paint_background(
    where: Place, size: tuple[int, int], margin: int, rng: np.random.Generator
) -> NDArray[np.uint8]:
    """Paint a place.

    Parameters
    ----------
    where
        One of `PLACES`.
    size
        (height, width) of the frame in pixels.
    margin
        Pixels added at every side.
    rng
        Source of all variation.

    Returns
    -------
    numpy.ndarray
        uint8 RGB, (height + 2 margin, width + 2 margin, 3).
    """
    canvas = Canvas(size, margin, rng)
    _PAINTERS[where](canvas)
    canvas.grain(1.6, 40)
    return canvas.finished()


def _paint_meadow(canvas: Canvas) -> None:
    paint_sky(canvas, (92, 164, 232), (206, 234, 248), 330, 5)
    paint_ridge(canvas, 300, 40, (140, 184, 206), 2)
    paint_ridge(canvas, 335, 26, (122, 178, 148), 1.6)
    for x in np.arange(-40, 1020, 66):
        at = float(x + canvas.rng.uniform(-20, 20))
        paint_foliage(
            canvas, at, 338 + canvas.rng.uniform(-8, 10), canvas.rng.uniform(34, 56), (84, 152, 92), 70
        )
    canvas.soften(1.3)
    field = [(-200, 368), (300, 352), (700, 362), (1200, 350), (1200, 760), (-200, 760)]
    canvas.shape(blob(field, (0, 3, 4, 5)), (138, 190, 88), 1.2)
    ground = canvas.mask([[(-300, 420), (1300, 400), (1300, 800), (-300, 800)]], 40)
    canvas.lay(ground, GROUND["meadow"])
    trail = blob(
        [(520, 356), (560, 358), (500, 420), (640, 500), (760, 700), (200, 700), (390, 500), (450, 420)]
    )
    canvas.shape(trail, (222, 202, 152), 3)
    grass = scatter(canvas, 900, -60, 372, 1020, 600)
    canvas.dabs(grass, 7, 1.6, [(96, 150, 70), (118, 176, 80), (150, 200, 96)], 90, 24)
    blooms = scatter(canvas, 70, -40, 400, 1000, 560)
    canvas.dabs(blooms, 3, 2.6, [(250, 250, 240), (250, 220, 110), (244, 170, 180)])
    side = float(canvas.rng.choice([90.0, 860.0]))
    canvas.shape(
        blob([(side - 16, 420), (side - 10, 250), (side + 12, 250), (side + 20, 420)], (0, 3)),
        (112, 82, 66),
        1.2,
    )
    for dx, dy, r in ((-70, 210, 74), (60, 200, 80), (0, 140, 90)):
        paint_foliage(canvas, side + dx, dy, r, (92, 164, 76))


def _paint_beach(canvas: Canvas) -> None:
    rng = canvas.rng
    paint_sky(canvas, (70, 152, 226), (214, 240, 250), 250, 6)
    canvas.wash([(250, (58, 140, 196)), (400, (112, 208, 214)), (412, (190, 236, 226))], low=250, high=420)
    canvas.dabs(
        scatter(canvas, 300, -60, 258, 1020, 396),
        16,
        1.2,
        [(140, 206, 226), (84, 166, 208), (220, 244, 246)],
        0,
        3,
    )
    _ridge_isle(canvas)
    sand = GROUND["beach"]
    shore = [(-200, 410), (150, 392), (420, 408), (700, 390), (1160, 404), (1160, 760), (-200, 760)]
    canvas.shape(blob(shore, (0, 4, 5, 6)) + np.array([0, -9]), (236, 248, 244), 2.5)
    canvas.shape(blob(shore, (0, 4, 5, 6)), shadow(sand, 0.08), 2)
    canvas.lay(canvas.mask([[(-300, 450), (1300, 440), (1300, 800), (-300, 800)]], 22), sand)
    canvas.dabs(
        scatter(canvas, 500, -60, 420, 1020, 580),
        5,
        1.3,
        [shadow(sand, 0.12), light(sand, 0.3), shadow(sand, 0.06)],
        0,
        12,
    )
    base = float(rng.choice([110.0, 850.0]))
    lean = 50 if base < 480 else -50
    trunk = [
        (base - 15, 470),
        (base + lean * 0.3 - 9, 300),
        (base + lean - 7, 140),
        (base + lean + 9, 140),
        (base + lean * 0.3 + 11, 300),
        (base + 17, 470),
    ]
    canvas.shape(blob(trunk, (0, 2, 3, 5)), (158, 116, 82), 1)
    for y in range(160, 470, 22):
        share = (470 - y) / 330
        x = base + lean * share**1.5
        canvas.shape(ellipse(x - 3, y, 9, 2.4), (120, 84, 64), 0.8)
    for angle in (-165, -140, -100, -60, -25, 10, 170):
        a = np.deg2rad(angle)
        tip = np.array([base + lean + 120 * np.cos(a), 150 + 70 * np.sin(a) + 44])
        middle = np.array([base + lean + 70 * np.cos(a), 132 + 62 * np.sin(a)])
        leaf = blob([np.array([base + lean, 144]), middle - [0, 13], tip, middle - [0, -12]], (0, 2))
        canvas.shape(leaf, (62, 138, 84) if angle % 2 else (92, 170, 92), 1)


def _ridge_isle(canvas: Canvas) -> None:
    x = float(canvas.rng.uniform(200, 760))
    canvas.shape(
        blob([(x - 120, 256), (x - 50, 226), (x + 10, 212), (x + 90, 238), (x + 150, 256)], (0, 4)),
        (110, 160, 160),
        1.5,
    )


def _paint_forest(canvas: Canvas) -> None:
    rng = canvas.rng
    canvas.wash([(-60, (196, 224, 150)), (240, (150, 200, 146)), (420, (92, 138, 100))])
    for depth, tone in enumerate(((136, 176, 128), (98, 136, 98), (66, 88, 66))):
        wide = 9 + 13 * depth
        for x in np.arange(-60, 1040, 76 + 62 * depth):
            at = float(x + rng.uniform(-30, 30))
            lean = float(rng.uniform(-12, 12))
            foot = 392 + 14 * depth
            trunk = [
                (at - wide * 1.5, foot + 8),
                (at - wide * 0.8, 300),
                (at - wide * 0.7 + lean, -60),
                (at + wide * 0.7 + lean, -60),
                (at + wide * 0.8, 300),
                (at + wide * 1.6, foot + 8),
            ]
            canvas.shape(blob(trunk, (0, 2, 3, 5)), mix(tone, (100, 70, 50), 0.18 * depth), 1.8 - 0.5 * depth)
            if depth:
                side = np.array(
                    [
                        (at + wide * 0.2, foot),
                        (at + wide * 0.3 + lean, -60),
                        (at + wide * 0.7 + lean, -60),
                        (at + wide * 1.2, foot),
                    ]
                )
                canvas.shape(side, light(tone, 0.28), 2, 0.6)
        for x in np.arange(-40, 1040, 90):
            paint_foliage(
                canvas,
                float(x + rng.uniform(-30, 30)),
                392 + 8 * depth,
                36,
                mix(tone, (110, 170, 70), 0.5),
                50,
            )
        canvas.soften(1.4 - 0.5 * depth)
    canvas.wash([(406, (118, 150, 82)), (560, GROUND["forest"])], low=406)
    canvas.lay(canvas.mask([[(-300, 392), (1300, 392), (1300, 418), (-300, 418)]], 9), (104, 140, 78))
    canvas.dabs(
        scatter(canvas, 800, -60, 404, 1020, 590),
        8,
        2,
        [(70, 98, 56), (98, 134, 70), (138, 164, 84)],
        80,
        50,
    )
    for x in np.arange(-40, 1040, 84):
        paint_foliage(
            canvas,
            float(x + rng.uniform(-30, 30)),
            rng.uniform(-20, 36),
            rng.uniform(50, 84),
            (104, 164, 66),
            120,
        )
    for x in rng.uniform(80, 860, 4):
        canvas.shape([(x, -40), (x + 50, -40), (x - 90, 470), (x - 200, 470)], (250, 250, 190), 12, 0.2)
    for x, y in scatter(canvas, 14, 20, 430, 940, 560):
        canvas.shape(ellipse(x, y, 42, 9), (188, 202, 104), 5, 0.4)


_PAINTERS: dict[Place, Callable[[Canvas], None]] = {
    "meadow": _paint_meadow,
    "room": paint_room,
    "street": paint_street,
    "beach": _paint_beach,
    "forest": _paint_forest,
}
