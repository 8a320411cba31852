"""What cut-outs move over: a painted place, an enlarged drawing, or a gradient with noise."""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np
from numpy.typing import NDArray

from animeinterp.data.cartoon.backgrounds import PLACES, paint_background
from animeinterp.data.cutouts.recolouring import recolour, recolour_matrix

PAINTED, DRAWING = 0.3, 0.3
"""Shares of painted places and enlarged drawings; gradients are the rest."""
ENLARGED = (1.1, 2.2)
"""Range of an enlarged drawing's shorter side, in shorter sides of the backdrop."""
NOISE_CELLS = (4, 8, 16, 32, 64)
"""Cells of the noise along the longer side, coarse to fine."""
LEAST_MAKER_SIDE = 16
"""The cartoon maker paints no smaller frames."""


def paint_backdrop(
    size: tuple[int, int],
    margin: int,
    drawings: Sequence[NDArray[np.uint8]],
    rng: np.random.Generator,
) -> NDArray[np.float32]:
    """Paint a backdrop of a random kind.

    Parameters
    ----------
    size
        (height, width) of the frame in pixels.
    margin
        Pixels added at every side.
    drawings
        Premultiplied RGBA, one of which may be enlarged; may be empty.
    rng
        Source of all variation.

    Returns
    -------
    numpy.ndarray
        float32 RGB of 0..255, (height + 2 margin, width + 2 margin, 3).
    """
    full = size[0] + 2 * margin, size[1] + 2 * margin
    kind = rng.random()
    if kind < PAINTED and min(size) >= LEAST_MAKER_SIDE:
        place = PLACES[int(rng.integers(len(PLACES)))]
        painted = paint_background(place, size, margin, rng).astype(np.float32)
        return np.ascontiguousarray(painted[:, ::-1] if rng.random() < 0.5 else painted)
    if drawings and kind < PAINTED + DRAWING:
        return enlarge_drawing(drawings[int(rng.integers(len(drawings)))], full, rng)
    return paint_gradient(full, rng)


def paint_gradient(full: tuple[int, int], rng: np.random.Generator) -> NDArray[np.float32]:
    """Two to four colours flowing into each other, with noise of several sizes on top, as paint has."""
    height, width = full
    count = int(rng.integers(2, 5))
    colours = (rng.uniform(30, 240, 3) + rng.normal(0, 45, (count, 3))).clip(0, 255)
    angle = rng.normal(np.pi / 2, 0.5)
    y, x = np.ogrid[0:height, 0:width]
    along = np.cos(angle) * x / width + np.sin(angle) * y / height
    along = (along - along.min()) / max(float(along.max() - along.min()), 1e-9)
    stops = np.sort(np.concatenate([[0, 1], rng.random(count - 2)]))
    levels = np.stack([np.interp(np.linspace(0, 1, 512), stops, colours[:, i]) for i in range(3)], axis=1)
    backdrop = levels.astype(np.float32)[np.rint(along * 511).astype(np.intp)]
    strength, tint = rng.uniform(1, 14), rng.normal(1, 0.2, 3).astype(np.float32)
    stretch = np.exp(rng.normal(0, 0.7))
    noise = np.zeros(full, np.float32)
    for octave, cells in enumerate(NOISE_CELLS):
        rows = max(2, round(cells * height / max(full) * stretch))
        columns = max(2, round(cells * width / max(full) / stretch))
        grid = rng.normal(0, 0.75**octave, (rows, columns)).astype(np.float32)
        noise += cv2.resize(grid, (width, height), interpolation=cv2.INTER_CUBIC)
    return np.asarray(np.clip(backdrop + strength * noise[..., None] * tint, 0, 255), np.float32)


def enlarge_drawing(
    drawing: NDArray[np.uint8], full: tuple[int, int], rng: np.random.Generator
) -> NDArray[np.float32]:
    """Part of a drawing, recoloured and enlarged over a gradient, so that large shapes and lines pass by."""
    backdrop = paint_gradient(full, rng)
    scale = rng.uniform(*ENLARGED) * min(full) / min(drawing.shape[:2])
    height, width = drawing.shape[:2]
    centre_x = rng.uniform(0.3, 0.7) * (width - 1)
    centre_y = rng.uniform(0.3, 0.7) * (height - 1)
    side = -1.0 if rng.random() < 0.5 else 1.0
    matrix = np.array(
        [
            [side * scale, 0, full[1] / 2 - side * scale * centre_x],
            [0, scale, full[0] / 2 - scale * centre_y],
        ]
    )
    coloured = recolour(drawing.astype(np.float32), recolour_matrix(rng))
    if scale < 1:  # the warp below looks at four pixels only
        coloured = cv2.GaussianBlur(coloured, (0, 0), 0.4 / scale)
    laid = cv2.warpAffine(coloured, matrix, full[::-1], flags=cv2.INTER_LINEAR)
    return np.asarray(laid[..., :3] + backdrop * (1 - laid[..., 3:] / 255), np.float32)
