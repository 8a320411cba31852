"""Initial flows of the refinement in training: zero, or OpenCV's DIS with added errors."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from animeinterp.configs.sections import TrainingSection

NOISE_CELL = 32
"""Pixels between the random vectors that are interpolated to smooth noise."""
LEAST_SIDE = 16
"""DIS takes no smaller frames; they start from zero."""
LOST = 0.3
"""Share of noisy starts in which a part has no motion, like a piece without a match."""

Frame = NDArray[np.uint8]
Flow = NDArray[np.float32]


def dis_flow(frame0: Frame, frame1: Frame) -> Flow:
    """Dense inverse search between two frames, by OpenCV's preset `medium`.

    Parameters
    ----------
    frame0, frame1
        RGB, uint8, `(H, W, 3)`.

    Returns
    -------
    ndarray
        float32, `(2, H, W)`, pixels, x before y; zero for frames with a side below 16.

    References
    ----------
    .. [1] T. Kroeger et al., "Fast Optical Flow using Dense Inverse Search", ECCV 2016. arXiv:1603.03590
    """
    if min(frame0.shape[:2]) < LEAST_SIDE:
        return np.zeros((2, *frame0.shape[:2]), np.float32)
    grey0, grey1 = (
        cv2.cvtColor(np.ascontiguousarray(frame), cv2.COLOR_RGB2GRAY) for frame in (frame0, frame1)
    )
    search = cv2.DISOpticalFlow.create(cv2.DISOPTICAL_FLOW_PRESET_MEDIUM)
    found: Flow = np.ascontiguousarray(search.calc(grey0, grey1, None).transpose(2, 0, 1), np.float32)
    # No motion is longer than the frame, but DIS occasionally is in flat areas.
    return np.clip(found, -max(found.shape[1:]), max(found.shape[1:]))


def starting_flows(
    frame0: Frame, frame1: Frame, section: TrainingSection, rng: np.random.Generator
) -> NDArray[np.float32]:
    """Initial flows in both directions.

    Parameters
    ----------
    frame0, frame1
        RGB, uint8, `(H, W, 3)`.
    section
        Uses its `zero_starts` and `start_noise`.
    rng
        Source of randomness.

    Returns
    -------
    ndarray
        float32, `(2, 2, H, W)`, pixels: from frame 0 to frame 1, and back.
    """
    size = frame0.shape[0], frame0.shape[1]
    if rng.random() < section.zero_starts:
        return np.zeros((2, 2, *size), np.float32)
    flows = np.stack([dis_flow(frame0, frame1), dis_flow(frame1, frame0)])
    if not section.start_noise:
        return flows
    strength = section.start_noise * rng.random()
    for flow in flows:
        if rng.random() < LOST:
            _lose_part(flow, rng)
        flow += strength * smooth_noise(size, rng)
    return flows


def smooth_noise(size: tuple[int, int], rng: np.random.Generator) -> Flow:
    """Random vectors that change gradually, `(2, H, W)`, of standard deviation 1 where they were drawn."""
    grid = rng.standard_normal((*(side // NOISE_CELL + 2 for side in size), 2)).astype(np.float32)
    enlarged = cv2.resize(grid, (size[1], size[0]), interpolation=cv2.INTER_CUBIC)
    return np.ascontiguousarray(enlarged.transpose(2, 0, 1))


def _lose_part(flow: Flow, rng: np.random.Generator) -> None:
    """Set an ellipse to no motion, in place."""
    height, width = flow.shape[1:]
    y, x = np.ogrid[:height, :width]
    middle_y, middle_x = rng.random() * height, rng.random() * width
    radius_y, radius_x = rng.uniform(0.05, 0.25, 2) * (height, width)
    flow[:, ((y - middle_y) / radius_y) ** 2 + ((x - middle_x) / radius_x) ** 2 < 1] = 0
