"""Animals: an upright critter (cat, bear, rabbit or fox), a cat on four legs, and a bird on the wing."""

from __future__ import annotations

from typing import Literal

import numpy as np

from animeinterp.data.cartoon.curves import Points, blob, ellipse, limb, polygon
from animeinterp.data.cartoon.faces import WHITE
from animeinterp.data.cartoon.figure import Figure
from animeinterp.data.cartoon.palette import Colour, Style, light, mix, pick, shadow

Species = Literal["cat", "bear", "rabbit", "fox"]
SPECIES: tuple[Species, ...] = ("cat", "bear", "rabbit", "fox")
DARK: Colour = (48, 34, 40)


def draw_critter(rng: np.random.Generator, style: Style) -> Figure:
    """An upright animal in a vest or scarf; joints root, head, eyes, ears, arms, legs and tail."""
    figure = Figure(style, "critter", pivot=(0.0, 214.0), box=(-80, -95, 80, 222))
    species = SPECIES[int(rng.integers(4))]
    fur = (226, 128, 62) if species == "fox" else pick(rng, style.furs)
    pale = mix(fur, (255, 246, 230), 0.72)
    cloth = pick(rng, style.cloths, fur)
    for name, pivot in {"head": (0, 58), "tail": (18, 160), "arm_l": (-36, 84), "arm_r": (36, 84)}.items():
        figure.joint(name, pivot)
    figure.joint("eyes", (0, 4), "head")
    for side, name in ((-1, "l"), (1, "r")):
        figure.joint(f"ear_{name}", (30 * side, -36), "head")
        figure.joint(f"leg_{name}", (20 * side, 165))
    _draw_tail(figure, species, fur, pale)
    for side, name in ((-1, "l"), (1, "r")):
        with figure.on(f"leg_{name}"):
            leg = figure.add(limb([(20 * side, 150), (22 * side, 200)], [19, 15]), fur)
            figure.shade(limb([(20 * side - 11, 150), (22 * side - 10, 200)], [9, 6]), shadow(fur), leg)
            foot = figure.add(ellipse(25 * side, 210, 23, 12), pale)
            for step in (-6, 2):
                figure.stroke(
                    [(25 * side + step * side, 205), (25 * side + step * side, 216)], 1.8, within=(foot,)
                )
    body = figure.add(
        blob([(-28, 60), (28, 60), (44, 100), (48, 150), (28, 182), (-28, 182), (-48, 150), (-44, 100)]), fur
    )
    figure.shade(blob([(-60, 60), (-26, 70), (-32, 120), (-22, 180), (-60, 190)]), shadow(fur), body)
    figure.shade(ellipse(2, 140, 30, 38), pale, body)
    vest = [(-27, 62), (-8, 70), (-14, 110), (-12, 154), (-46, 152), (-45, 100)]
    for side in (-1, 1):
        half = figure.add(blob(np.array(vest) * (-side, 1), (0, 1, 3, 4)), cloth)
        if side > 0:
            figure.shade(blob([(-60, 60), (-34, 70), (-34, 160), (-60, 160)]), shadow(cloth), half)
        figure.add(ellipse(16 * side, 132, 3), (244, 206, 92), weight=0.6)
        figure.add(
            polygon([(20 * side, 126), (36 * side, 124), (36 * side, 140), (21 * side, 142)]),
            light(cloth, 0.15),
            weight=0.6,
        )
    for side, name in ((-1, "l"), (1, "r")):
        with figure.on(f"arm_{name}"):
            up = rng.random() < 0.4
            hand = (66 * side, 48.0) if up else (58 * side, 136.0)
            line = [(36 * side, 84), (56 * side, 86 if up else 108), hand]
            arm = figure.add(limb(line, [15, 13, 12]), fur)
            figure.shade(limb([(x - 7, y + 6) for x, y in line], [7, 6, 5]), shadow(fur), arm)
            paw = figure.add(ellipse(*hand, 15, 14), pale)
            figure.stroke([(hand[0] - 4, hand[1] + 2), (hand[0] - 3, hand[1] + 11)], 1.6, within=(paw,))
            figure.stroke([(hand[0] + 4, hand[1] + 2), (hand[0] + 3, hand[1] + 11)], 1.6, within=(paw,))
    scarf = pick(rng, ((206, 52, 70), (66, 110, 190), (244, 190, 70)), cloth, fur)
    figure.add(blob([(14, 70), (28, 68), (34, 108), (18, 112)], (0, 1, 2, 3)), shadow(scarf, 0.15))
    band = figure.add(blob([(-34, 56), (0, 66), (34, 56), (36, 70), (0, 82), (-36, 70)]), scarf)
    figure.shade(ellipse(-28, 70, 18, 14), shadow(scarf), band)
    with figure.on("head"):
        _draw_head(figure, species, fur, pale, float(rng.uniform(-7, 7)), rng)
    return figure


def _draw_tail(figure: Figure, species: Species, fur: Colour, pale: Colour) -> None:
    with figure.on("tail"):
        if species == "fox":
            tail = figure.add(
                blob([(10, 165), (50, 160), (84, 120), (98, 70), (112, 120), (90, 170), (40, 190)], (3,)), fur
            )
            figure.shade(
                blob([(80, 108), (90, 116), (100, 104), (120, 110), (110, 50), (86, 50)], (0, 1, 2)),
                pale,
                tail,
            )
        elif species == "cat":
            line = [(10, 168), (52, 172), (76, 140), (70, 104), (84, 84)]
            tail = figure.add(limb(line, [9, 9, 8, 8, 7]), fur)
            for x, y in ((60, 160), (76, 132), (72, 104)):
                figure.shade(ellipse(x, y, 14, 4, -30), shadow(fur, 0.4), tail)
        else:
            figure.add(ellipse(42, 168, 14), pale)


def _draw_head(
    figure: Figure, species: Species, fur: Colour, pale: Colour, x: float, rng: np.random.Generator
) -> None:
    inner: Colour = (240, 164, 160)
    for side, name in ((-1, "l"), (1, "r")):
        flip = np.array([side, 1.0])
        with figure.on(f"ear_{name}"):
            if species == "bear":
                figure.add(ellipse(44 * side, -44, 20), fur)
                figure.shade(ellipse(44 * side, -43, 11), inner, len(figure.pieces) - 1)
            elif species == "rabbit":
                ear = figure.add(
                    blob(np.array([(10, -38), (14, -80), (30, -108), (42, -86), (34, -36)]) * flip), fur
                )
                figure.shade(
                    blob(np.array([(18, -40), (22, -78), (30, -94), (35, -76), (27, -36)]) * flip), inner, ear
                )
            else:
                ear = figure.add(
                    blob(np.array([(10, -46), (46, -92), (60, -22)]) * flip, (0, 1, 2)) - (0, 2), fur
                )
                figure.shade(blob(np.array([(24, -48), (44, -80), (52, -34)]) * flip, (0, 1, 2)), inner, ear)
    cheek = 12 if species in ("fox", "cat") else 2
    skull = figure.add(
        blob(
            [
                (0, -56),
                (40, -46),
                (60, -10),
                (62 + cheek, 22),
                (40, 46),
                (0, 56),
                (-40, 46),
                (-62 - cheek, 22),
                (-60, -10),
                (-40, -46),
            ],
            (3, 7) if cheek > 2 else (),
        ),
        fur,
    )
    figure.shade(
        blob([(-80, -30), (-44, -40), (-50, 0), (-36, 40), (0, 54), (-20, 70), (-90, 40)]), shadow(fur), skull
    )
    mask = [(x, -4), (26, 8), (58 + cheek, 24), (36, 44), (0, 54), (-36, 44), (-58 - cheek, 24), (-26, 8)]
    figure.shade(blob(mask, (0, 2, 6)), pale, skull)
    if species == "cat":
        for step in (-14, 0, 14):
            figure.shade(
                blob([(step - 4, -60), (step * 0.6, -30), (step + 4, -60)], (0, 1, 2)),
                shadow(fur, 0.45),
                skull,
            )
    with figure.on("eyes"):
        for side in (-1, 1):
            centre = (24 * side + x, 0)
            ball = figure.add(ellipse(*centre, 12, 16), WHITE, weight=0.8)
            figure.shade(
                ellipse(centre[0] + x * 0.3 - 2 * side, 2, 8, 12), mix(DARK, (90, 140, 80), 0.4), ball
            )
            figure.shade(ellipse(centre[0] + x * 0.3 - 2 * side, 2, 5, 9), DARK, ball)
            figure.shade(ellipse(centre[0] + x * 0.3 + 1, -4, 3.2, 4), WHITE, ball)
            figure.stroke([(centre[0] - 12, -4), (centre[0], -17), (centre[0] + 12, -4)], 3.4, DARK)
    for side in (-1, 1):
        figure.stroke(
            [(14 * side + x, -24), (24 * side + x, -29), (34 * side + x, -24)], 4.2, shadow(fur, 0.55)
        )
        for drop in (22, 30):
            figure.stroke(
                [(34 * side + x, drop), (66 * side + x, drop - 3 + (drop - 26))], 1.3, light(fur, 0.2)
            )
    if rng.random() < 0.6:
        mouth = figure.add(
            blob([(x - 16, 30), (x, 34), (x + 16, 30), (x + 8, 46), (x, 50), (x - 8, 46)], (0, 2)),
            (140, 46, 52),
            weight=0.8,
        )
        figure.shade(ellipse(x, 50, 9, 7), (234, 120, 116), mouth)
    figure.stroke([(x - 18, 28), (x - 9, 34), (x, 27), (x + 9, 34), (x + 18, 28)], 2.4)
    nose = figure.add(blob([(x - 8, 16), (x + 8, 16), (x, 26)]), mix(DARK, inner, 0.25), weight=0.8)
    figure.shade(ellipse(x - 2, 17.5, 3, 1.8), (230, 200, 200), nose)


def draw_bird(rng: np.random.Generator, style: Style) -> Figure:
    """A round bird flying to the right; joints root, wing (near), far, tail and eyes."""
    figure = Figure(style, "bird", box=(-78, -62, 74, 50))
    coat = pick(rng, ((70, 130, 206), (240, 196, 66), (220, 84, 76), (96, 176, 130), (244, 240, 236)))
    belly = mix(coat, (255, 250, 236), 0.75)
    figure.joint("wing", (-6, -8))
    figure.joint("far", (4, -14))
    figure.joint("tail", (-44, 4))
    figure.joint("eyes", (34, -14))
    with figure.on("far"):
        figure.add(_wing(0.8) + np.array([10, -8]), shadow(coat, 0.35))
    with figure.on("tail"):
        for drop in (-12, 0, 12):
            figure.add(
                blob([(-40, 2), (-74, drop - 4), (-84, drop + 4), (-70, drop + 8), (-40, 10)], (0, 2, 4)),
                shadow(coat, 0.2),
            )
    body = figure.add(
        blob([(-48, 4), (-20, -20), (14, -34), (40, -36), (58, -18), (54, 8), (24, 32), (-16, 28)], (0,)),
        coat,
    )
    figure.shade(blob([(-46, 8), (-6, 10), (30, 2), (60, 4), (40, 44), (-20, 44)]), belly, body)
    figure.shade(
        blob([(-50, 4), (-20, 18), (20, 24), (48, 14), (30, 50), (-40, 40)]), shadow(belly, 0.2), body
    )
    figure.shade(ellipse(44, 2, 8, 5), (244, 140, 120), body)
    figure.add(blob([(56, -16), (78, -8), (55, -4)], (0, 1, 2)), (246, 170, 56))
    figure.add(blob([(55, -4), (70, -4), (53, 2)], (0, 1, 2)), (222, 132, 44), weight=0.8)
    with figure.on("eyes"):
        eye = figure.add(ellipse(36, -14, 9, 11), WHITE, weight=0.8)
        figure.shade(ellipse(38, -13, 6, 8), DARK, eye)
        figure.shade(ellipse(40, -17, 2.4, 3), WHITE, eye)
    with figure.on("wing"):
        wing = figure.add(_wing(1.0), coat)
        figure.shade(_wing(0.62) * (0.9, 1) + (-3, -8), light(coat, 0.3), wing)
        for dx in (-14, -28, -42):
            figure.stroke([(dx + 10, -12), (dx, -30), (dx - 2, -50)], 2.0, within=(wing,))
    return figure


def _wing(size: float) -> Points:
    outline = [
        (12, -8),
        (6, -36),
        (-18, -66),
        (-52, -84),
        (-46, -66),
        (-60, -62),
        (-48, -48),
        (-58, -38),
        (-42, -28),
        (-44, -14),
        (-20, 2),
    ]
    return blob(outline, (3, 4, 5, 6, 7, 8, 9)) * size


def draw_cat(rng: np.random.Generator, style: Style) -> Figure:
    """A cat walking to the right; joints root, head, eyes, tail and four legs."""
    figure = Figure(style, "cat", pivot=(-10.0, 80.0), box=(-112, -72, 92, 84))
    fur = pick(rng, style.furs)
    pale = mix(fur, (255, 248, 236), 0.7)
    stripe = shadow(fur, 0.42)
    figure.joint("head", (46, -10))
    figure.joint("eyes", (60, -24), "head")
    figure.joint("tail", (-70, -10))
    legs = {"far_hind": -44, "far_fore": 40, "near_hind": -56, "near_fore": 28}
    for name, x in legs.items():
        figure.joint(name, (x, 26))
    with figure.on("tail"):
        tail = figure.add(
            limb([(-66, -8), (-92, -22), (-100, -54), (-86, -76), (-94, -92)], [8, 8, 7.5, 7, 6]), fur
        )
        for x, y in ((-84, -18), (-99, -42), (-94, -66)):
            figure.shade(ellipse(x, y, 13, 4, 20), stripe, tail)
    for name, x in legs.items():
        far = name.startswith("far")
        coat = shadow(fur, 0.25) if far else fur
        with figure.on(name):
            leg = figure.add(limb([(x, 14), (x - 3, 44), (x, 76)], [15, 10, 8.5]), coat)
            figure.shade(ellipse(x + 3, 78, 14, 9), shadow(pale, 0.2) if far else pale, leg)
            figure.add(
                blob([(x - 9, 74), (x + 8, 71), (x + 17, 78), (x + 13, 84), (x - 8, 84)]),
                shadow(pale, 0.2) if far else pale,
            )
        if name == "far_fore":
            body = figure.add(
                blob(
                    [
                        (-74, -16),
                        (-40, -32),
                        (6, -28),
                        (44, -34),
                        (62, -8),
                        (44, 24),
                        (0, 30),
                        (-50, 34),
                        (-78, 14),
                    ]
                ),
                fur,
            )
            figure.shade(
                blob([(-84, 12), (-40, 18), (10, 12), (56, 8), (50, 40), (-60, 44)]), shadow(fur, 0.26), body
            )
            for x0 in (-46, -24, -2, 18):
                figure.shade(blob([(x0 - 5, -44), (x0 + 3, -8), (x0 + 7, -44)], (0, 1, 2)), stripe, body)
    with figure.on("head"):
        for dx in (0, 34):
            ear = figure.add(blob([(32 + dx, -46), (40 + dx, -76), (62 + dx * 0.9, -50)], (0, 1, 2)), fur)
            figure.shade(
                blob([(39 + dx, -48), (42 + dx, -66), (55 + dx * 0.9, -50)], (0, 1, 2)), (240, 164, 160), ear
            )
        head = figure.add(
            blob([(62, -58), (90, -46), (98, -22), (88, -4), (62, 4), (36, -4), (26, -22), (34, -46)]), fur
        )
        figure.shade(blob([(20, -40), (36, -40), (40, -10), (60, 6), (20, 10)]), shadow(fur), head)
        figure.shade(ellipse(68, -8, 20, 12), pale, head)
        for x0 in (56, 64, 72):
            figure.shade(blob([(x0 - 3, -62), (x0, -44), (x0 + 3, -62)], (0, 1, 2)), stripe, head)
        with figure.on("eyes"):
            for x0 in (50, 80):
                eye = figure.add(ellipse(x0, -24, 8, 9.5), (230, 226, 120), weight=0.8)
                figure.shade(ellipse(x0 + 1, -23, 4, 8), DARK, eye)
                figure.shade(ellipse(x0 + 3, -27, 2, 2.6), WHITE, eye)
        figure.add(blob([(62, -14), (74, -14), (68, -8)]), (224, 120, 120), weight=0.7)
        figure.stroke([(57, -5), (63, -1), (68, -7), (73, -1), (79, -5)], 2)
        for side in (-1, 1):
            for drop in (-6, 0):
                figure.stroke([(68 + 14 * side, drop - 2), (68 + 36 * side, drop - 5)], 1.3, WHITE)
    collar = figure.add(limb([(38, -6), (48, 6), (66, 9)], [4.5, 4.5, 4.5]), (206, 52, 70), weight=0.8)
    figure.shade(ellipse(40, 0, 6, 5), (150, 36, 60), collar)
    figure.add(ellipse(56, 14, 6.5), (246, 204, 84), weight=0.8)
    return figure
