"""Agreement of a flow with its two frames, and with the flow back.

Where a flow is right and nothing covers the pixel, the other frame looks the same at its end, and the flow
back leads home. Both are measured for every pixel; the callers decide what follows.

References
----------
N. Sundaram, T. Brox, K. Keutzer, "Dense Point Trajectories by GPU-Accelerated Large Displacement Optical
Flow", ECCV 2010, section 3 (doi:10.1007/978-3-642-15549-9_32), for the check forward and backward.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from animeinterp.models.compiled import compiled

FloatMap = NDArray[np.float32]


class Agreement(NamedTuple):
    """Of every pixel of a frame, `(H, W)` each."""

    difference: FloatMap
    """Mean absolute colour difference to where the flow ends, 0..1; 0 where that is outside."""
    inconsistency: FloatMap
    """Length of the flow plus the flow back from its end, px: 0 when it leads home; 0 where its end is
    outside."""
    outside: NDArray[np.bool_]
    """Whether the flow ends outside the other frame."""


def agreement(
    frame0: NDArray[np.uint8], frame1: NDArray[np.uint8], flow01: FloatMap, flow10: FloatMap | None
) -> Agreement:
    """Compare a frame with the other where a flow ends, and the flow with the one back.

    Parameters
    ----------
    frame0, frame1 : (H, W, 3) uint8
        RGB, of one size.
    flow01 : (2, H, W) float32
        From frame 0 to frame 1, px.
    flow10 : (2, H, W) float32 or None
        From frame 1 to frame 0, px; without it nothing is inconsistent.

    Returns
    -------
    Agreement
        On the grid of frame 0. Frame 1 and the flow back are interpolated bilinearly.
    """
    size = frame0.shape[:2]
    found = Agreement(np.zeros(size, np.float32), np.zeros(size, np.float32), np.zeros(size, np.bool_))
    back = np.zeros((2, 0, 0), np.float32) if flow10 is None else flow10
    _compare(frame0, frame1, flow01, back, *found)
    return found


@compiled
def _compare(
    frame0: NDArray[np.uint8],
    frame1: NDArray[np.uint8],
    flow01: FloatMap,
    flow10: FloatMap,  # (2, 0, 0) where there is none
    difference: FloatMap,
    inconsistency: FloatMap,
    outside: NDArray[np.bool_],
) -> None:
    height, width = difference.shape
    one, scale = np.float32(1), np.float32(1 / 765)
    right_most, lowest = np.float32(width - 1), np.float32(height - 1)
    with_back = flow10.size > 0
    for y in range(height):
        for x in range(width):
            dx, dy = flow01[0, y, x], flow01[1, y, x]
            u, v = np.float32(x) + dx, np.float32(y) + dy
            if not (u >= 0 and v >= 0 and u <= right_most and v <= lowest):
                outside[y, x] = True
                continue
            left, top = int(u), int(v)
            right, below = min(left + 1, width - 1), min(top + 1, height - 1)
            fx, fy = u - np.float32(left), v - np.float32(top)
            w00, w01 = (one - fx) * (one - fy), fx * (one - fy)
            w10, w11 = (one - fx) * fy, fx * fy
            total = np.float32(0)
            for c in range(3):
                there = (
                    w00 * np.float32(frame1[top, left, c])
                    + w01 * np.float32(frame1[top, right, c])
                    + w10 * np.float32(frame1[below, left, c])
                    + w11 * np.float32(frame1[below, right, c])
                )
                total += abs(np.float32(frame0[y, x, c]) - there)
            difference[y, x] = total * scale
            if with_back:
                dx += w00 * flow10[0, top, left] + w01 * flow10[0, top, right]
                dx += w10 * flow10[0, below, left] + w11 * flow10[0, below, right]
                dy += w00 * flow10[1, top, left] + w01 * flow10[1, top, right]
                dy += w10 * flow10[1, below, left] + w11 * flow10[1, below, right]
                inconsistency[y, x] = np.sqrt(dx * dx + dy * dy)
