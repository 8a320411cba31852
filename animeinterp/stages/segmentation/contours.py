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

from animeinterp.configs.sections import ContourPreset
from animeinterp.models.compiled import compiled

SECOND_DERIVATIVE = (1.0, 0.0, -2.0, 0.0, 1.0)
ACROSS = (1.0, 4.0, 6.0, 4.0, 1.0)
LAPLACIAN = np.outer(SECOND_DERIVATIVE, ACROSS) + np.outer(ACROSS, SECOND_DERIVATIVE)
"""OpenCV's Laplacian of ksize 5 as one filter, which takes half as long. Its answers to uint8 are whole
numbers within -16,320 and 16,320."""
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
    the same thresholds. A frame without positive response (one colour, one pixel) has no contours: all 255.
    Both thresholds are exclusive.

    Unscaled responses are whole numbers, so scaling, thresholds and darkness are worked out once for each
    number and not for each pixel. The arithmetic is float32, as in the released program.
    """
    check_frame(frame)
    smooth = cv2.bilateralFilter(
        np.ascontiguousarray(frame), preset.diameter, preset.sigma_color, preset.sigma_space
    )
    response = np.asarray(cv2.filter2D(smooth, cv2.CV_16S, LAPLACIAN), dtype=np.int16)
    strongest = response.max()
    if strongest <= 0:
        return np.full(frame.shape[:2], WHITE, np.uint8)
    scaled = np.arange(strongest + 1, dtype=np.float32) * (np.float32(255) / np.float32(strongest))
    low, high = (
        int(np.searchsorted(scaled, np.float32(threshold), side="right"))
        for threshold in (preset.low, preset.high)
    )
    darkness: NDArray[np.uint8] = np.clip(WHITE - EDGE_GAIN * scaled, 0, WHITE).astype(np.uint8)
    return darkness.take(find_edges(response, low, high))


def find_inside(contour: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Split a contour picture into the inside of pieces (255) and lines (0).

    Parameters
    ----------
    contour : (H, W) uint8

    Returns
    -------
    (H, W) uint8
    """
    return np.asarray(cv2.threshold(contour, INSIDE_ABOVE, WHITE, cv2.THRESH_BINARY)[1], dtype=np.uint8)


def find_edges(response: NDArray[np.int16], low: int, high: int) -> NDArray[np.int16]:
    """Keep the values from `low` on that connect to one from `high` on; take each pixel's strongest.

    Parameters
    ----------
    response : (H, W, C) int16
    low, high : int
        Least values that can be kept, and that are kept in any case; 1 <= low <= high.

    Returns
    -------
    (H, W) int16
        The greatest value kept in any channel; 0 where none is.

    Raises
    ------
    ValueError
        If `low` is below 1 or above `high`.

    Notes
    -----
    The channels are the third axis of one volume, connected through its six faces: an edge that is strong
    in one channel holds on to a weak one at the same pixel in the neighbouring channel.

    References
    ----------
    Canny, "A Computational Approach to Edge Detection", IEEE TPAMI 1986 (doi:10.1109/TPAMI.1986.4767851),
    for the threshold with hysteresis.
    """
    if not 1 <= low <= high:
        raise ValueError(f"low is {low} and high {high}; expected 1 <= low <= high")
    height, width, channels = response.shape
    edges = np.zeros((height, width), np.int16)
    _spread(response.flatten(), low, high, width, channels, edges.ravel())
    return edges


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
def _spread(
    rest: NDArray[np.int16], low: int, high: int, width: int, channels: int, edges: NDArray[np.int16]
) -> None:
    # A voxel that is kept goes on the stack, its value to `edges`, and leaves `rest`: each is met once.
    row = width * channels
    stack = np.empty(rest.size, np.int32)
    for start in range(rest.size):
        if rest[start] < high:
            continue
        edges[start // channels] = max(edges[start // channels], rest[start])
        rest[start] = 0
        stack[0] = start
        top = 1
        while top > 0:
            top -= 1
            voxel = stack[top]
            along, channel = voxel % row, voxel % channels
            for side in range(6):
                if side == 0:
                    near, exists = voxel - row, voxel >= row
                elif side == 1:
                    near, exists = voxel - channels, along >= channels
                elif side == 2:
                    near, exists = voxel - 1, channel > 0
                elif side == 3:
                    near, exists = voxel + 1, channel < channels - 1
                elif side == 4:
                    near, exists = voxel + channels, along < row - channels
                else:
                    near, exists = voxel + row, voxel + row < rest.size
                if exists and rest[near] >= low:
                    edges[near // channels] = max(edges[near // channels], rest[near])
                    rest[near] = 0
                    stack[top] = near
                    top += 1
