"""Loops over the pixels of a layer: painting it, following it to the other frame, finding what it hides.

A layer has a picture, premultiplied RGBA float32 `(h, w, 4)` of 0..255; a `matrix`, the affine map (2, 3)
from its coordinates to the frame's or back; and a `bend`, a smooth vector field in pixels, float32
`(rows, columns, 2)`, one vector every `BEND_STEP` pixels of the picture, bilinear between them and held
beyond its edges. In both spaces an integer is the centre of a pixel, x before y. `amount` times the bend is
how far the layer is deformed in a frame.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from animeinterp.data.cutouts.compiled import compiled

Float32 = NDArray[np.float32]
Float64 = NDArray[np.float64]

BEND_STEP = 4
"""Pixels between the vectors of a bend."""
HALF = 127.5
"""Alpha above which a layer owns a pixel."""
FIXED_POINT_STEPS = 4
"""With bends whose gradient is at most 0.35, half of it in each frame, four steps leave under 0.01 px."""


@compiled
def _bend_at(bend: Float32, x: float, y: float) -> tuple[float, float]:
    """The bend at a point of the picture."""
    rows, columns = bend.shape[0], bend.shape[1]
    x = min(max(x / BEND_STEP, 0.0), columns - 1.0)
    y = min(max(y / BEND_STEP, 0.0), rows - 1.0)
    column, row = min(int(x), columns - 2), min(int(y), rows - 2)
    fx, fy = x - column, y - row
    a, b = (1 - fx) * (1 - fy), fx * (1 - fy)
    c, d = (1 - fx) * fy, fx * fy
    return (
        a * bend[row, column, 0]
        + b * bend[row, column + 1, 0]
        + c * bend[row + 1, column, 0]
        + d * bend[row + 1, column + 1, 0],
        a * bend[row, column, 1]
        + b * bend[row, column + 1, 1]
        + c * bend[row + 1, column, 1]
        + d * bend[row + 1, column + 1, 1],
    )


@compiled
def _at(matrix: Float64, x: float, y: float) -> tuple[float, float]:
    return (
        matrix[0, 0] * x + matrix[0, 1] * y + matrix[0, 2],
        matrix[1, 0] * x + matrix[1, 1] * y + matrix[1, 2],
    )


@compiled
def _cubic(f: float) -> tuple[np.float32, np.float32, np.float32, np.float32]:
    """Weights of the four pixels around a point between the second and the third (Catmull and Rom)."""
    return (
        np.float32(f * (-0.5 + f * (1 - 0.5 * f))),
        np.float32(1 + f * f * (1.5 * f - 2.5)),
        np.float32(f * (0.5 + f * (2 - 1.5 * f))),
        np.float32(f * f * (0.5 * f - 0.5)),
    )


@compiled
def _sample(
    picture: Float32, x: float, y: float, solid: bool
) -> tuple[np.float32, np.float32, np.float32, np.float32]:
    """Colour and alpha of a picture between its pixels; transparent beyond its edges unless `solid`."""
    height, width = picture.shape[0], picture.shape[1]
    none = np.float32(0)
    if solid:
        x, y = min(max(x, 0.0), width - 1.0), min(max(y, 0.0), height - 1.0)
    elif not (1 <= x < width - 2 and 1 <= y < height - 2):
        return none, none, none, none
    left, top = int(x), int(y)
    if not solid and (
        picture[top, left, 3] == 0
        and picture[top, left + 1, 3] == 0
        and picture[top + 1, left, 3] == 0
        and picture[top + 1, left + 1, 3] == 0
    ):
        return none, none, none, none
    across, down = _cubic(x - left), _cubic(y - top)
    red, green, blue, alpha = none, none, none, none
    for j in range(4):
        row = min(max(top - 1 + j, 0), height - 1) if solid else top - 1 + j
        for i in range(4):
            column = min(max(left - 1 + i, 0), width - 1) if solid else left - 1 + i
            weight = down[j] * across[i]
            red += weight * picture[row, column, 0]
            green += weight * picture[row, column, 1]
            blue += weight * picture[row, column, 2]
            alpha += weight * picture[row, column, 3]
    alpha = min(max(alpha, none), np.float32(255))
    # Cubic weights overshoot at edges; a colour never exceeds its alpha.
    return min(max(red, none), alpha), min(max(green, none), alpha), min(max(blue, none), alpha), alpha


@compiled
def paint(
    frame: Float32,
    owner: NDArray[np.uint8],
    number: int,
    picture: Float32,
    to_layer: Float64,
    bend: Float32,
    amount: float,
    box: tuple[int, int, int, int],
    solid: bool,
) -> None:
    """Lay a layer over a frame `(H, W, 3)` and enter its number where its alpha is over one half.

    `to_layer` maps the frame to the layer's bent coordinates; `box` (top, bottom, left, right) bounds the
    pixels looked at.
    """
    for y in range(box[0], box[1]):
        for x in range(box[2], box[3]):
            at_x, at_y = _at(to_layer, x, y)
            if amount != 0:
                bend_x, bend_y = _bend_at(bend, at_x, at_y)
                at_x, at_y = at_x - amount * bend_x, at_y - amount * bend_y
            red, green, blue, alpha = _sample(picture, at_x, at_y, solid)
            if alpha == 0:
                continue
            rest = np.float32(1) - alpha / np.float32(255)
            frame[y, x, 0] = red + rest * frame[y, x, 0]
            frame[y, x, 1] = green + rest * frame[y, x, 1]
            frame[y, x, 2] = blue + rest * frame[y, x, 2]
            if alpha > HALF:
                owner[y, x] = number


@compiled
def follow(
    flow: Float32,
    owner: NDArray[np.uint8],
    number: int,
    to_layer: Float64,
    from_layer: Float64,
    bend: Float32,
    amounts: tuple[float, float],
    box: tuple[int, int, int, int],
) -> None:
    """Enter into a flow `(2, H, W)` where the pixels that a layer owns are in the other frame.

    `to_layer` belongs to the flow's own frame, `from_layer` to the other one; `amounts` likewise.
    """
    here, there = amounts
    for y in range(box[0], box[1]):
        for x in range(box[2], box[3]):
            if owner[y, x] != number:
                continue
            at_x, at_y = _at(to_layer, x, y)
            bend_x, bend_y = _bend_at(bend, at_x, at_y)
            rest_x, rest_y = at_x - here * bend_x, at_y - here * bend_y
            at_x, at_y = rest_x, rest_y
            for _ in range(FIXED_POINT_STEPS):
                bend_x, bend_y = _bend_at(bend, at_x, at_y)
                at_x, at_y = rest_x + there * bend_x, rest_y + there * bend_y
            to_x, to_y = _at(from_layer, at_x, at_y)
            flow[0, y, x] = to_x - x
            flow[1, y, x] = to_y - y


@compiled
def hide(
    hidden: NDArray[np.bool_],
    flow: Float32,
    owner: NDArray[np.uint8],
    number: int,
    picture: Float32,
    to_layer: Float64,
    bend: Float32,
    amount: float,
    box: tuple[int, int, int, int],
) -> None:
    """Mark the pixels of lower layers that end up under the solid part of this layer in the other frame.

    `to_layer`, `amount` and `box` are those of the other frame. Where a pixel ends up between the pixels of
    that frame, the layer is looked at exactly there.
    """
    top, bottom, left, right = box
    for y in range(flow.shape[1]):
        for x in range(flow.shape[2]):
            if owner[y, x] >= number or hidden[y, x]:
                continue
            to_x, to_y = x + flow[0, y, x], y + flow[1, y, x]
            if not (left - 1 <= to_x <= right and top - 1 <= to_y <= bottom):
                continue
            at_x, at_y = _at(to_layer, to_x, to_y)
            if amount != 0:
                bend_x, bend_y = _bend_at(bend, at_x, at_y)
                at_x, at_y = at_x - amount * bend_x, at_y - amount * bend_y
            hidden[y, x] = _sample(picture, at_x, at_y, False)[3] > HALF
