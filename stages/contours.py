"""Contours of a cartoon frame: smooth the colours, take the Laplacian, keep the edges by hysteresis.

The result is a grey picture, white inside colour pieces and dark on the lines between them. Frames are
RGB, but nothing here depends on the order of the channels: the bilateral filter weighs by the sum of the
channel differences, the scaling and the last maximum run over all channels, and the hysteresis volume
connects neighbouring channels, red with green and green with blue, which reversing the order (OpenCV's
BGR) leaves as it is.
"""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from configs.sections import ContourPreset
from stages.compiled import compiled

LAPLACIAN_SIZE = 5
EDGE_GAIN = 20.0  # how dark an edge of the scaled Laplacian is drawn; released program
WHITE = 255
INSIDE_ABOVE = 220  # contour values above this lie inside a piece; released program


def draw_contours(frame: NDArray[np.uint8], preset: ContourPreset) -> NDArray[np.uint8]:
    """Draw the contours of a frame, dark on white.

    Parameters
    ----------
    frame : (H, W, 3) uint8
        RGB, though the order of the channels has no influence.
    preset : ContourPreset
        Filter and thresholds.

    Returns
    -------
    (H, W) uint8
        255 away from edges; the stronger the edge, the darker.

    Raises
    ------
    ValueError
        If the frame is not uint8 of shape (H, W, 3) with at least one pixel.

    Notes
    -----
    Edges are scaled by the strongest positive response in the frame, so a faint frame and a vivid one get
    the same thresholds. A frame without positive response (one colour) has no contours: all 255.

    References
    ----------
    Li et al., "Deep Animation Video Interpolation in the Wild", CVPR 2021, section 4.1 (arXiv 2104.02495).
    """
    check_frame(frame)
    smooth = cv2.bilateralFilter(
        np.ascontiguousarray(frame), preset.diameter, preset.sigma_color, preset.sigma_space
    )
    response = np.asarray(cv2.Laplacian(smooth, cv2.CV_32F, ksize=LAPLACIAN_SIZE), dtype=np.float32)
    strongest = response.max()
    if strongest <= 0:
        return np.full(frame.shape[:2], WHITE, np.uint8)
    response *= np.float32(255) / strongest
    kept = hysteresis_volume(response, preset.low, preset.high)
    edges = np.where(kept, response, np.float32(0)).max(axis=2)
    contour: NDArray[np.uint8] = np.clip(WHITE - EDGE_GAIN * edges, 0, WHITE).astype(np.uint8)
    return contour


def find_inside(contour: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Split a contour picture into the inside of pieces (255) and lines (0).

    Parameters
    ----------
    contour : (H, W) uint8

    Returns
    -------
    (H, W) uint8
    """
    return np.where(contour > INSIDE_ABOVE, np.uint8(WHITE), np.uint8(0))


def hysteresis_volume(response: NDArray[np.float32], low: float, high: float) -> NDArray[np.bool_]:
    """Keep the values above `low` that connect to one above `high`.

    Parameters
    ----------
    response : (H, W, C) float32
    low, high : float
        Thresholds, both exclusive.

    Returns
    -------
    (H, W, C) bool

    Notes
    -----
    The channels are the third axis of one volume, connected through its six faces: an edge that is strong
    in one channel holds on to a weak one at the same pixel in the neighbouring channel.

    References
    ----------
    Canny, "A Computational Approach to Edge Detection", IEEE TPAMI 1986 (doi:10.1109/TPAMI.1986.4767851),
    for the threshold with hysteresis.
    """
    weak = response > np.float32(low)
    kept = response > np.float32(high)
    _spread(weak, kept)
    return kept


def check_frame(frame: NDArray[np.uint8]) -> None:
    """Refuse anything but a colour frame at rest.

    Raises
    ------
    ValueError
        If the frame is not uint8 of shape (H, W, 3) with at least one pixel.
    """
    if frame.dtype != np.uint8 or frame.ndim != 3 or frame.shape[2] != 3 or frame.size == 0:
        raise ValueError(
            f"frame is {frame.dtype} of shape {frame.shape}; expected uint8 of shape (H, W, 3), not empty"
        )


@compiled
def _spread(weak: NDArray[np.bool_], kept: NDArray[np.bool_]) -> None:
    # Grows `kept` in place over the connected part of `weak`; each voxel enters the stack once.
    height, width, channels = kept.shape
    steps = ((-1, 0, 0), (1, 0, 0), (0, -1, 0), (0, 1, 0), (0, 0, -1), (0, 0, 1))
    stack = np.empty((kept.size, 3), np.int32)
    top = 0
    for y in range(height):
        for x in range(width):
            for c in range(channels):
                if kept[y, x, c]:
                    stack[top, 0], stack[top, 1], stack[top, 2] = y, x, c
                    top += 1
    while top > 0:
        top -= 1
        y, x, c = stack[top, 0], stack[top, 1], stack[top, 2]
        for dy, dx, dc in steps:
            v, u, d = y + dy, x + dx, c + dc
            if (
                0 <= v < height
                and 0 <= u < width
                and 0 <= d < channels
                and weak[v, u, d]
                and not kept[v, u, d]
            ):
                kept[v, u, d] = True
                stack[top, 0], stack[top, 1], stack[top, 2] = v, u, d
                top += 1
