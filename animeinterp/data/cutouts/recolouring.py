"""Other colours for a drawing, as one linear map, so that premultiplied colours need not be divided."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

LUMA = np.array([0.299, 0.587, 0.114])
"""Weights of red, green and blue in brightness (ITU-R BT.601)."""
UNCHANGED = 0.3
"""Share of the drawings that keep their colours."""
ANY_HUE = 0.5
"""Share of the others that turn to any hue; the rest turns by 20 degrees or so."""
SMALL_TURN = np.deg2rad(20)
SATURATION, CONTRAST, LIGHT = (0.4, 1.4), (0.75, 1.15), (-35.0, 35.0)
"""Ranges: factors, and levels of 255 added."""


def recolour_matrix(rng: np.random.Generator) -> NDArray[np.float32]:
    """A random map (4, 4) of premultiplied RGBA: hue, saturation, contrast and brightness; alpha is kept."""
    matrix = np.eye(4)
    if rng.random() < UNCHANGED:
        return matrix.astype(np.float32)
    any_hue, wide, narrow = rng.random() < ANY_HUE, rng.uniform(-np.pi, np.pi), rng.normal(0, SMALL_TURN)
    turn = _hue_turn(wide if any_hue else narrow)
    grey = np.tile(LUMA, (3, 1))
    saturation = rng.uniform(*SATURATION)
    matrix[:3, :3] = rng.uniform(*CONTRAST) * (saturation * np.eye(3) + (1 - saturation) * grey) @ turn
    # What is added to a colour grows with its alpha, as the colour itself does.
    matrix[:3, 3] = rng.uniform(*LIGHT) / 255
    return matrix.astype(np.float32)


def recolour(picture: NDArray[np.float32], matrix: NDArray[np.float32]) -> NDArray[np.float32]:
    """Recolour premultiplied RGBA `(h, w, 4)` of 0..255; colours stay between 0 and their alpha."""
    changed = np.asarray(cv2.transform(picture, matrix), np.float32)
    np.clip(changed[..., :3], 0, changed[..., 3:], out=changed[..., :3])
    return changed


def _hue_turn(angle: float) -> NDArray[np.float64]:
    """Rotation (3, 3) of RGB about the axis of greys."""
    c, s = np.cos(angle), np.sin(angle) / np.sqrt(3)
    third = (1 - c) / 3
    return np.array(
        [
            [c + third, third - s, third + s],
            [third + s, c + third, third - s],
            [third - s, third + s, c + third],
        ]
    )
