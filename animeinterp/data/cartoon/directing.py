"""What a figure does: for each kind and motion type, moves of its joints and the word for them."""

from __future__ import annotations

from typing import Literal

import numpy as np

from animeinterp.data.cartoon.figure import ROOT, Figure
from animeinterp.data.cartoon.motion import Move, Vector, Wave

Motion = Literal["translation", "rotation", "scaling", "deformation"]
MOTIONS: tuple[Motion, ...] = ("translation", "rotation", "scaling", "deformation")

Moves = dict[str, Move]

BEHAVIOURS: dict[str, dict[Motion, tuple[str, ...]]] = {
    "person": {
        "translation": ("walking", "jumping", "running"),
        "rotation": ("waving", "nodding", "swaying"),
        "scaling": ("approaching", "leaving"),
        "deformation": ("talking", "dancing", "stretching"),
    },
    "critter": {
        "translation": ("walking", "jumping"),
        "rotation": ("waving", "nodding", "swaying"),
        "scaling": ("approaching", "leaving"),
        "deformation": ("dancing", "stretching"),
    },
    "cat": {
        "translation": ("walking", "running"),
        "rotation": ("nodding", "swaying"),
        "scaling": ("approaching", "leaving"),
        "deformation": ("stretching", "dancing"),
    },
    "bird": {
        "translation": ("flying",),
        "rotation": ("turning",),
        "scaling": ("approaching", "leaving"),
        "deformation": ("gliding",),
    },
    "ball": {
        "translation": ("rolling", "bouncing"),
        "rotation": ("spinning",),
        "scaling": ("approaching", "leaving"),
        "deformation": ("squashing",),
    },
    "car": {
        "translation": ("driving",),
        "rotation": ("tilting",),
        "scaling": ("approaching", "leaving"),
        "deformation": ("rattling",),
    },
    "balloon": {
        "translation": ("floating",),
        "rotation": ("swaying",),
        "scaling": ("approaching", "leaving"),
        "deformation": ("fluttering",),
    },
}
"""Words a figure's annotation may carry, by kind and motion type."""


def choose_behaviour(rng: np.random.Generator, kind: str, motion: Motion) -> str:
    """A word for what a figure of this kind does with this type of motion."""
    words = BEHAVIOURS[kind][motion]
    return words[int(rng.integers(len(words)))]


def direct(rng: np.random.Generator, figure: Figure, motion: Motion, behaviour: str) -> Moves:
    """Moves of the figure's joints at gain 1, the strongest that still looks well drawn.

    Parameters
    ----------
    rng
        Chooses sides and small liveliness.
    figure
        The figure; joints it lacks are left out.
    motion
        Type of the motion that dominates.
    behaviour
        One of `BEHAVIOURS[figure.kind][motion]`.
    """
    side = float(rng.choice([-1.0, 1.0]))
    # Birds, cats and cars are drawn looking to the right and had better not travel backwards.
    ahead = 1.0 if figure.kind in ("bird", "cat", "car") else side
    moves = _liveliness(rng, side)
    if motion == "translation":
        moves |= _travel(rng, behaviour, ahead)
    elif motion == "rotation":
        moves |= _turn(behaviour, side)
    elif motion == "scaling":
        growth = 0.55 if behaviour == "approaching" else -0.55
        moves[ROOT] = Move(stretch=(growth, growth), shift=(14 * side, 0))
    else:
        moves |= _bend(behaviour, side)
    return {name: move for name, move in moves.items() if name in figure.joints}


def _liveliness(rng: np.random.Generator, side: float) -> Moves:
    """Small movements that go with everything: a tilted head, blown hair, a blink, a tail."""
    swing = float(rng.uniform(0.04, 0.12))
    blown = (Wave(0, 190, growth=7 * side, travel=0.8),)
    moves = {
        "head": Move(angle=0.5 * swing * side),
        "hair": Move(waves=blown),
        "skirt": Move(waves=(Wave(0, 150, growth=8 * side, travel=0.9),)),
        "tail": Move(angle=swing * 2 * side),
        "tail_l": Move(angle=swing * side, waves=blown),
        "tail_r": Move(angle=swing * 1.3 * side, waves=blown),
        "ear_l": Move(angle=-swing),
        "ear_r": Move(angle=swing),
        "basket": Move(angle=swing * side),
        "sway": Move(waves=(Wave(0, 420, growth=10 * side),)),
    }
    if rng.random() < 0.4:
        moves["eyes"] = Move(stretch=(0.0, -0.9))
    return moves


def _travel(rng: np.random.Generator, behaviour: str, ahead: float) -> Moves:
    reach = 150 * ahead
    if behaviour in ("walking", "running"):
        swing = 0.42 if behaviour == "walking" else 0.7
        limbs = {"leg_l": 1, "leg_r": -1, "arm_l": -0.7, "arm_r": 0.7}
        paws = {"far_hind": 1, "far_fore": -1, "near_hind": -1, "near_fore": 1}
        moves = {name: Move(angle=swing * share * ahead) for name, share in (limbs | paws).items()}
        return moves | {ROOT: Move(shift=(reach, -6.0), lift=(0.0, -14.0))}
    if behaviour in ("jumping", "bouncing"):
        lifted = {"arm_l": Move(angle=0.6), "arm_r": Move(angle=-0.6), "roll": Move(angle=0.8 * ahead)}
        return lifted | {ROOT: Move(shift=(0.5 * reach, -135.0), lift=(0.0, -16.0))}
    if behaviour == "flying":
        wings = {"wing": Move(angle=-0.9), "far": Move(angle=-0.7)}
        return wings | {ROOT: Move(shift=(reach, float(rng.uniform(-60, 20))), lift=(0.0, -24.0))}
    if behaviour in ("rolling", "driving"):
        # A wheel rolls its own circumference: the angle is the way over the radius.
        turns = {"roll": 50.0, "wheel_l": 26.0, "wheel_r": 26.0}
        wheels = {name: Move(angle=reach / radius) for name, radius in turns.items()}
        return wheels | {ROOT: Move(shift=(reach, 0.0))}
    return {ROOT: Move(shift=(0.6 * reach, -110.0), lift=(20.0, 0.0))}


def _turn(behaviour: str, side: float) -> Moves:
    if behaviour == "waving":
        return {"arm_r": Move(angle=0.85 * side), "arm_l": Move(angle=0.12), "head": Move(angle=0.12 * side)}
    if behaviour == "nodding":
        return {"head": Move(angle=0.36 * side), ROOT: Move(angle=0.05 * side)}
    if behaviour == "spinning":
        return {"roll": Move(angle=1.1 * side), ROOT: Move(shift=(5.0 * side, 0.0))}
    if behaviour == "turning":
        return {ROOT: Move(angle=0.8 * side), "wing": Move(angle=-0.5), "far": Move(angle=-0.4)}
    if behaviour == "tilting":
        return {ROOT: Move(angle=-0.3), "wheel_l": Move(angle=0.6), "wheel_r": Move(angle=0.6)}
    return {ROOT: Move(angle=0.38 * side), "head": Move(angle=-0.1 * side)}


def _bend(behaviour: str, side: float) -> Moves:
    wide = Wave(0, 620, growth=58 * side, phase=0.4, travel=0.5 * side)
    if behaviour == "talking":
        jaw = {"mouth": Move(stretch=(-0.25, 0.6)), "eyes": Move(stretch=(0.0, -1.1))}
        return jaw | {ROOT: Move(waves=(Wave(0, 700, growth=30 * side),)), "head": Move(angle=0.1 * side)}
    if behaviour == "dancing":
        arms = {"arm_l": Move(angle=0.5), "arm_r": Move(angle=-0.5)}
        return arms | {ROOT: Move(waves=(wide,), stretch=(0.05, -0.06))}
    if behaviour in ("stretching", "squashing", "rattling"):
        amount: Vector = (0.3, -0.34) if side > 0 else (-0.2, 0.26)
        return {ROOT: Move(stretch=amount, waves=(Wave(1, 420, growth=10 * side),))}
    if behaviour == "gliding":
        bend = (Wave(1, 260, growth=22 * side, phase=0.6),)
        return {ROOT: Move(waves=bend, shift=(30.0, -6.0)), "wing": Move(waves=(Wave(0, 150, growth=16),))}
    return {ROOT: Move(waves=(Wave(0, 300, growth=26 * side), Wave(1, 300, growth=12)))}
