"""People: a head about 110 high over a body of three more heads, in one of several outfits."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from animeinterp.data.cartoon.curves import Points, blob, ellipse, limb, mirror, polygon, star
from animeinterp.data.cartoon.faces import MOODS, NECK, WHITE, Look, draw_face, draw_glasses
from animeinterp.data.cartoon.figure import Figure
from animeinterp.data.cartoon.hair import BOY_CUTS, GIRL_CUTS, Cut, draw_back_hair, draw_front_hair
from animeinterp.data.cartoon.palette import Colour, Style, light, mix, pick, shadow, skin_shadow

Outfit = Literal["sailor", "blazer", "hoodie", "tee", "dress"]
Pose = Literal["hang", "wave", "hip", "point"]

UPPER, FORE = 52.0, 48.0
"""Lengths of the upper arm and the forearm."""


@dataclass(frozen=True)
class _Clothes:
    outfit: Outfit
    main: Colour
    other: Colour
    accent: Colour
    girl: bool


def draw_person(
    rng: np.random.Generator, style: Style, waving: bool = False, hair_unlike: tuple[Colour, ...] = ()
) -> Figure:
    """A girl or a boy; joints root, head, eyes, mouth, hair, tails, arms, skirt and legs.

    `hair_unlike` holds hair colours that are taken: viewers tell cartoon people by their hair.
    """
    figure = Figure(style, "person", pivot=(0.0, 350.0), box=(-75, -85, 75, 362))
    girl = bool(rng.random() < 0.6)
    skin = style.skins[int(rng.integers(len(style.skins)))]
    hair = pick(rng, style.hairs, skin, *hair_unlike)
    irises: tuple[Colour, ...] = (
        (76, 110, 190),
        (150, 78, 52),
        (70, 140, 92),
        (140, 74, 150),
        (190, 120, 40),
    )
    cut: Cut = (GIRL_CUTS if girl else BOY_CUTS)[int(rng.integers(4 if girl else 2))]
    look = Look(
        skin=skin,
        hair=hair,
        iris=pick(rng, irises),
        mood=MOODS[int(rng.integers(len(MOODS)))],
        turn=float(rng.uniform(-1, 1)),
        grown=bool(rng.random() < 0.35),
    )
    outfits: tuple[Outfit, ...] = (
        ("sailor", "blazer", "dress", "hoodie") if girl else ("blazer", "hoodie", "tee")
    )
    main = pick(rng, style.cloths, hair, skin)
    clothes = _Clothes(
        outfit=outfits[int(rng.integers(len(outfits)))],
        main=main,
        other=pick(rng, style.cloths, main, skin),
        accent=pick(rng, ((206, 52, 70), (66, 110, 190), (244, 190, 70), (88, 160, 120)), main),
        girl=girl,
    )
    figure.theme = hair
    poses: tuple[Pose, ...] = ("hang", "hip", "hang", "point")
    right: Pose = "wave" if waving else poses[int(rng.integers(4))]
    left: Pose = poses[int(rng.integers(2))]
    _add_joints(figure)
    draw_back_hair(figure, look, cut)
    figure.origin = (0.0, -11.0)
    _draw_legs(figure, look, clothes)
    neck = figure.add(blob([(-13, 40), (13, 40), (14, 76), (28, 86), (0, 104), (-28, 86), (-14, 76)]), skin)
    figure.shade(blob([(-22, 42), (22, 42), (17, 66), (2, 76), (-15, 66)]), skin_shadow(skin), neck)
    _draw_arm(figure, look, clothes, -1, left)
    _draw_torso(figure, clothes)
    _draw_arm(figure, look, clothes, 1, right)
    figure.origin = (0.0, 0.0)
    with figure.on("head"):
        face = draw_face(figure, look)
        if rng.random() < 0.2:
            draw_glasses(figure, look)
        draw_front_hair(figure, look, cut, rng, face)
    return figure


def _add_joints(figure: Figure) -> None:
    figure.joint("head", NECK)
    figure.joint("eyes", (0, 12), "head")
    figure.joint("mouth", (0, 38), "head")
    figure.joint("hair", (0, -20), "head")
    figure.joint("skirt", (0, 141))
    for side, name in ((-1, "l"), (1, "r")):
        figure.joint(f"tail_{name}", (50 * side, -26), "head")
        figure.joint(f"arm_{name}", (41 * side, 86))
        figure.joint(f"leg_{name}", (18 * side, 188))


def _draw_legs(figure: Figure, look: Look, clothes: _Clothes) -> None:
    shorts = clothes.girl or clothes.outfit == "tee"
    trousers = mix(clothes.other, (60, 60, 84), 0.55)
    for side, name in ((-1, "l"), (1, "r")):
        with figure.on(f"leg_{name}"):
            x = 18 * side
            middle = [(x, 195), (x + side, 270), (x, 350)]
            if shorts:
                leg = figure.add(limb(middle, [15, 12, 8]), look.skin)
                figure.shade(
                    limb([(x - 7, 195), (x - 6, 270), (x - 6, 350)], [6, 4, 3]), skin_shadow(look.skin), leg
                )
                sock = limb([(x + side * 0.5, 296), (x, 350)], [11.5, 9])
                high = figure.add(sock, mix(clothes.main, (50, 44, 60), 0.6) if clothes.girl else WHITE)
                figure.shade(limb([(x - 6, 290), (x - 5, 350)], [4, 3]), (120, 116, 140), high)
            else:
                leg = figure.add(limb(middle, [19, 16, 13]), trousers)
                figure.shade(
                    limb([(x - 10, 195), (x - 9, 270), (x - 8, 350)], [7, 6, 5]), shadow(trousers), leg
                )
                figure.stroke([(x - 8, 268), (x + 2, 274), (x + 9, 270)], 1.8, within=(leg,))
            toe = x + 7 * side
            shoe = blob(
                [
                    (x - 11, 344),
                    (x + 11, 344),
                    (toe + 13, 360),
                    (toe + 10, 371),
                    (toe - 14, 371),
                    (toe - 17, 360),
                ]
            )
            sole = figure.add(shoe, (110, 66, 52))
            figure.shade(ellipse(toe + 3, 356, 7, 3), (178, 124, 98), sole)
    if not clothes.girl:
        cloth = trousers if not shorts else clothes.other
        low = 246 if shorts else 218
        pants = [(-42, 178), (42, 178), (44, low), (6, low + 2), (0, 214), (-6, low + 2), (-44, low)]
        hips = figure.add(polygon(pants), cloth)
        figure.shade(blob([(-50, 170), (-24, 180), (-30, 215), (-32, 260), (-50, 260)]), shadow(cloth), hips)
        figure.stroke([(0, 190), (0, 214)], 2.0)


def _draw_torso(figure: Figure, clothes: _Clothes) -> None:
    wide = 0 if clothes.girl else 6
    main = clothes.main
    hem = 158 if clothes.girl else 196
    side = [(30 + wide, 80), (46 + wide, 92), (44 + wide, 118), (38 + wide, 150), (42 + wide, hem)]
    outline = [(0, 100), (17, 76), *side, (0, hem + 4), *(mirror(side).tolist()[::-1]), (-17, 76)]
    if clothes.girl:
        _draw_skirt(figure, clothes)
    body = figure.add(blob(outline, (0, 1, 6, 8, 13)), main)
    dark = shadow(main)
    figure.shade(
        blob([(-60, 84), (-34, 96), (-26, 130), (-24, 170), (-20, hem + 10), (-70, hem + 10)]), dark, body
    )
    figure.shade(blob([(44, 110), (30, 126), (40, 134), (52, 124)]), dark, body)
    figure.stroke([(-38, 118), (-28, 124), (-22, 134)], 1.8)
    figure.stroke([(38, 140), (30, 148), (20, 150)], 1.8)
    if clothes.outfit == "sailor":
        _draw_sailor(figure, clothes, body)
    elif clothes.outfit == "blazer":
        _draw_blazer(figure, clothes, body, hem)
    elif clothes.outfit == "hoodie":
        _draw_hoodie(figure, clothes, body, hem)
    else:
        _draw_plain(figure, clothes, body, hem)


def _draw_skirt(figure: Figure, clothes: _Clothes) -> None:
    cloth = clothes.main if clothes.outfit == "dress" else clothes.other
    with figure.on("skirt"):
        hem = [
            (64, 222),
            (46, 229),
            (30, 226),
            (14, 232),
            (-4, 228),
            (-20, 232),
            (-38, 227),
            (-54, 228),
            (-66, 220),
        ]
        skirt = figure.add(
            blob([(-37, 148), (0, 151), (37, 148), (52, 185), *hem, (-52, 185)], (0, 2, 4, 12)), cloth
        )
        figure.shade(blob([(-40, 146), (-24, 150), (-30, 190), (-36, 236), (-76, 236)]), shadow(cloth), skirt)
        for top, low in ((-16, -30), (2, -6), (18, 22), (28, 42)):
            fold = [(top, 160), (low - 5, 236), (low + 9, 236)]
            figure.shade(blob(fold, (0, 1, 2)), shadow(cloth, 0.2), skirt)
            figure.stroke([(top, 162), ((top + low) / 2, 196), (low, 232)], 1.8, within=(skirt,))
        if clothes.outfit != "dress":
            band = [(-66, 214), (-38, 220), (0, 221), (38, 219), (64, 214)]
            figure.stroke(band, 3.2, light(cloth, 0.6), taper=1.0, within=(skirt,))


def _draw_sailor(figure: Figure, clothes: _Clothes, body: int) -> None:
    collar = mix(clothes.other, (40, 50, 110), 0.3)
    for side in (-1, 1):
        flap = np.array([(0, 118), (10, 92), (17, 74), (33, 80), (44, 90), (34, 106), (14, 112)]) * (side, 1)
        cape = figure.add(blob(flap, (0, 2, 4)), collar)
        stripe = np.array([(6, 113), (18, 106), (32, 101), (40, 91)]) * (side, 1)
        figure.stroke(stripe, 2.6, WHITE, taper=1.0, within=(cape,))
    for side in (-1, 1):
        bow = np.array([(0, 118), (12, 109), (23, 112), (22, 126), (10, 124)]) * (side, 1)
        loop = figure.add(blob(bow, (0,)), clothes.accent)
        figure.shade(ellipse(6 * side, 118, 6, 4), shadow(clothes.accent), loop)
        tail = np.array([(0, 118), (6, 122), (15, 148), (6, 144)]) * (side, 1)
        figure.add(blob(tail, (0, 2, 3)), clothes.accent)
    figure.add(ellipse(0, 118, 5, 5.5), shadow(clothes.accent, 0.15))
    figure.stroke([(-38, 155), (0, 159), (38, 155)], 2.6, clothes.other, taper=1.0, within=(body,))


def _draw_blazer(figure: Figure, clothes: _Clothes, body: int, hem: float) -> None:
    shirt = figure.add(
        blob([(-17, 76), (0, 100), (17, 76), (19, 100), (2, 140), (-19, 100)], (0, 1, 2, 4)), WHITE
    )
    figure.shade(blob([(-17, 78), (-4, 100), (-2, 134), (-20, 100)]), (196, 196, 218), shirt)
    figure.add(blob([(-5, 100), (5, 100), (9, 128), (0, 139), (-8, 128)], (0, 1, 2, 3, 4)), clothes.accent)
    figure.add(polygon([(-6, 98), (6, 98), (4, 107), (-4, 107)]), shadow(clothes.accent, 0.15))
    for side in (-1, 1):
        flap = np.array([(4, 92), (15, 73), (21, 80), (14, 104)]) * (side, 1)
        figure.add(blob(flap, (0, 1, 2, 3)), WHITE, weight=0.8)
        lapel = np.array([(1, 146), (8, 120), (18, 78), (29, 81), (36, 104), (26, 106), (27, 114)]) * (
            side,
            1,
        )
        cloth = figure.add(blob(lapel, (0, 2, 3, 4, 5, 6)), light(clothes.main, 0.1))
        edge = np.array([(3, 142), (24, 116)]) * (side, 1)
        figure.stroke(edge, 2.0, light(clothes.main, 0.6), taper=0.8, within=(cloth,))
    figure.stroke([(1, 146), (2, 160), (2, hem)], 2.2, within=(body,))
    figure.add(ellipse(8, 153, 2.6), (226, 190, 96), weight=0.6)
    pocket = polygon([(20, 122), (34, 120), (34, 126), (21, 128)])
    figure.add(pocket, shadow(clothes.main, 0.2), weight=0.6)


def _draw_hoodie(figure: Figure, clothes: _Clothes, body: int, hem: float) -> None:
    inner = figure.add(blob([(-18, 77), (0, 98), (18, 77), (12, 102), (0, 110), (-12, 102)]), clothes.other)
    figure.shade(ellipse(-8, 92, 8, 16), shadow(clothes.other), inner)
    for side in (-1, 1):
        hood = np.array([(0, 118), (6, 100), (16, 72), (32, 74), (40, 88), (24, 106)]) * (side, 1)
        roll = figure.add(blob(hood, (0, 2)), light(clothes.main, 0.12))
        figure.shade(
            np.asarray(blob(np.array([(2, 118), (20, 100), (36, 86), (40, 96), (22, 112)]) * (side, 1))),
            shadow(clothes.main),
            roll,
        )
        figure.stroke([(8 * side, 110), (10 * side, 122), (8 * side, 138)], 2.6, WHITE, taper=0.9)
        figure.add(ellipse(8 * side, 140, 2.2, 3), WHITE, weight=0.5)
    figure.stroke([(0, 118), (1, 140), (0, hem)], 2.4, within=(body,))
    if hem > 170:
        pouch = figure.add(blob([(-24, 160), (24, 160), (32, 188), (-32, 188)], (0, 1, 2, 3)), clothes.main)
        figure.shade(polygon([(-32, 156), (-12, 156), (-16, 192), (-36, 192)]), shadow(clothes.main), pouch)
    figure.add(star(24, 132, 8), (250, 236, 170), weight=0.6)


def _draw_plain(figure: Figure, clothes: _Clothes, body: int, hem: float) -> None:
    figure.stroke(
        [(-17, 78), (-8, 92), (0, 99), (8, 92), (17, 78)], 5, clothes.accent, taper=0.8, within=(body,)
    )
    if clothes.outfit == "dress":
        sash = figure.add(
            blob([(-39, 144), (0, 149), (39, 144), (40, 155), (0, 161), (-40, 155)], (0, 2, 3, 5)),
            clothes.accent,
        )
        figure.shade(ellipse(-30, 150, 14, 12), shadow(clothes.accent), sash)
        for x, y in ((-12, 116), (12, 116), (0, 132), (-22, 134), (22, 134)):
            figure.shade(ellipse(x, y, 3.2), light(clothes.main, 0.7), body)
    else:
        for above in (66, 46):
            top = hem - above
            figure.shade(polygon([(-60, top), (60, top), (60, top + 9), (-60, top + 9)]), clothes.other, body)
        badge = figure.add(star(0, 128, 14), mix(clothes.accent, (255, 230, 120), 0.5), weight=0.8)
        figure.shade(ellipse(-6, 130, 6, 14), shadow(clothes.accent, 0.1), badge)


_ANGLES: dict[Pose, tuple[float, float]] = {
    "hang": (14, 4), "wave": (118, 172), "hip": (42, -38), "point": (62, 96),
}  # fmt: skip
"""Degrees of upper arm and forearm from straight down, outwards."""


def _draw_arm(figure: Figure, look: Look, clothes: _Clothes, side: int, pose: Pose) -> None:
    upper, fore = np.deg2rad(_ANGLES[pose])
    shoulder = np.array([41.0, 97.0])
    elbow = shoulder + UPPER * np.array([np.sin(upper), np.cos(upper)])
    hand = elbow + FORE * np.array([np.sin(fore), np.cos(fore)])
    flip = np.array([side, 1.0])
    shoulder, elbow, hand = shoulder * flip, elbow * flip, hand * flip
    long = clothes.outfit in ("blazer", "hoodie")
    sleeve = clothes.main
    along = (hand - elbow) / FORE
    across = along[::-1] * (-1, 1)
    with figure.on("arm_r" if side > 0 else "arm_l"):
        bend = [shoulder, (shoulder + elbow) / 2, elbow, (elbow + hand) / 2, hand]
        skin = figure.add(limb(bend, [10, 10, 8.5, 8, 6.5]), look.skin)
        _draw_hand(figure, look, hand, along, across * side)
        shade = np.array([-4.5, 0.0])
        if long:
            cloth = figure.add(limb([*bend[:-1], hand - 5 * along], [14, 13, 12, 12, 12.5]), sleeve)
            cuff = figure.add(limb([hand - 9 * along, hand - 2 * along], [12.5, 12.5]), light(sleeve, 0.15))
            figure.shade(limb([hand - 9 * along + shade, hand + shade], [6, 6]), shadow(sleeve, 0.2), cuff)
            figure.stroke(
                [elbow - 10 * across, elbow - 3 * along, elbow + 6 * across + 3 * along], 1.8, within=(cloth,)
            )
        else:
            figure.shade(limb([p + shade for p in bend], [5, 5, 4, 4, 3]), skin_shadow(look.skin), skin)
            reach = shoulder + (elbow - shoulder) * 0.62
            cloth = figure.add(limb([shoulder, reach], [14, 15]), sleeve)
            if clothes.outfit == "sailor":
                rim = (elbow - shoulder)[::-1] / UPPER * (-1, 1) * 16
                figure.stroke([reach + rim, reach - rim], 4, clothes.other, taper=1.0, within=(cloth,))
        figure.shade(limb([p + shade * 1.7 for p in bend[:3]], [8, 8, 7]), shadow(sleeve), cloth)


def _draw_hand(figure: Figure, look: Look, wrist: Points, along: Points, across: Points) -> None:
    """A hand with a thumb and three finger lines, pointing `along`."""

    def at(points: Sequence[tuple[float, float]]) -> Points:
        p = np.array(points)
        return np.asarray(wrist + p[:, :1] * along + p[:, 1:] * across)

    thumb = [(2, -5), (8, -11), (14, -13), (13, -8), (9, -3)]
    figure.add(blob(at(thumb)), look.skin, weight=0.8)
    palm = figure.add(
        blob(at([(-3, -6), (7, -8), (16, -7), (21, -2), (20, 4), (12, 8), (-3, 6)])), look.skin, weight=0.9
    )
    figure.shade(blob(at([(-4, -8), (8, -9), (18, -8), (12, -3), (2, -2)])), skin_shadow(look.skin), palm)
    for offset in (-3.5, 0.0, 3.5):
        figure.stroke(at([(12, offset), (20, offset * 0.9)]), 1.3, within=(palm,))
