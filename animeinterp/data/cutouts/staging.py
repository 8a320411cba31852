"""Random scenes: the positions, colours, sizes and motions of drawings."""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np
from numpy.typing import NDArray

from animeinterp.data.cutouts.backdrops import paint_backdrop
from animeinterp.data.cutouts.layers import BORDER, Layer, Motion, make_bend
from animeinterp.data.cutouts.recolouring import recolour, recolour_matrix

FEWEST, MOST = 2, 8
"""Cut-outs in a scene."""
UNIT = 0.45
"""Longer side of a cut-out at scale 1, in shorter sides of the frame."""
SCALES = (0.35, 2.2)
"""Range of the scale, even in its logarithm."""
ENLARGEMENT = 2.0
"""Small drawings are not enlarged further: steps of their pixels would be seen."""
UPRIGHT, LEAN = 0.8, np.deg2rad(8)
"""Share of cut-outs that stand upright, and by how much they lean; the others have any angle."""
HELD = 0.25
"""Share of cut-outs without a motion of their own, as held drawings in animation."""
FARTHEST = 0.25
"""Longest shift of a cut-out's own motion, in shorter sides of the frame."""
TURN, GREATEST_TURN = np.deg2rad(8), np.deg2rad(30)
"""Standard deviation and bound of a cut-out's turn."""
GROWTH, GREATEST_GROWTH = 0.06, 0.2
"""Standard deviation and bound of the logarithm of its growth."""
RIGID = 0.4
"""Share of moving cut-outs that are not deformed."""
BEND = (0.01, 0.06)
"""Range of a deformation's reach, in longer sides of the cut-out."""
NODES = (3, 6)
"""Range of vectors along a side of a deformation's grid, the upper end not included."""
NO_COMMON, COMMON = 0.35, 0.12
"""Share of scenes without a common motion, and longest common shift in shorter sides of the frame."""
COMMON_TURN, COMMON_GROWTH = np.deg2rad(1.5), 0.04
"""Standard deviations of the common turn and of the logarithm of the common zoom, where there are any."""
BACKDROP_STAYS, PARALLAX = 0.3, (0.3, 1.0)
"""Share of backdrops that stay where the cut-outs have a common motion, and the others' share of it."""


def stage_scene(
    drawings: Sequence[NDArray[np.uint8]], size: tuple[int, int], rng: np.random.Generator
) -> list[Layer]:
    """Layers of a random scene, the backdrop first.

    Parameters
    ----------
    drawings
        Premultiplied RGBA uint8 (h, w, 4), one for each cut-out.
    size
        (height, width) of the frame in pixels.
    rng
        Source of all variation.
    """
    common = _common_motion(size, rng)
    backdrop = _backdrop(drawings, size, common, rng)
    return [backdrop, *(_cutout(drawing, size, common, rng) for drawing in drawings)]


def fit_drawing(drawing: NDArray[np.uint8], longest: float, mirrored: bool = False) -> NDArray[np.float32]:
    """A drawing at the size it has in a frame, with a transparent border; shrunk by area, so nothing aliases.

    Parameters
    ----------
    drawing
        Premultiplied RGBA uint8 (h, w, 4).
    longest
        Pixels of its longer side.
    mirrored
        Whether left and right change places.
    """
    height, width = drawing.shape[:2]
    scale = longest / max(height, width)
    wanted = max(1, round(width * scale)), max(1, round(height * scale))
    way = cv2.INTER_AREA if scale < 1 else cv2.INTER_CUBIC
    fitted = cv2.resize(drawing, wanted, interpolation=way).astype(np.float32)
    np.minimum(fitted[..., :3], fitted[..., 3:], out=fitted[..., :3])  # the cubic filter overshoots
    if mirrored:
        fitted = fitted[:, ::-1]
    framed = np.zeros((wanted[1] + 2 * BORDER, wanted[0] + 2 * BORDER, 4), np.float32)
    framed[BORDER:-BORDER, BORDER:-BORDER] = fitted
    return framed


def _common_motion(size: tuple[int, int], rng: np.random.Generator) -> Motion:
    """Motion of the camera, or of everything in the scene."""
    if rng.random() < NO_COMMON:
        return Motion()
    shift = _shift(COMMON * min(size), rng)
    turn = rng.normal(0, COMMON_TURN) if rng.random() < 0.3 else 0.0
    zoom = float(np.exp(rng.normal(0, COMMON_GROWTH))) if rng.random() < 0.5 else 1.0
    return Motion(shift, turn, zoom)


def _own_motion(size: tuple[int, int], rng: np.random.Generator) -> Motion:
    shift = _shift(FARTHEST * min(size), rng)
    turn = np.clip(rng.normal(0, TURN), -GREATEST_TURN, GREATEST_TURN) if rng.random() < 0.7 else 0.0
    growth = np.clip(rng.normal(0, GROWTH), -GREATEST_GROWTH, GREATEST_GROWTH) if rng.random() < 0.6 else 0.0
    return Motion(shift, float(turn), float(np.exp(growth)))


def _shift(farthest: float, rng: np.random.Generator) -> tuple[float, float]:
    """A shift of any direction and of up to this length; short ones are more frequent than long ones."""
    length, angle = farthest * rng.random() ** 1.5, rng.uniform(-np.pi, np.pi)
    return float(length * np.cos(angle)), float(length * np.sin(angle))


def _cutout(
    drawing: NDArray[np.uint8], size: tuple[int, int], common: Motion, rng: np.random.Generator
) -> Layer:
    low, high = np.log(SCALES)
    longest = float(np.exp(rng.uniform(low, high))) * UNIT * min(size)
    longest = min(longest, ENLARGEMENT * max(drawing.shape[:2]))
    picture = recolour(fit_drawing(drawing, longest, rng.random() < 0.5), recolour_matrix(rng))
    place = float(rng.uniform(0, size[1] - 1)), float(rng.uniform(0, size[0] - 1))
    angle = float(rng.normal(0, LEAN) if rng.random() < UPRIGHT else rng.uniform(-np.pi, np.pi))
    own, bend = Motion(), None
    if rng.random() >= HELD:
        own = _own_motion(size, rng)
        if rng.random() >= RIGID:
            height, width = picture.shape[:2]
            bend = make_bend(height, width, int(rng.integers(*NODES)), rng.uniform(*BEND) * longest, rng)
    return Layer(picture, place, angle, own, common, _middle(size), bend)


def _backdrop(
    drawings: Sequence[NDArray[np.uint8]], size: tuple[int, int], common: Motion, rng: np.random.Generator
) -> Layer:
    share = 0.0 if rng.random() < BACKDROP_STAYS else rng.uniform(*PARALLAX)
    motion = Motion(
        (common.shift[0] * share, common.shift[1] * share), common.turn * share, common.zoom**share
    )
    middle = _middle(size)
    margin = _margin(motion, size)
    colours = paint_backdrop(size, margin, drawings, rng)
    picture = np.full((*colours.shape[:2], 4), 255, np.float32)
    picture[..., :3] = colours
    return Layer(picture, middle, common=motion, hub=middle, solid=True)


def _margin(motion: Motion, size: tuple[int, int]) -> int:
    """Pixels around the frame that come into it at some time."""
    height, width = size
    corners = np.array([[0, width - 1, 0, width - 1], [0, 0, height - 1, height - 1], [1, 1, 1, 1]])
    margin = 0.0
    for t in (0.0, 1.0):
        x, y, _ = np.linalg.inv(motion.matrix(t, _middle(size))) @ corners
        margin = max(margin, -x.min(), -y.min(), x.max() - width + 1, y.max() - height + 1)
    return int(np.ceil(margin)) + BORDER


def _middle(size: tuple[int, int]) -> tuple[float, float]:
    return (size[1] - 1) / 2, (size[0] - 1) / 2
