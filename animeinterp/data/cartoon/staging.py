"""A scene: the figures, their places and background, and how far everything moves between the two frames."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np

from animeinterp.data.cartoon import animals, things
from animeinterp.data.cartoon.backgrounds import GROUND, PLACES, Place
from animeinterp.data.cartoon.curves import ellipse
from animeinterp.data.cartoon.directing import MOTIONS, Motion, Moves, choose_behaviour, direct
from animeinterp.data.cartoon.figure import ROOT, Figure
from animeinterp.data.cartoon.motion import Affine, Chain, Move, middle_time
from animeinterp.data.cartoon.palette import STYLES, Style, StyleName, mix, shadow
from animeinterp.data.cartoon.people import draw_person
from animeinterp.data.cartoon.raster import Painted

Pace = Literal["small", "medium", "large"]
PACES: dict[Pace, tuple[float, float]] = {"small": (8, 20), "medium": (18, 60), "large": (70, 150)}
"""Largest displacement of a lead figure, in pixels of a 540 x 960 frame."""

MOST_GAIN = 1.6
"""Moves are drawn for a gain of 1; much more would dislocate limbs."""
CAP_SLACK = 0.95
"""Share of a wished cap used: displacements are measured on outlines, and waves may bulge between them."""
BISECTIONS = 12

Shot = Literal["close", "medium", "wide"]
SHOTS: tuple[Shot, ...] = ("close", "medium", "wide")

Draw = Callable[[np.random.Generator, Style], Figure]


@dataclass(frozen=True)
class Cast:
    """A figure with its place in the frame and its motion."""

    figure: Figure
    moves: Moves
    placement: Affine
    """Figure units to pixels of frame 0."""
    gain: float
    middle: float
    """Eased time of the middle frame."""
    motion: Motion | None
    """None for what only decorates: contact shadows and foreground props."""
    behaviour: str
    pen: float
    """Outline width in pixels."""

    def maps(self, s: float) -> dict[str, Chain]:
        """Map from figure units to pixels for each joint at eased time s."""
        return self.figure.maps(self.moves, self.placement, s, self.gain)


@dataclass(frozen=True)
class Scene:
    """Everything needed to draw a triplet and its truth."""

    style: Style
    size: tuple[int, int]
    where: Place
    casts: tuple[Cast, ...]
    """From back to front."""
    lead: int
    """Index of the dominant mover."""
    pan: tuple[float, float]
    """Shift of the background from frame 0 to frame 1 in pixels."""
    pan_middle: float

    def painted(self, frame: Literal[0, 1, 2]) -> list[Painted]:
        """Pieces of frame 0, the middle (1) or frame 1 (2), in painting order."""
        return self._painted([(0.0, cast.middle, 1.0)[frame] for cast in self.casts])

    def painted_at(self, s: float) -> list[Painted]:
        """Pieces at the eased time s, the same for all, in painting order."""
        return self._painted([s] * len(self.casts))

    def _painted(self, times: Sequence[float]) -> list[Painted]:
        pieces: list[Painted] = []
        owners = 0
        for cast, s in zip(self.casts, times, strict=True):
            maps = cast.maps(s)
            owner_of = {name: owners + 1 + i for i, name in enumerate(maps)}
            first = len(pieces) + 1
            for i, piece in enumerate(cast.figure.pieces):
                moved = maps[piece.joint].forward(piece.points)
                within = tuple(first + other for other in piece.within)
                pieces.append(
                    Painted(moved, piece, cast.pen * piece.weight, owner_of[piece.joint], first + i, within)
                )
            owners += len(maps)
        return pieces

    def parts(self, s: float) -> list[tuple[int, Chain]]:
        """(index of the cast, map at eased time s) of each moving part; owner n is entry n - 1."""
        return [(i, chain) for i, cast in enumerate(self.casts) for chain in cast.maps(s).values()]


@dataclass(frozen=True)
class _Role:
    """A wish for one figure, in a picture 960 x 540."""

    draw: Draw
    x: float
    feet: float
    """Where the bottom of the figure's box stands; below 540 for a figure cut by the frame."""
    scale: float
    grounded: bool = True


def style_of(seed: int) -> StyleName:
    """Style of a seed when none is asked for; both meet every motion type."""
    return "Disney" if (seed + seed // 4) % 2 else "Japan"


def stage_scene(
    seed: int, size: tuple[int, int], style: StyleName | None, motion: Motion | None, max_shift: float | None
) -> Scene:
    """Choose everything of a scene.

    Neighbouring seeds go round styles, motion types, paces, shots and places, so that a few of them in
    a row already show all; the rest is drawn by lot.
    """
    rng = np.random.default_rng(seed)
    school = STYLES[style_of(seed) if style is None else style]
    where = PLACES[seed % len(PLACES)]
    kind = MOTIONS[seed % 4] if motion is None else motion
    pace = tuple(PACES.values())[(seed + seed // 3 + 1) % 3]
    unit = min(size[0] / 540, size[1] / 960)
    cap = np.inf if max_shift is None else max_shift
    roles = _roles(rng, SHOTS[(seed + seed // 6) % 3], where)
    lead = int(np.argmax([role.scale for role in roles]))
    casts: list[Cast] = []
    lead_at = 0
    for i, role in enumerate(roles):
        own = kind if i == lead else MOTIONS[int(rng.integers(4))]
        behaviour = choose_behaviour(rng, _kind(role.draw), own)
        if role.draw is draw_person:
            taken = tuple(c.figure.theme for c in casts if c.figure.theme is not None)
            figure = draw_person(rng, school, behaviour == "waving", taken)
        else:
            figure = role.draw(rng, school)
        low, high = pace
        wish = unit * rng.uniform(low, high) * (1.0 if i == lead else rng.uniform(0.25, 0.8))
        moves = direct(rng, figure, own, behaviour)
        cast = _place(figure, role, size, unit, moves, own, behaviour, middle_time(rng))
        cast = with_gain(cast, min(wish, cap * CAP_SLACK))
        if role.grounded and role.feet < 545:
            casts.append(_contact_shadow(cast, where))
        lead_at = len(casts) if i == lead else lead_at
        casts.append(cast)
    if rng.random() < 0.5 and where in ("meadow", "street", "forest", "beach"):
        casts.append(_prop(rng, school, where, size, unit, cap))
    pan = np.zeros(2)
    if rng.random() < 0.35:
        pan = np.array([rng.choice([-1, 1]) * rng.uniform(3, 26), rng.uniform(-4, 4)]) * unit
        pan *= min(1.0, cap * CAP_SLACK / np.hypot(*pan))
    return Scene(school, size, where, tuple(casts), lead_at, (float(pan[0]), float(pan[1])), middle_time(rng))


def _kind(draw: Draw) -> str:
    """Kind of the figures that a function draws: `draw_cat` draws a cat."""
    return draw.__name__.removeprefix("draw_")


def _roles(rng: np.random.Generator, shot: Shot, where: Place) -> list[_Role]:
    """Wishes from back to front; the largest figure leads."""
    flip = bool(rng.random() < 0.5)
    roles: list[_Role] = []
    small: list[Draw] = [things.draw_balloon] if where in ("meadow", "beach") else []
    small += [animals.draw_bird] * (where != "room")
    if small and rng.random() < 0.8:
        sky = small[int(rng.integers(len(small)))]
        at = rng.uniform(830, 880) if shot == "close" else rng.uniform(140, 820)
        roles.append(_Role(sky, at, rng.uniform(110, 190), rng.uniform(0.5, 0.8), grounded=False))
    if shot == "close":
        if rng.random() < 0.8:
            roles.append(_Role(draw_person, rng.uniform(150, 240), 900, 1.9))
        roles.append(_Role(draw_person, rng.uniform(480, 590), 1140, 2.5))
    elif shot == "medium":
        roles.append(_Role(draw_person, rng.uniform(250, 360), 640, 1.32))
        other = animals.draw_critter if rng.random() < 0.6 else draw_person
        deep = 545 if other is animals.draw_critter else 690
        roles.append(_Role(other, rng.uniform(560, 700), deep, 1.45))
        if rng.random() < 0.5:
            roles.append(_Role(things.draw_ball, rng.uniform(430, 500), 520, 0.8))
    else:
        if where == "street":
            roles.append(_Role(things.draw_car, rng.uniform(240, 420), 500, 1.05))
            roles.append(_Role(draw_person, rng.uniform(600, 720), 534, 0.98))
        else:
            roles.append(_Role(draw_person, rng.uniform(260, 380), 500, 0.94))
            roles.append(_Role(animals.draw_critter, rng.uniform(560, 660), 506, 1.05))
        tail = animals.draw_cat if rng.random() < 0.6 else things.draw_ball
        roles.append(_Role(tail, rng.uniform(770, 850), 528, 0.9))
    if flip and not (where == "street" and shot == "wide"):
        roles = [replace(role, x=960 - role.x) for role in roles]
    return roles


def _place(
    figure: Figure,
    role: _Role,
    size: tuple[int, int],
    unit: float,
    moves: Moves,
    motion: Motion | None,
    behaviour: str,
    middle: float,
) -> Cast:
    left, _, right, bottom = figure.box
    scale = role.scale * unit
    corner = np.array(
        [
            size[1] * role.x / 960 - scale * (left + right) / 2,
            size[0] - unit * (540 - role.feet) - scale * bottom,
        ]
    )
    # A far figure has a thinner pen, as it would when drawn; a near one not much thicker.
    pen = figure.style.pen * unit * float(np.clip(0.72 + 0.2 * role.scale, 0.8, 1.2))
    return Cast(figure, moves, Affine(np.eye(2) * scale, corner), 0.0, middle, motion, behaviour, pen)


def with_gain(cast: Cast, wish: float) -> Cast:
    """The cast with the gain at which its largest displacement is `wish` pixels, or the most it can do."""

    def displaced(gain: float, stride: int) -> float:
        start, end = (cast.figure.maps(cast.moves, cast.placement, s, gain) for s in (0.0, 1.0))
        most = 0.0
        for name in start:
            chosen = [p.points[::stride] for p in cast.figure.pieces if p.joint == name]
            if chosen:
                points = np.concatenate(chosen)
                way = end[name].forward(points) - start[name].forward(points)
                most = max(most, float(np.hypot(way[:, 0], way[:, 1]).max()))
        return most

    low, high = 0.0, MOST_GAIN
    if displaced(high, 4) > wish:
        for _ in range(BISECTIONS):
            middle = (low + high) / 2
            low, high = (middle, high) if displaced(middle, 4) <= wish else (low, middle)
        high = low
    while high > 0 and displaced(high, 1) > wish:
        high *= 0.98
    return replace(cast, gain=high)


def _contact_shadow(cast: Cast, where: Place) -> Cast:
    """A flat shadow on the ground that follows the figure but does not leave the ground with it."""
    figure = Figure(cast.figure.style, "shadow", pivot=cast.figure.joints[ROOT].pivot)
    left, _, right, bottom = cast.figure.box
    tone = mix(shadow(GROUND[where], 0.3), GROUND[where], 0.25)
    figure.add(ellipse((left + right) / 2, bottom - 3, 0.46 * (right - left), 9), tone, line=False)
    root = cast.moves.get(ROOT, Move())
    moves = {ROOT: Move(stretch=root.stretch, shift=(root.shift[0], 0.0), lift=(root.lift[0], 0.0))}
    return replace(cast, figure=figure, moves=moves, motion=None, behaviour="")


def _prop(
    rng: np.random.Generator, style: Style, where: Place, size: tuple[int, int], unit: float, cap: float
) -> Cast:
    """Something in front of everybody, at an edge of the frame."""
    fence = where in ("street", "beach") or rng.random() < 0.3
    figure = (things.draw_fence if fence else things.draw_flowers)(rng, style)
    x = float(rng.choice([60, 900])) if not fence else float(rng.choice([10, 950]))
    role = _Role(things.draw_fence, x, 545 if fence else 560, 0.8 if fence else 1.15)
    moves = {"sway": Move(angle=0.05 * float(rng.choice([-1, 1])))} if not fence else {}
    cast = _place(figure, role, size, unit, moves, None, "", middle_time(rng))
    return with_gain(cast, min(8 * unit, cap * CAP_SLACK))
