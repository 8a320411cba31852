"""Hair in two layers: the back one behind the body, the front one with bangs over the face."""

from __future__ import annotations

from typing import Literal

import numpy as np

from animeinterp.data.cartoon.curves import Points, blob, ellipse, limb, place
from animeinterp.data.cartoon.faces import Look
from animeinterp.data.cartoon.figure import Figure
from animeinterp.data.cartoon.palette import Colour, light, shadow, skin_shadow

Cut = Literal["bob", "long", "tails", "ponytail", "short", "spiky"]
GIRL_CUTS: tuple[Cut, ...] = ("bob", "long", "tails", "ponytail")
BOY_CUTS: tuple[Cut, ...] = ("short", "spiky")


def draw_back_hair(figure: Figure, look: Look, cut: Cut) -> None:
    """Add what hangs behind the body, on the joints `hair`, `tail_l` and `tail_r`."""
    dark = shadow(look.hair, 0.3)
    with figure.on("hair"):
        if cut == "long":
            back = figure.add(_mane(165, 66), dark)
            for x in (-44, -24, 26, 46):
                figure.stroke([(x * 0.9, 40), (x, 100), (x * 1.06, 150)], 2.4, within=(back,))
                figure.stroke([(x * 0.9 + 6, 60), (x + 7, 110), (x + 6, 158)], 5, look.hair, within=(back,))
        elif cut == "bob":
            back = figure.add(_mane(62, 68), dark)
            for x in (-48, 48):
                figure.stroke([(x, 0), (x * 1.1, 30), (x, 58)], 3, within=(back,))
        elif cut in ("tails", "ponytail"):
            figure.add(_mane(36, 55), dark)
    sides = {"tails": (-1, 1), "ponytail": (1,)}.get(cut, ())
    for side in sides:
        with figure.on("tail_r" if side > 0 else "tail_l"):
            _draw_tail(figure, look, side, high=cut == "ponytail")


def _mane(length: float, width: float) -> Points:
    """Hair from the crown down to y = length, its lower edge cut into tips."""
    tips: list[tuple[float, float]] = []
    corners = []
    xs = np.linspace(width, -width, 8)
    for i, x in enumerate(xs):
        corners.append(6 + len(tips))
        tips.append((float(x), length + (8 if i % 2 else -2) - 0.1 * abs(float(x))))
        if i < len(xs) - 1:
            corners.append(6 + len(tips))
            tips.append((float(x - width / 8), length - 12))
    top = [(-width, length * 0.55), (-58, -6), (-34, -60), (34, -60), (58, -6), (width, length * 0.55)]
    return blob([*top, *tips], corners)


def _draw_tail(figure: Figure, look: Look, side: int, *, high: bool) -> None:
    x = 34 * side if high else 52 * side
    y = -52 if high else -26
    outline = [
        (0, -6),
        (16, -10),
        (36, 8),
        (44, 50),
        (36, 96),
        (20, 132),
        (22, 98),
        (10, 112),
        (10, 80),
        (-2, 86),
        (4, 40),
    ]
    shape = np.array(outline) * (side, 1) + (x, y)
    tail = figure.add(blob(shape, (5, 6, 7, 8, 9)), look.hair)
    under = np.array([(-2, 0), (10, 30), (14, 70), (8, 110), (-20, 90), (-10, 20)]) * (side, 1) + (x, y)
    figure.shade(blob(under), shadow(look.hair), tail)
    gleam = np.array([(22, 6), (31, 26), (34, 48), (30, 46), (26, 26)]) * (side, 1) + (x, y)
    figure.shade(blob(gleam, (0, 2)), light(look.hair), tail)
    for dx in (14, 26):
        figure.stroke(
            np.array([(dx - 6, 4), (dx + 4, 50), (dx - 2, 94)]) * (side, 1) + (x, y), 2, within=(tail,)
        )
    ribbon: Colour = (206, 52, 70)
    knot = np.array([x + 2 * side, y - 4])
    for lean in (-1, 1):
        bow = np.array([(0, 0), (10, -14), (20, -10), (16, 4)]) * (lean, 1)
        figure.add(place(blob(bow, (0,)), knot[0], knot[1], tilt=-20 * side), ribbon, weight=0.8)
    figure.add(ellipse(knot[0], knot[1], 5), shadow(ribbon, 0.2), weight=0.8)


def draw_front_hair(figure: Figure, look: Look, cut: Cut, rng: np.random.Generator, face: int) -> None:
    """Add the shadow of the bangs on the face, then bangs, side locks, shine and strands."""
    outline, corners, valleys, tips = _bangs(look, cut, rng)
    shape = blob(outline, corners)
    figure.shade(place(shape, -2 * look.turn - 2, 7), skin_shadow(look.skin), face)
    hair = figure.add(shape, look.hair)
    dark = shadow(look.hair, 0.28)
    figure.shade(blob([(-62, -30), (-47, -50), (-40, -10), (-44, 14), (-46, 50), (-64, 40)]), dark, hair)
    for x, y in valleys:
        figure.shade(blob([(x - 2.5, y + 4), (x * 0.85 + 1, -48), (x + 5, y + 6)], (0, 1, 2)), dark, hair)
        figure.stroke([(x, y), (x * 0.84, -32), (x * 0.45, -58)], 2.0, within=(hair,))
    for x, y in tips:
        figure.shade(blob([(x + 1, y + 2), (x + 7, y - 15), (x + 2, y - 20)], (0, 2)), dark, hair)
    _draw_shine(figure, look, rng, hair)
    if cut in ("bob", "short") and figure.style.name == "Japan":
        figure.add(
            limb([(2, -72), (7, -84), (20, -88), (27, -82)], [3.5, 3.2, 2.2, 0.3]), look.hair, weight=0.8
        )


def _draw_shine(figure: Figure, look: Look, rng: np.random.Generator, hair: int) -> None:
    """A broken, jagged ring of light around the crown."""
    for first, last in ((-40, -16), (-8, 20), (28, 42)):
        xs = np.linspace(first, last, 6)
        arch = -50 + 0.009 * xs**2
        lower = [
            (x, y + 6 + 7 * (i % 2) * rng.random()) for i, (x, y) in enumerate(zip(xs, arch, strict=True))
        ]
        upper = list(zip(xs[::-1], arch[::-1] - 1.5, strict=True))
        ring = [*lower, *upper]
        figure.shade(blob(ring, range(len(ring)), steps=2), light(look.hair, 0.5), hair)


Corner = tuple[float, float]


def _bangs(
    look: Look, cut: Cut, rng: np.random.Generator
) -> tuple[list[Corner], list[int], list[Corner], list[Corner]]:
    """Outline of the front hair, its sharp corners, and the valleys and tips between strands."""
    lock = {"bob": 48, "long": 56, "tails": 40, "ponytail": 44, "short": 18, "spiky": 14}[cut]
    x = 5 * look.turn
    outline: list[Corner] = [
        (-49, lock),
        (-60, 4),
        (-57, -32),
        (-37, -64),
        (0, -77),
        (37, -64),
        (57, -32),
        (60, 4),
        (49, lock),
    ]
    corners = [0, 8]
    if cut == "spiky":
        outline, corners = _spikes(lock)
    valleys: list[Corner] = []
    tips: list[Corner] = []
    count = int(rng.integers(4, 7))
    xs = np.linspace(41, -41, 2 * count + 1) + x
    lean = 5.0 * float(rng.choice([-1, 1]))
    for i, at in enumerate(xs):
        middle = 1 - abs(at - x) / 41
        if i % 2 == 0:
            point = (float(at), -6 - 26 * middle + 3 * float(rng.random()) if 0 < i < 2 * count else 8.0)
            valleys.append(point)
        else:
            point = (float(at + lean), 7 - 11 * middle + 6 * float(rng.random()))
            tips.append(point)
        last = outline[-1]
        bulge = 2.0 if i % 2 else -2.0
        if i:
            outline.append(((last[0] + point[0]) / 2 - bulge, (last[1] + point[1]) / 2 + 1.5))
        corners.append(len(outline))
        outline.append(point)
    return outline, corners, valleys[1:-1], tips


def _spikes(lock: float) -> tuple[list[Corner], list[int]]:
    """The upper outline of wild hair: spikes fanning out from the crown."""
    outline: list[Corner] = [(-50, lock)]
    angles = np.deg2rad(np.linspace(188, 352, 17))
    for i, a in enumerate(angles):
        r = 60 if i % 2 == 0 else 82
        drift = 0.05 * np.cos(a)
        outline.append((float(r * np.cos(a + drift)), float(-4 + r * 1.04 * np.sin(a + drift))))
    outline.append((50, lock))
    return outline, list(range(len(outline)))
