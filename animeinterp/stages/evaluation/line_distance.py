"""The chamfer line distance of Chen & Zwicker 2022 (doi:10.1007/978-3-031-19790-1_17)."""

from __future__ import annotations

import math

import cv2
import numpy as np
from numpy.typing import NDArray

# Difference of Gaussians for the lines.
FINE_SIGMA, FINE_SIZE = 1.0, 9
COARSE_SIGMA, COARSE_SIZE = 1.6, 13
LINE_GAIN, LINE_OFFSET, LINE_LEVEL = 2.0, 0.01, 0.5


def chamfer_line_distance(predicted: NDArray[np.float32], wanted: NDArray[np.float32]) -> float:
    """Distance between the lines of two frames, as a share of the diagonal.

    Notes
    -----
    Half the sum of both directions: distance to the nearest line of the other frame at each line pixel,
    0 elsewhere, averaged over *all* pixels. Where a frame has no lines its distance is the diagonal.
    """
    lines0, lines1 = find_lines(predicted), find_lines(wanted)
    diagonal = math.hypot(*lines0.shape)
    there = np.mean(lines1 * _distance_to(lines0, diagonal))
    back = np.mean(lines0 * _distance_to(lines1, diagonal))
    return float((there + back) / 2 / diagonal)


def find_lines(frame: NDArray[np.float32]) -> NDArray[np.bool_]:
    """Dark lines of a frame (H, W, 3) in 0..1, by a difference of Gaussians on its grey values."""
    gray = cv2.cvtColor(np.ascontiguousarray(frame), cv2.COLOR_RGB2GRAY)
    fine, coarse = (
        cv2.GaussianBlur(gray, (size, size), sigma, borderType=cv2.BORDER_REPLICATE)
        for size, sigma in ((FINE_SIZE, FINE_SIGMA), (COARSE_SIZE, COARSE_SIGMA))
    )
    lines: NDArray[np.bool_] = LINE_LEVEL + LINE_GAIN * (coarse - fine) - LINE_OFFSET > LINE_LEVEL
    return lines


def _distance_to(lines: NDArray[np.bool_], diagonal: float) -> NDArray[np.float32]:
    """Euclidean distance of each pixel to the nearest line, px."""
    if not lines.any():
        return np.full(lines.shape, diagonal, np.float32)
    return np.asarray(
        cv2.distanceTransform((~lines).astype(np.uint8), cv2.DIST_L2, cv2.DIST_MASK_PRECISE), np.float32
    )
