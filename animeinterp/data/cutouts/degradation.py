"""Degradations of recorded frames: blur, grain, coarse colour and JPEG blocks."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

BLUR = (0.3, 0.9)
"""Range of the blur's standard deviation in pixels."""
GRAIN = (0.8, 4.0)
"""Range of the grain's standard deviation in levels of 255."""
QUALITY = (45, 93)
"""Range of JPEG's quality."""
BLURRED, GRAINED, COARSE, PACKED = 0.4, 0.4, 0.5, 0.7
"""Share of degraded scenes that get each kind."""


@dataclass(frozen=True, slots=True)
class Degradation:
    """The degradation of all frames of a scene; 0 or None for those not applied."""

    blur: float = 0.0
    """Standard deviation in pixels."""
    grain: float = 0.0
    """Standard deviation in levels of 255; the grain itself differs from frame to frame."""
    coarse_colour: bool = False
    """Whether colour has half the resolution of brightness."""
    quality: int | None = None
    """Of JPEG, 1..100."""


def choose_degradation(rng: np.random.Generator) -> Degradation:
    """A random degradation, of at least one kind."""
    blurred, grained, coarse, packed = rng.random(4) < (BLURRED, GRAINED, COARSE, PACKED)
    if not (blurred or grained or coarse):
        packed = True
    blur, grain, quality = rng.uniform(*BLUR), rng.uniform(*GRAIN), int(rng.integers(*QUALITY))
    return Degradation(
        blur if blurred else 0.0, grain if grained else 0.0, bool(coarse), quality if packed else None
    )


def degrade(frame: NDArray[np.uint8], how: Degradation, rng: np.random.Generator) -> NDArray[np.uint8]:
    """Degrade a frame.

    Parameters
    ----------
    frame
        RGB uint8 (H, W, 3).
    how
        The scene's degradation.
    rng
        Source of the grain.

    Returns
    -------
    numpy.ndarray
        RGB uint8 (H, W, 3).
    """
    if how.blur:
        frame = np.asarray(cv2.GaussianBlur(frame, (0, 0), how.blur), np.uint8)
    if how.grain:
        # Film grain is mostly brightness, and as fine as the pixels.
        grain = rng.normal(0, how.grain, frame.shape[:2])[..., None] + rng.normal(
            0, how.grain / 4, frame.shape
        )
        frame = np.clip(np.rint(frame + grain), 0, 255).astype(np.uint8)
    if how.coarse_colour:
        frame = _coarse_colour(frame)
    if how.quality is not None:
        frame = _through_jpeg(frame, how.quality, how.coarse_colour)
    return frame


def _coarse_colour(frame: NDArray[np.uint8]) -> NDArray[np.uint8]:
    height, width = frame.shape[:2]
    parts = cv2.cvtColor(frame, cv2.COLOR_RGB2YCrCb)
    half = cv2.resize(parts[..., 1:], ((width + 1) // 2, (height + 1) // 2), interpolation=cv2.INTER_AREA)
    parts[..., 1:] = cv2.resize(half, (width, height), interpolation=cv2.INTER_LINEAR)
    return np.asarray(cv2.cvtColor(parts, cv2.COLOR_YCrCb2RGB), np.uint8)


def _through_jpeg(frame: NDArray[np.uint8], quality: int, coarse: bool) -> NDArray[np.uint8]:
    sampling = cv2.IMWRITE_JPEG_SAMPLING_FACTOR_420 if coarse else cv2.IMWRITE_JPEG_SAMPLING_FACTOR_444
    options = [cv2.IMWRITE_JPEG_QUALITY, quality, cv2.IMWRITE_JPEG_SAMPLING_FACTOR, sampling]
    encoded = cv2.imencode(".jpg", cv2.cvtColor(frame, cv2.COLOR_RGB2BGR), options)[1]
    decoded = cv2.imdecode(encoded, cv2.IMREAD_COLOR)
    return np.asarray(cv2.cvtColor(decoded, cv2.COLOR_BGR2RGB), np.uint8)
