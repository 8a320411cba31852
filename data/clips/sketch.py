"""Small pictures of frames, and how far two of them differ where they differ most."""

from __future__ import annotations

import cv2
import numpy as np
import numpy.typing as npt

from data.clips.clip import Alpha
from data.images import Frame

Sketch = npt.NDArray[np.float32]
"""(h, w, 3 or 4): luma, both chromas and transparency, in grey levels."""

SKETCH_SIDE = 135
"""Cells along the shorter side: 4 x 4 pixels of a 540p frame each. Noise of compression, of both signs within
a few pixels, mostly cancels in a cell's mean; a blink or a mouth of 10 x 6 pixels fills several cells."""
PATCH = 2
"""Cells along a patch's side."""
MOST_FLICKER = 2.0
"""Grey levels by which a codec may make a whole frame lighter or darker from one to the next."""


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
    return float(cv2.blur(np.abs(change), (PATCH, PATCH), borderType=cv2.BORDER_REPLICATE).max())


def patch_difference(first: Sketch, second: Sketch) -> float:
    """How far two sketches differ over their most different patch, in grey levels; flicker is left out."""
    change = second - first
    # Every fourth cell will do for the median, and a median near 0 is no flicker but the codec's rounding.
    flicker = np.median(change[::2, ::2].reshape(-1, change.shape[2]), axis=0)
    change -= np.clip(flicker, -MOST_FLICKER, MOST_FLICKER).astype(np.float32)
    return worst_patch(change)
