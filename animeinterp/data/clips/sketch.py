"""Small pictures of frames, and their difference in the most different patch."""

from __future__ import annotations

import cv2
import numpy as np
import numpy.typing as npt

from animeinterp.data.clips.clip import Alpha
from animeinterp.data.images import Frame

Sketch = npt.NDArray[np.float32]
"""(h, w, 3 or 4): luma, both chromas and transparency, in grey levels."""

SKETCH_SIDE = 135
"""Cells along the shorter side: 4 x 4 pixels of a 540p frame each. Noise of compression, of both signs within
a few pixels, mostly cancels in a cell's mean; a blink or a mouth of 10 x 6 pixels fills several cells."""
PATCH = 3
"""Cells along a patch's side."""
EDGE_NOISE = 0.1
"""Tolerated codec noise, as a share of the contrast around a cell: noise is strongest along outlines."""
REGION = 9
"""Cells along a region's side, over which noise and grain cancel."""
WHOLE_WEIGHT = 10.0
"""Weight of a change of the whole picture: a slow fade is weak everywhere, unlike noise."""
MOST = 255.0
MOST_FLICKER = 2.0
"""Tolerated flicker, in grey levels: a codec may make a whole frame lighter or darker."""


def draw_sketch(frame: Frame, alpha: Alpha | None = None) -> Sketch:
    """Shrink a frame, by the mean, until its shorter side has `SKETCH_SIDE` cells."""
    height, width = frame.shape[:2]
    cell = max(1.0, min(height, width) / SKETCH_SIDE)
    size = (max(1, round(width / cell)), max(1, round(height / cell)))
    small = cv2.cvtColor(cv2.resize(frame, size, interpolation=cv2.INTER_AREA), cv2.COLOR_RGB2YCrCb)
    if alpha is not None:
        small = np.dstack([small, cv2.resize(alpha, size, interpolation=cv2.INTER_AREA)])
    return np.asarray(small, np.float32)


def worst_patch(change: Sketch) -> float:
    """Largest mean of absolute values over a patch of any plane of a difference of sketches, grey levels."""
    return float(mean_around(np.abs(change), PATCH).max())


def whole_change(change: Sketch) -> float:
    """Mean large-scale change of the plane that changes most, grey levels."""
    return float(np.abs(mean_around(change, REGION)).mean(axis=(0, 1)).max())


def difference(first: Sketch, second: Sketch) -> float:
    """Difference of two sketches, in grey levels, as used by `clip.repeat_threshold`.

    The mean over the patch of any plane that differs most, beyond what a codec may do to outlines; or
    `WHOLE_WEIGHT` times the mean over the picture of what changes in the large, if that is more. A codec's
    flicker, the same all over, is left out. At most 255.
    """
    change = second - first
    flicker = np.median(change[::2, ::2].reshape(-1, change.shape[2]), axis=0)  # a quarter is enough for it
    change -= np.clip(flicker, -MOST_FLICKER, MOST_FLICKER).astype(np.float32)
    allowed = EDGE_NOISE * np.minimum(_contrast(first), _contrast(second))
    patch = worst_patch(np.maximum(np.abs(change) - allowed, 0))
    return min(max(patch, WHOLE_WEIGHT * whole_change(change)), MOST)


def mean_around(planes: Sketch, side: int) -> Sketch:
    """Mean of each plane over the square of cells around each cell."""
    mean = cv2.blur(planes, (side, side), borderType=cv2.BORDER_REPLICATE)
    return np.asarray(mean, np.float32).reshape(planes.shape)


def _contrast(sketch: Sketch) -> Sketch:
    """Difference of the lightest and darkest cell around each cell, itself included."""
    around = np.ones((3, 3), np.uint8)
    contrast = cv2.dilate(sketch, around) - cv2.erode(sketch, around)
    return np.asarray(contrast, np.float32).reshape(sketch.shape)
