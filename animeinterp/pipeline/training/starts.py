"""Initial flows of the refinement in training: zero, or those of inverse search with added errors."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from animeinterp.configs.sections import TrainingSection
from animeinterp.stages.composite import Composite
from animeinterp.stages.inverse_search import search_flows

NOISE_CELL = 32
"""Pixels between the random vectors that are interpolated to smooth noise."""
LOST = 0.3
"""Share of noisy starts in which a part has no motion, like a piece without a match."""

Frame = NDArray[np.uint8]
Flow = NDArray[np.float32]
Flows = NDArray[np.float32]


def searched_flows(frame0: Frame, frame1: Frame, coarse: NDArray[np.float32] | None = None) -> Flows:
    """Flows in both directions, by the default refinement, from coarse flows if there are any.

    Parameters
    ----------
    frame0, frame1
        RGB, uint8, `(H, W, 3)`.
    coarse
        float32, `(2, 2, H, W)`, pixels: from frame 0 to frame 1, and back.

    Returns
    -------
    ndarray
        As `coarse`.
    """
    if coarse is None:
        coarse = np.zeros((2, 2, *frame0.shape[:2]), np.float32)
    first, last = (np.ascontiguousarray(frame) for frame in (frame0, frame1))
    return np.stack(search_flows(first, last, *np.ascontiguousarray(coarse)))


def composite_of(frame0: Frame, frame1: Frame, flows: Flows, t: float) -> NDArray[np.float32]:
    """The frame at a time, as `stages.composite` makes it of flows: float32, `(H, W, 3)`, RGB, 0..1."""
    first, last = (np.ascontiguousarray(frame) for frame in (frame0, frame1))
    return Composite(first, last, *flows).frame(t)


def starting_flows(searched: Flows, section: TrainingSection, rng: np.random.Generator) -> Flows:
    """Initial flows in both directions: those searched, with errors, or zero.

    Parameters
    ----------
    searched
        float32, `(2, 2, H, W)`, pixels.
    section
        Uses its `zero_starts` and `start_noise`.
    rng
        Source of randomness.

    Returns
    -------
    ndarray
        As `searched`.
    """
    if rng.random() < section.zero_starts:
        return np.zeros_like(searched)
    if not section.start_noise:
        return searched
    flows = searched.copy()
    strength = section.start_noise * rng.random()
    for flow in flows:
        if rng.random() < LOST:
            _lose_part(flow, rng)
        flow += strength * smooth_noise(flow.shape[1:], rng)
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
