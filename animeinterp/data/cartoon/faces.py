"""Heads: face, eyes and mouth. The face is about 92 wide, its chin at y = 56 and its eyes at y = 10."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np

from animeinterp.data.cartoon.curves import Points, blob, ellipse, path, place
from animeinterp.data.cartoon.figure import Figure
from animeinterp.data.cartoon.palette import Colour, light, mix, shadow, skin_shadow

Mood = Literal["calm", "glad", "talking", "surprised", "laughing"]
MOODS: tuple[Mood, ...] = ("calm", "glad", "talking", "surprised", "laughing")

NECK = (0.0, 62.0)
"""The point a head turns about."""

WHITE: Colour = (252, 250, 248)


@dataclass(frozen=True)
class Look:
    """What makes one head differ from another."""

    skin: Colour
    hair: Colour
    iris: Colour
    mood: Mood
    turn: float
    """-1 looks to the left, 1 to the right."""
    grown: bool
    """Longer face and smaller eyes."""


def draw_face(figure: Figure, look: Look) -> int:
    """Add ears, face, eyes, nose and mouth on the joint `head`; return the face's piece."""
    dim = skin_shadow(look.skin)
    for side in (-1, 1):
        ear = figure.add(ellipse(side * 46 + 2 * look.turn, 14, 8, 12, -8 * side), look.skin)
        figure.shade(ellipse(side * 46 + 2 * look.turn, 15, 4, 7, -8 * side), dim, ear)
    face = figure.add(_face_outline(look), look.skin)
    x = 7.5 * look.turn
    figure.shade(_leaning(place(_face_outline(look), -11, 0), look), look.skin, face)
    figure.shade(blob([(30 + x, 30), (44, 8), (52, -20), (60, 40), (20, 62), (12 + x, 52)]), dim, face)
    blush = mix(look.skin, (244, 112, 110), 0.36)
    if figure.style.name == "Japan" or look.mood in ("glad", "laughing"):
        for side in (-1, 1):
            centre = side * 29 + x
            figure.shade(ellipse(centre, 28, 9, 5), blush, face)
            for step in (-4, 0, 4):
                line = [(centre + step + 1.5, 25.5), (centre + step - 1.5, 30.5)]
                figure.stroke(line, 1.2, mix(blush, (220, 70, 70), 0.5), within=(face,))
    with figure.on("eyes"):
        for side in (-1, 1):
            _draw_eye(figure, look, side, x)
    for side in (-1, 1):
        lift = -6 if look.mood == "surprised" else 0
        brow = np.array([(11, -13), (21, -18), (34, -12)]) * (side, 1) + (x, lift)
        figure.stroke(brow, 3.6, mix(look.hair, figure.style.ink_base, 0.55))
    if figure.style.name == "Disney":
        figure.shade(ellipse(x * 1.5 + 1, 27, 6.5, 4.5), dim, face)
        figure.stroke([(x * 1.5 - 6, 27), (x * 1.5, 32), (x * 1.5 + 6, 27)], 2.2)
    else:
        figure.shade(blob([(x * 1.4 - 1, 22), (x * 1.4 + 3, 28), (x * 1.4 - 2, 29)], (0, 1, 2)), dim, face)
        figure.stroke([(x * 1.4 - 2, 28), (x * 1.4 + 2, 28.5)], 1.6)
    with figure.on("mouth"):
        _draw_mouth(figure, look, x * 1.25)
    return face


def _leaning(points: Points, look: Look) -> Points:
    """Shear the lower face towards where the head looks."""
    down = np.clip(points[:, 1] / 56, 0, 1)
    return np.asarray(points + np.stack([7 * look.turn * down, 3 * down if look.grown else 0 * down], axis=1))


def _face_outline(look: Look) -> Points:
    right = [(46, -20), (46.5, 4), (41, 25), (27, 43), (10, 54)]
    chin = [(0, 57)]
    left = [(-a, b) for a, b in reversed(right)]
    return _leaning(blob([(0, -62), (30, -52), *right, *chin, *left, (-30, -52)]), look)


def _draw_eye(figure: Figure, look: Look, side: int, x: float) -> None:
    """Add one eye; coordinates below are of the right-hand one, outer corner at positive x."""
    far = 1 - 0.2 * max(0.0, look.turn * side)
    size = (0.86 if look.grown else 1.0) * np.array([side * far, 1.0])
    centre = np.array([side * 21.5 + x, 13.0])

    def put(points: object) -> Points:
        return np.asarray(np.asarray(points, np.float64) * size + centre)

    ink = mix(figure.style.ink_base, look.hair, 0.15)
    if look.mood == "laughing" or (look.mood == "glad" and figure.style.name == "Japan" and look.grown):
        figure.stroke(put([(-12, 6), (-6, -3), (1, -5), (8, -2), (13, 6)]), 4.2, ink)
        figure.stroke(put([(10, 2), (15, 2)]), 2.0, ink)
        return
    if figure.style.name == "Disney":
        ball = figure.add(put(ellipse(0, 0, 10.5, 14)), WHITE, weight=0.7)
        iris, pupil, shine = ellipse(-1, 1, 6.8, 8.5), ellipse(-1, 1, 4, 5.6), ellipse(1.5, -3.5, 2.2, 2.8)
    else:
        shape = [(-11, 1), (-8, -9), (0, -13.5), (8, -11), (12, -2), (10, 8), (3, 13), (-6, 11)]
        ball = figure.add(put(blob(shape)), WHITE, line=False)
        iris, pupil, shine = ellipse(0, 0, 8.8, 13), ellipse(0, -1, 4.2, 7), ellipse(-3 * side, -6, 3, 3.8)
    figure.shade(put(iris), shadow(look.iris, 0.42), ball)
    lower = mix(light(look.iris, 0.3), look.iris, 0.3)
    figure.shade(
        put(ellipse(0, 6.5, 6.8, 6.2) * (0.75 if figure.style.name == "Disney" else 1.0)), lower, ball
    )
    figure.shade(put(pupil), shadow(look.iris, 0.6), ball)
    if figure.style.name == "Japan":
        figure.shade(
            put(blob([(-14, -3), (-8, -8), (2, -10), (13, -5), (13, -20), (-14, -20)])), (150, 140, 168), ball
        )
        figure.shade(put(iris[np.abs(iris[:, 1] + 9) < 6]), shadow(look.iris, 0.6), ball)
    figure.shade(put(shine), WHITE, ball)
    figure.shade(put(ellipse(3.4 * side, 6.5, 1.9, 2.1)), WHITE, ball)
    lash = [(-12, 1), (-9, -9), (0, -14), (9, -11.5), (14, -3), (16, -2)]
    figure.stroke(put(lash), 5.0 if figure.style.name == "Japan" else 3.4, ink, taper=0.3)
    figure.stroke(put([(-6, 12.5), (2, 14), (9, 10)]), 1.8, mix(ink, look.skin, 0.25))
    figure.stroke(put([(-8, -15), (1, -19), (10, -16)]), 1.4, mix(ink, look.skin, 0.35))


def _draw_mouth(figure: Figure, look: Look, x: float) -> None:
    """Add the mouth at y = 42, with teeth and tongue where it is open."""
    inside: Colour = (146, 48, 56)
    if look.mood in ("calm", "glad"):
        width = 9 if look.mood == "calm" else 13
        figure.stroke([(x - width, 40), (x, 43.5), (x + width, 40)], 2.2)
        if look.mood == "glad":
            figure.stroke([(x - 3, 47), (x + 3, 47)], 1.4)
        return
    if look.mood == "surprised":
        mouth = figure.add(ellipse(x, 43, 5.5, 6.5), inside, weight=0.8)
        figure.shade(ellipse(x, 48, 5, 3.5), (226, 112, 112), mouth)
        return
    wide = 15 if look.mood == "laughing" else 11
    deep = 52 if look.mood == "laughing" else 49
    bowl = blob(
        [
            (x - wide, 37),
            (x, 39.5),
            (x + wide, 37),
            (x + wide * 0.55, deep - 2),
            (x, deep),
            (x - wide * 0.55, deep - 2),
        ],
        (0, 2),
    )
    mouth = figure.add(bowl, inside, weight=0.8)
    figure.shade(ellipse(x, deep, wide * 0.6, 5), (232, 116, 112), mouth)
    figure.shade(
        blob([(x - wide, 35), (x + wide, 35), (x + wide * 0.8, 40), (x, 42), (x - wide * 0.8, 40)]),
        WHITE,
        mouth,
    )


def draw_glasses(figure: Figure, look: Look) -> None:
    """Add round glasses over the eyes, on the joint `head`."""
    x = 7.5 * look.turn
    frame: Colour = (150, 62, 60)
    for side in (-1, 1):
        ring = ellipse(side * 22 + x, 13, 16, 15)
        half = np.array_split(np.concatenate([ring, ring[:1]]), 2)
        figure.stroke(half[0], 2.0, frame, taper=1.0)
        figure.stroke(np.concatenate([half[0][-1:], half[1]]), 2.0, frame, taper=1.0)
    figure.stroke(path([(x - 6, 12), (x, 10), (x + 6, 12)]), 2.0, frame, taper=1.0)
