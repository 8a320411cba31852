"""Painted places that people built: a room with a window, and a street of houses."""

from __future__ import annotations

import numpy as np

from animeinterp.data.cartoon.brushes import Canvas
from animeinterp.data.cartoon.curves import blob, ellipse
from animeinterp.data.cartoon.palette import Colour, light, mix, shadow
from animeinterp.data.cartoon.scenery import paint_foliage, paint_sky

FLOOR: Colour = (150, 108, 78)
ROAD: Colour = (122, 110, 132)


def paint_room(canvas: Canvas) -> None:
    """Paint a room with a window, curtains and a bookshelf."""
    rng = canvas.rng
    walls: tuple[Colour, ...] = ((226, 206, 180), (190, 208, 206), (226, 190, 180), (200, 196, 222))
    wall = walls[int(rng.integers(4))]
    canvas.wash([(-60, shadow(wall, 0.1)), (420, wall)])
    canvas.grain(5, 160)
    canvas.box(-400, 300, 1400, 420, mix(wall, (150, 110, 84), 0.55))
    for x in range(-80, 1060, 48):
        canvas.box(x, 306, x + 3, 412, mix(wall, (110, 76, 60), 0.7))
    canvas.box(-400, 296, 1400, 306, mix(wall, (255, 250, 240), 0.4))
    floor = FLOOR
    canvas.wash([(412, light(floor, 0.18)), (600, floor)], low=412)
    for k in range(-14, 36):
        canvas.shape(
            [(k * 70 - 2, 412), (k * 70 + 1, 412), (k * 140 - 1086, 760), (k * 140 - 1094, 760)],
            shadow(floor, 0.2),
            0.8,
        )
    left = float(rng.uniform(70, 560))
    _window(canvas, left, 50, 290, 220)
    _bookshelf(canvas, left + 420 if left < 330 else left - 360)
    beam = [(left + 20, 250), (left + 270, 250), (left + 130, 560), (left - 240, 560)]
    canvas.shape(beam, (255, 244, 206), 14, 0.26)
    canvas.soften(0.9)


def _window(canvas: Canvas, left: float, top: float, wide: float, high: float) -> None:
    frame: Colour = (246, 240, 230)
    canvas.box(left - 14, top - 14, left + wide + 14, top + high + 14, shadow(frame, 0.18), 2)
    canvas.box(left - 12, top - 12, left + wide + 10, top + high + 10, frame)
    canvas.box(left, top, left + wide, top + high, (164, 212, 244))
    for k in range(3):
        x = left + 50 + 90 * k + canvas.rng.uniform(-20, 20)
        canvas.shape(ellipse(x, top + 60 + 24 * k, 44, 15), (246, 250, 252), 3)
    for k in range(6):
        x = min(max(left + wide * (k + 0.5) / 6, left + 40), left + wide - 40)
        paint_foliage(canvas, x, top + high - 34, 30, (104, 168, 104), 60)
    for x in (left + wide / 2 - 4, left - 4, left + wide - 4):
        canvas.box(x, top, x + 8, top + high, frame)
    canvas.box(left, top + high * 0.45, left + wide, top + high * 0.45 + 8, frame)
    canvas.box(left - 24, top + high, left + wide + 24, top + high + 16, light(frame, 0.3))
    cloth: Colour = (214, 132, 118) if canvas.rng.random() < 0.5 else (126, 160, 190)
    for side in (-1, 1):
        x = left - 26 if side < 0 else left + wide + 26
        drape = [
            (x - 34, top - 26),
            (x + 34, top - 26),
            (x + 20 - 12 * side, top + 120),
            (x + 26, top + high + 70),
            (x - 26, top + high + 70),
            (x - 20 - 12 * side, top + 120),
        ]
        canvas.shape(blob(drape, (0, 1, 3, 4)), cloth, 1)
        for dx in (-18, 0, 16):
            fold = [
                (x + dx, top - 24),
                (x + dx * 0.6 - 6 * side, top + 110),
                (x + dx * 0.8, top + high + 66),
                (x + dx * 0.8 + 8, top + high + 66),
            ]
            canvas.shape(blob(fold, (0, 2, 3)), shadow(cloth, 0.24), 2)
    canvas.box(left - 70, top - 32, left + wide + 70, top - 22, (140, 96, 66))


def _bookshelf(canvas: Canvas, left: float) -> None:
    wood: Colour = (146, 98, 64)
    canvas.box(left, 90, left + 230, 416, shadow(wood, 0.3), 2)
    for shelf in range(4):
        y = 96 + 80 * shelf
        canvas.box(left + 8, y, left + 222, y + 72, shadow(wood, 0.5))
        x = left + 12.0
        while x < left + 196:
            wide, high = canvas.rng.uniform(9, 22), canvas.rng.uniform(40, 64)
            spine = tuple(int(v) for v in canvas.rng.integers(70, 210, 3))
            tone = mix((spine[0], spine[1], spine[2]), wood, 0.35)
            canvas.box(x, y + 72 - high, x + wide - 1.5, y + 72, tone, 0.4)
            canvas.box(x, y + 80 - high, x + wide - 1.5, y + 85 - high, light(tone, 0.4), 0.4)
            x += wide + (30 if canvas.rng.random() < 0.12 else 0)
        canvas.box(left + 2, y + 72, left + 228, y + 80, light(wood, 0.1))


def paint_street(canvas: Canvas) -> None:
    """Paint a street of houses by day or at dusk."""
    rng = canvas.rng
    dusk = rng.random() < 0.6
    if dusk:
        paint_sky(canvas, (108, 110, 180), (252, 196, 150), 330, 4)
    else:
        paint_sky(canvas, (98, 176, 236), (222, 238, 246), 330, 4)
    far: Colour = (150, 128, 168) if dusk else (160, 188, 208)
    for left in range(-80, 1060, 58):
        top = 230 - rng.uniform(0, 70)
        tone = mix(far, (110, 110, 140), float(rng.uniform(0, 0.3)))
        canvas.box(left, top, left + 64, 420, tone, 1.5)
    x = -120.0
    while x < 1080:
        wide = float(rng.uniform(130, 190))
        _house(canvas, x, wide, float(rng.uniform(120, 190)), dusk)
        x += wide + float(rng.uniform(4, 30))
    pavement = mix(ROAD, (240, 220, 200), 0.45)
    canvas.wash([(396, light(pavement, 0.1)), (440, pavement)], low=396)
    canvas.wash([(440, shadow(ROAD, 0.1)), (560, ROAD)], low=440)
    canvas.box(-400, 436, 1400, 444, light(pavement, 0.3))
    for k in range(-8, 16):
        canvas.shape(
            [(k * 120, 498), (k * 120 + 62, 498), (k * 120 + 58, 505), (k * 120 - 6, 505)],
            (230, 222, 214),
            0.8,
        )
    for k in range(-6, 26):
        canvas.shape(
            [(k * 60, 398), (k * 60 + 2, 398), (k * 60 - 16, 436), (k * 60 - 19, 436)],
            shadow(pavement, 0.14),
            0.6,
        )
    for x in (210.0, 700.0):
        canvas.box(x, 150, x + 7, 420, (70, 66, 86))
        canvas.box(x - 2, 146, x + 44, 152, (70, 66, 86))
        canvas.shape(ellipse(x + 38, 158, 15, 9), (255, 240, 190), 1)
        if dusk:
            canvas.shape(ellipse(x + 38, 164, 52, 44), (255, 226, 150), 16, 0.4)
    canvas.soften(0.8)


def _house(canvas: Canvas, x: float, wide: float, high: float, dusk: bool) -> None:
    rng = canvas.rng
    tones: tuple[Colour, ...] = (
        (228, 204, 176),
        (206, 150, 130),
        (176, 190, 196),
        (236, 220, 170),
        (190, 170, 196),
    )
    roofs: tuple[Colour, ...] = ((166, 82, 72), (92, 104, 140), (120, 84, 76))
    wall = tones[int(rng.integers(5))]
    if dusk:
        wall = mix(wall, (120, 84, 130), 0.34)
    roof = mix(roofs[int(rng.integers(3))], (110, 80, 120), 0.3 if dusk else 0.0)
    top = 400 - high
    canvas.box(x, top, x + wide, 402, wall)
    canvas.box(x, top, x + wide * 0.16, 402, shadow(wall, 0.14), 4)
    canvas.shape(
        [(x - 12, top + 2), (x + wide * 0.2, top - 46), (x + wide * 0.8, top - 46), (x + wide + 12, top + 2)],
        roof,
        0.8,
    )
    for row in range(4):
        y = top - 38 + row * 10
        canvas.box(
            x + wide * (0.17 - 0.05 * row), y, x + wide * (0.83 + 0.05 * row), y + 2, shadow(roof, 0.24)
        )
    pane: Colour = (255, 224, 140) if dusk else (170, 206, 226)
    for column in (0.14, 0.58):
        for y in np.arange(top + 24, 350, 62):
            left = x + wide * column
            lit = pane if rng.random() < 0.7 else shadow(pane, 0.45)
            canvas.box(left - 4, y - 4, left + wide * 0.27 + 4, y + 38, light(wall, 0.4))
            canvas.box(left, y, left + wide * 0.27, y + 34, lit)
            canvas.box(left + wide * 0.125, y, left + wide * 0.145, y + 34, light(wall, 0.4))
    door = x + wide * 0.42
    canvas.box(door, 340, door + wide * 0.15, 402, shadow(roof, 0.2))
