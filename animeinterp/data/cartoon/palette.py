"""Colours and pens of the two styles."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np

Colour = tuple[int, int, int]
StyleName = Literal["Japan", "Disney"]


def mix(a: Colour, b: Colour, share: float) -> Colour:
    """Colour between `a` (share 0) and `b` (share 1)."""
    r, g, h = (round(x + (y - x) * share) for x, y in zip(a, b, strict=True))
    return (r, g, h)


def shadow(colour: Colour, depth: float = 0.3) -> Colour:
    """Cel shadow of a colour: darker and towards a cool violet."""
    return mix(colour, (colour[0] * 2 // 5, colour[1] // 3, min(255, colour[2] * 3 // 5 + 20)), depth * 1.6)


def skin_shadow(colour: Colour, depth: float = 0.4) -> Colour:
    """Shadow on skin: warm, unlike that on cloth."""
    return mix(colour, (colour[0] * 3 // 4, colour[1] * 9 // 20, colour[2] * 9 // 20), depth * 1.3)


def light(colour: Colour, amount: float = 0.45) -> Colour:
    """Highlight on a colour."""
    return mix(colour, (255, 252, 240), amount)


@dataclass(frozen=True)
class Style:
    """Pen and paint box of a drawing school."""

    name: StyleName
    pen: float
    """Width of outlines in pixels of a 540p frame."""
    ink_base: Colour
    ink_tint: float
    """How much of the filled colour shows in its outline: 0 all ink."""
    skins: tuple[Colour, ...]
    hairs: tuple[Colour, ...]
    cloths: tuple[Colour, ...]
    furs: tuple[Colour, ...]

    def ink(self, fill: Colour) -> Colour:
        """Colour of the outline around a piece."""
        return mix(self.ink_base, shadow(fill, 0.5), self.ink_tint)


STYLES: dict[StyleName, Style] = {
    "Japan": Style(
        name="Japan",
        pen=2.4,
        ink_base=(46, 28, 38),
        ink_tint=0.12,
        skins=((255, 228, 208), (252, 219, 196), (244, 204, 176), (214, 162, 124)),
        hairs=(
            (92, 66, 84), (120, 70, 48), (222, 188, 122), (64, 72, 118), (236, 148, 160),
            (116, 168, 196), (150, 58, 60), (196, 192, 210), (92, 140, 112), (58, 52, 66),
        ),
        cloths=(
            (52, 62, 118), (168, 34, 62), (246, 240, 232), (96, 148, 176), (238, 196, 96),
            (84, 120, 92), (230, 142, 122), (132, 102, 156), (92, 84, 96), (250, 226, 176),
        ),
        furs=((236, 170, 96), (140, 132, 142), (248, 240, 228), (96, 74, 70), (206, 158, 116)),
    ),
    "Disney": Style(
        name="Disney",
        pen=2.1,
        ink_base=(44, 26, 20),
        ink_tint=0.4,
        skins=((250, 206, 170), (240, 188, 148), (198, 138, 96), (150, 98, 68)),
        hairs=((150, 62, 32), (240, 196, 88), (72, 44, 34), (36, 32, 38), (206, 104, 44), (232, 222, 204)),
        cloths=(
            (40, 92, 164), (206, 48, 40), (246, 204, 64), (52, 132, 84), (240, 232, 210),
            (112, 62, 128), (232, 128, 48), (88, 172, 186), (128, 82, 54), (222, 110, 142),
        ),
        furs=((206, 122, 58), (150, 104, 70), (120, 132, 150), (236, 206, 160), (92, 66, 54), (226, 150, 70)),
    ),
}  # fmt: skip


def pick(rng: np.random.Generator, colours: tuple[Colour, ...], *unlike: Colour) -> Colour:
    """A random colour of the paint box, none of `unlike` nor close to it."""
    far = [c for c in colours if all(sum(abs(a - b) for a, b in zip(c, u, strict=True)) > 90 for u in unlike)]
    choice = far or list(colours)
    return choice[int(rng.integers(len(choice)))]
