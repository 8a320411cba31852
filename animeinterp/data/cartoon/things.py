"""Things that move or stand in front: a ball, a car, a balloon, and props for the foreground."""

from __future__ import annotations

import numpy as np

from animeinterp.data.cartoon.curves import blob, ellipse, limb, polygon, star
from animeinterp.data.cartoon.faces import WHITE
from animeinterp.data.cartoon.figure import Figure
from animeinterp.data.cartoon.palette import Colour, Style, light, mix, pick, shadow


def draw_ball(rng: np.random.Generator, style: Style) -> Figure:
    """A beach ball; the joint `roll` turns it below its light."""
    figure = Figure(style, "ball", pivot=(0.0, 50.0), box=(-50, -50, 50, 50))
    figure.joint("roll", (0, 0))
    first = pick(rng, style.cloths)
    colours = [first, WHITE, pick(rng, style.cloths, first), WHITE, pick(rng, style.cloths, first), WHITE]
    with figure.on("roll"):
        ball = figure.add(ellipse(0, 0, 50), WHITE)
        for i, colour in enumerate(colours):
            a = np.deg2rad(60 * i + np.array([0, 30, 60]))
            rim = np.stack([np.cos(a), np.sin(a)], axis=1) * 58
            middle = 30 * np.array([np.cos(a[0] + 0.35), np.sin(a[0] + 0.35)])
            other = 30 * np.array([np.cos(a[2] + 0.35), np.sin(a[2] + 0.35)])
            gore = figure.shade(blob([(0, 0), middle, *rim, other], (0, 2, 4)), colour, ball)
            figure.shade(ellipse(0, 0, 68, 68, arc=(60 * i, 60 * i + 60)) * 0.8, shadow(colour, 0.08), gore)
            figure.stroke([(0, 0), middle, rim[0]], 2.2, taper=0.8, within=(ball,))
        figure.add(ellipse(0, 0, 8), first, weight=0.8)
        figure.add(star(0, 0, 5), (250, 226, 120), line=False)
    return figure


def draw_car(rng: np.random.Generator, style: Style) -> Figure:
    """A small car driving to the right with somebody at the wheel; joints root and wheels."""
    figure = Figure(style, "car", pivot=(-74.0, 56.0), box=(-132, -84, 134, 56))
    paint = pick(rng, ((214, 60, 52), (66, 128, 196), (246, 200, 74), (112, 176, 120), (236, 150, 166)))
    glass: Colour = (190, 224, 238)
    for name, x in {"wheel_l": -74, "wheel_r": 74}.items():
        figure.joint(name, (x, 30))
    body = figure.add(
        blob(
            [
                (-130, 26),
                (-128, -8),
                (-104, -24),
                (-74, -28),
                (-48, -74),
                (-10, -82),
                (30, -76),
                (64, -28),
                (108, -20),
                (130, 0),
                (132, 28),
                (0, 32),
            ],
            (0, 3, 7, 10),
        ),
        paint,
    )
    figure.shade(blob([(-140, 6), (-60, 12), (60, 10), (140, 6), (140, 50), (-140, 50)]), shadow(paint), body)
    figure.shade(
        blob([(-100, -21), (-60, -24), (60, -24), (104, -17), (60, -18), (-60, -18)]), light(paint, 0.6), body
    )
    for outline in (
        [(-62, -30), (-42, -66), (-8, -72), (-8, -30)],
        [(2, -30), (2, -72), (26, -67), (50, -30)],
    ):
        pane = figure.add(polygon(outline), glass)
        if outline[0][0] > 0:
            hair = pick(rng, style.hairs)
            skin = style.skins[0]
            figure.shade(ellipse(18, -42, 12, 14), hair, pane)
            figure.shade(ellipse(22, -38, 9, 10), skin, pane)
            figure.shade(
                blob([(0, -26), (10, -30), (28, -28), (36, -18), (0, -18)]),
                pick(rng, style.cloths, paint),
                pane,
            )
            figure.stroke([(24, -40), (24, -36)], 2, within=(pane,))
        left = outline[0][0]
        figure.shade(
            polygon([(left + 24, -84), (left + 34, -84), (left + 8, -20), (left - 2, -20)]),
            (232, 246, 252),
            pane,
        )
    figure.stroke([(-4, -28), (-3, 0), (-6, 28)], 2.2, taper=0.9, within=(body,))
    figure.add(limb([(-28, -12), (-16, -12)], [3, 3]), (232, 232, 236), weight=0.7)
    figure.add(ellipse(120, 2, 8, 10), (255, 244, 180), weight=0.8)
    figure.add(ellipse(-124, 4, 5, 9), (226, 70, 60), weight=0.8)
    for x in (-118, 118):
        figure.add(limb([(x - 14, 28), (x + 14, 28)], [6, 6]), (206, 208, 216), weight=0.8)
    for name, x in {"wheel_l": -74, "wheel_r": 74}.items():
        figure.add(ellipse(x, 28, 33, 33, arc=(180, 360)), shadow(paint, 0.55), line=False)
        with figure.on(name):
            tyre = figure.add(ellipse(x, 30, 26), (62, 56, 66))
            figure.shade(ellipse(x + 3, 27, 22), (84, 78, 88), tyre)
            figure.add(ellipse(x, 30, 15), (216, 216, 222), weight=0.8)
            for a in np.deg2rad([0, 72, 144, 216, 288]):
                figure.add(ellipse(x + 9 * np.cos(a), 30 + 9 * np.sin(a), 3), (120, 116, 128), line=False)
            figure.add(ellipse(x, 30, 4), paint, weight=0.6)
    return figure


def draw_balloon(rng: np.random.Generator, style: Style) -> Figure:
    """A hot-air balloon; joints root and basket."""
    figure = Figure(style, "balloon", box=(-62, -80, 62, 112))
    first = pick(rng, style.cloths)
    second = pick(rng, style.cloths, first)
    figure.joint("basket", (0, 60))
    with figure.on("basket"):
        for x in (-16, 16):
            figure.stroke([(x * 1.6, 56), (x, 86)], 2, taper=1.0)
        basket = figure.add(polygon([(-17, 86), (17, 86), (13, 110), (-13, 110)]), (186, 128, 76))
        for y in (92, 99, 105):
            figure.stroke([(-18, y), (18, y)], 1.8, within=(basket,))
        figure.add(limb([(-18, 86), (18, 86)], [3, 3]), (150, 96, 56), weight=0.7)
    skin = [(0, -80), (44, -62), (62, -18), (48, 24), (24, 60), (-24, 60), (-48, 24), (-62, -18), (-44, -62)]
    bag = figure.add(blob(skin, (4, 5)), first)
    for share in (-0.72, -0.18, 0.36):
        outer, inner = share, share + 0.3
        stripe = [
            (62 * outer, -18),
            (24 * outer, 66),
            (24 * inner, 66),
            (62 * inner, -18),
            (20 * inner, -86),
            (20 * outer, -86),
        ]
        figure.shade(blob(stripe, (1, 2, 4, 5)), second, bag)
    figure.shade(
        blob([(-70, -40), (-44, -30), (-34, 20), (-12, 66), (-50, 66), (-80, 0)]),
        shadow(mix(first, second, 0.5)),
        bag,
    )
    figure.shade(ellipse(28, -44, 8, 16, -30), light(first, 0.65), bag)
    return figure


def draw_flowers(rng: np.random.Generator, style: Style) -> Figure:
    """Tall flowers and leaves close to the camera; each stem sways on the joint `sway`."""
    figure = Figure(style, "flowers", box=(-90, -110, 90, 60))
    figure.joint("sway", (0, 90))
    green = pick(rng, ((88, 152, 80), (70, 130, 90), (120, 160, 70)))
    petals = pick(rng, ((250, 236, 240), (246, 180, 70), (236, 120, 150), (150, 130, 220)))
    with figure.on("sway"):
        for x, top in ((-62, -40), (-28, -84), (8, -50), (40, -96), (70, -30)):
            tilt = x * 0.16
            figure.add(
                limb([(x * 0.8, 90), (x * 0.9, 20), (x + tilt * 0.3, top)], [4, 3.5, 3]), shadow(green, 0.2)
            )
            leaf = [(x * 0.85, 60), (x - 16, 30), (x - 34, 2), (x - 26, 40)]
            blade = figure.add(blob(leaf, (0, 2)), green)
            figure.stroke([(x * 0.85, 58), (x - 20, 34), (x - 32, 6)], 1.6, within=(blade,))
            figure.add(
                blob([(x * 0.85, 80), (x + 18, 50), (x + 34, 36), (x + 24, 66)], (0, 2)), light(green, 0.15)
            )
            for k in range(6):
                a = np.deg2rad(60 * k + tilt)
                centre = (x + 13 * np.cos(a), top + 13 * np.sin(a))
                petal = figure.add(ellipse(*centre, 12, 8, 60 * k + tilt), petals, weight=0.9)
                inside = (x + 8 * np.cos(a), top + 8 * np.sin(a))
                figure.shade(ellipse(*inside, 7, 4, 60 * k + tilt), shadow(petals, 0.22), petal)
            figure.add(ellipse(x, top, 8), (250, 206, 84), weight=0.8)
    return figure


def draw_fence(rng: np.random.Generator, style: Style) -> Figure:
    """A picket fence close to the camera."""
    figure = Figure(style, "fence", box=(-300, -40, 300, 60))
    wood = pick(rng, ((238, 230, 214), (186, 140, 98), (200, 214, 220)))
    for y in (-4, 36):
        figure.add(polygon([(-400, y), (400, y), (400, y + 13), (-400, y + 13)], 24), shadow(wood, 0.16))
    for x in range(-390, 400, 52):
        board = figure.add(
            polygon([(x - 15, 90), (x - 15, -34), (x, -52), (x + 15, -34), (x + 15, 90)], 5), wood
        )
        figure.shade(polygon([(x - 17, 90), (x - 17, -50), (x - 6, -50), (x - 6, 90)]), shadow(wood), board)
        for y in (2, 42):
            figure.add(ellipse(x + 2, y, 2.2), (110, 100, 96), line=False)
    return figure
