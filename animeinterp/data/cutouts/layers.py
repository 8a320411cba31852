"""Layers: a picture, where it is at each time, and how a stack of them becomes frames and exact motion."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import cv2
import numpy as np
from numpy.typing import NDArray

from animeinterp.data.cutouts.warping import BEND_STEP, follow, hide, paint

GREATEST_GRADIENT = 0.35
"""Of a bend, pixels a pixel: below it a bent drawing does not fold, and fixed-point steps converge fast."""
BORDER = 2
"""Transparent pixels around a cut-out: cubic weights reach that far."""

Box = tuple[int, int, int, int]
"""Top, bottom, left and right; bottom and right are not part of it."""

NO_BEND = np.zeros((2, 2, 2), np.float32)
"""Stands for a bend where there is none; of one type with the others, so that loops are compiled once."""


@dataclass(frozen=True)
class Motion:
    """A motion from time 0 to time 1, at an even pace: shift, turn and zoom about a point."""

    shift: tuple[float, float] = (0.0, 0.0)
    """Pixels to the right and down."""
    turn: float = 0.0
    """Radians, clockwise as seen."""
    zoom: float = 1.0
    """Factor of its size."""

    def matrix(self, t: float, about: tuple[float, float]) -> NDArray[np.float64]:
        """(3, 3) map of points from where they are half-way to where they are at `t`."""
        share = t - 0.5
        size = self.zoom**share
        c, s = size * np.cos(share * self.turn), size * np.sin(share * self.turn)
        x, y = about
        return np.array(
            [
                [c, -s, x - c * x + s * y + share * self.shift[0]],
                [s, c, y - s * x - c * y + share * self.shift[1]],
                [0, 0, 1],
            ]
        )


@dataclass(frozen=True)
class Layer:
    """A picture that moves over a frame."""

    picture: NDArray[np.float32]
    """(h, w, 4) premultiplied RGBA, 0..255, at the size it has in the frame half-way."""
    place: tuple[float, float]
    """Where the centre of the picture is half-way, x and y in pixels of the frame."""
    angle: float = 0.0
    """Radians by which it is turned half-way."""
    own: Motion = Motion()
    """About its centre."""
    common: Motion = Motion()
    """About `hub`, after its own."""
    hub: tuple[float, float] = (0.0, 0.0)
    """Usually the centre of the frame."""
    bend: NDArray[np.float32] | None = None
    """Deformation from time 0 to time 1, as `data.cutouts.warping` describes it; None for a rigid drawing."""
    solid: bool = False
    """Whether it goes on beyond its edges, as a background does."""

    def matrix(self, t: float) -> NDArray[np.float64]:
        """(3, 3) from its bent coordinates to the frame at `t`."""
        height, width = self.picture.shape[:2]
        c, s = np.cos(self.angle), np.sin(self.angle)
        mid_x, mid_y = (width - 1) / 2, (height - 1) / 2
        placed = np.array(
            [
                [c, -s, self.place[0] - c * mid_x + s * mid_y],
                [s, c, self.place[1] - s * mid_x - c * mid_y],
                [0, 0, 1],
            ]
        )
        moved: NDArray[np.float64] = self.common.matrix(t, self.hub) @ self.own.matrix(t, self.place) @ placed
        return moved

    def inverse(self, t: float) -> NDArray[np.float64]:
        """(3, 3) from the frame at `t` to its bent coordinates."""
        return np.asarray(np.linalg.inv(self.matrix(t)), np.float64)

    @cached_property
    def still(self) -> bool:
        """Whether it is drawn the same at all times."""
        return self.bend is None and np.array_equal(self.matrix(0), self.matrix(1))

    def amount(self, t: float) -> float:
        """Share of the bend at `t`: half of it backward at 0, none half-way, half of it forward at 1."""
        return 0.0 if self.bend is None else t - 0.5

    def box(self, t: float, size: tuple[int, int]) -> Box:
        """The part of a frame (height, width) it can touch at `t`."""
        if self.solid:
            return 0, size[0], 0, size[1]
        height, width = self.picture.shape[:2]
        reach = abs(self.amount(t)) * (0.0 if self.bend is None else float(np.abs(self.bend).max()))
        left, top, right, bottom = -reach, -reach, width - 1 + reach, height - 1 + reach
        corners = np.array([[left, right, left, right], [top, top, bottom, bottom], [1, 1, 1, 1]])
        x, y, _ = self.matrix(t) @ corners
        low = max(0, int(np.floor(y.min()))), max(0, int(np.floor(x.min())))
        high = min(size[0], int(np.ceil(y.max())) + 1), min(size[1], int(np.ceil(x.max())) + 1)
        return low[0], max(low[0], high[0]), low[1], max(low[1], high[1])


def draw_layers(
    layers: Sequence[Layer], size: tuple[int, int], t: float
) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    """Draw a stack of layers, the last one on top.

    Parameters
    ----------
    layers
        At most 256; the first is the background.
    size
        (height, width) in pixels.
    t
        Time, 0..1.

    Returns
    -------
    frame, owner
        uint8 RGB (H, W, 3), black where no layer is; uint8 (H, W), the number of the top-most layer whose
        alpha is over one half at the pixel's centre, 0 for the first layer and where there is none.
    """
    frame, owner = np.zeros((*size, 3), np.float32), np.zeros(size, np.uint8)
    for number, layer in enumerate(layers):
        to_layer = layer.inverse(t)[:2]
        amount, box = layer.amount(t), layer.box(t, size)
        bend = NO_BEND if layer.bend is None else layer.bend
        paint(frame, owner, number, layer.picture, to_layer, bend, amount, box, layer.solid)
    return np.rint(frame).astype(np.uint8), owner


def layer_flow(
    layers: Sequence[Layer], owner: NDArray[np.uint8], start: float, end: float
) -> tuple[NDArray[np.float32], NDArray[np.bool_]]:
    """Exact motion of every pixel from one time to another.

    Parameters
    ----------
    layers
        As of `draw_layers`.
    owner
        (H, W), as `draw_layers` returns it for `start`.
    start, end
        Times, 0..1.

    Returns
    -------
    flow, occluded
        float32 (2, H, W) in pixels, x then y, on the grid of the frame at `start`; bool (H, W), where a
        pixel of that frame has left the frame at `end`, or is under another layer's solid part there.

    Notes
    -----
    A layer that does not move has a flow of exactly 0. Half a pixel beyond the outermost centres still
    belongs to the frame.
    """
    height, width = owner.shape
    flow = np.zeros((2, height, width), np.float32)
    for number, layer in enumerate(layers):
        if layer.still:
            continue
        inverse, box = layer.inverse(start), layer.box(start, (height, width))
        if layer.bend is not None:
            amounts = layer.amount(start), layer.amount(end)
            to_layer, from_layer = inverse[:2], layer.matrix(end)[:2]
            follow(flow, owner, number, to_layer, from_layer, layer.bend, amounts, box)
        else:
            _follow_rigid(flow, owner, number, layer.matrix(end) @ inverse, box)
    occluded = leaves_frame(flow)
    for number, layer in enumerate(layers):
        if number:
            to_layer = layer.inverse(end)[:2]
            amount, box = layer.amount(end), layer.box(end, (height, width))
            bend = NO_BEND if layer.bend is None else layer.bend
            hide(occluded, flow, owner, number, layer.picture, to_layer, bend, amount, box)
    return flow, occluded


def leaves_frame(flow: NDArray[np.float32]) -> NDArray[np.bool_]:
    """Which pixels of a frame end more than half a pixel beyond the outermost centres.

    Parameters
    ----------
    flow
        (..., 2, H, W) in pixels, x then y.

    Returns
    -------
    ndarray
        bool (..., H, W).
    """
    height, width = flow.shape[-2:]
    x = flow[..., 0, :, :] + np.arange(width, dtype=np.float32)
    y = flow[..., 1, :, :] + np.arange(height, dtype=np.float32)[:, None]
    return np.asarray(~((x >= -0.5) & (x < width - 0.5) & (y >= -0.5) & (y < height - 0.5)))


def make_bend(
    height: int, width: int, nodes: int, reach: float, rng: np.random.Generator
) -> NDArray[np.float32]:
    """A smooth random deformation of a picture: a coarse grid of random vectors, cubic between them.

    Parameters
    ----------
    height, width
        Of the picture in pixels.
    nodes
        Vectors along each side of the coarse grid, from 2.
    reach
        Standard deviation of their components in pixels; lowered where the field would get steeper than
        `GREATEST_GRADIENT`.
    rng
        Source of the vectors.
    """
    coarse = rng.normal(0.0, reach, (nodes, nodes, 2)).astype(np.float32)
    grid = width // BEND_STEP + 2, height // BEND_STEP + 2
    bend = cv2.resize(coarse, grid, interpolation=cv2.INTER_CUBIC)
    steepest = max(float(np.abs(np.diff(bend, axis=axis)).max()) for axis in (0, 1)) / BEND_STEP
    return np.asarray(bend * min(1.0, GREATEST_GRADIENT / max(steepest, 1e-9)), np.float32)


def _follow_rigid(
    flow: NDArray[np.float32], owner: NDArray[np.uint8], number: int, change: NDArray[np.float64], box: Box
) -> None:
    """Flow of a layer that is not bent; a shift comes out as itself, without rounding of coordinates."""
    top, bottom, left, right = box
    if bottom <= top or right <= left:
        return
    x, y = np.arange(left, right), np.arange(top, bottom)[:, None]
    owned = owner[top:bottom, left:right] == number
    change = change[:2] - np.eye(2, 3)
    for axis in (0, 1):
        moved = change[axis, 0] * x + change[axis, 1] * y + change[axis, 2]
        flow[axis, top:bottom, left:right][owned] = moved[owned].astype(np.float32)
