"""Augmentation: crops of scenes with their flows, mirrored, rotated, reversed in time and recoloured."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from animeinterp.configs.sections import TrainingSection

STRETCH = 0.25
"""A recoloured channel's contrast changes by at most this share."""
SHIFT = 0.15
"""And its brightness by at most this, of 1."""


class Example(NamedTuple):
    """A scene, or a part of one."""

    frames: NDArray[np.uint8]
    """`(3, H, W, 3)`, RGB: frame 0, the one at `t`, frame 1."""
    flows: NDArray[np.float32]
    """`(2, 2, H, W)`, pixels, x before y: from frame 0 to frame 1, and back."""
    occluded: NDArray[np.bool_]
    """`(2, H, W)`: pixels of frame 0 hidden in frame 1, and vice versa."""
    t: float
    """Time of the middle frame, in (0, 1)."""
    start: NDArray[np.float32]
    """`(2, 2, H, W)`, pixels, as `flows`: those of inverse search."""


def augment(example: Example, section: TrainingSection, rng: np.random.Generator) -> Example:
    """A random crop with augmentations that keep its flows exact.

    Parameters
    ----------
    example
        Both sides at least `section.crop`.
    section
        Which augmentations are applied, and how often.
    rng
        Source of randomness; the number of draws is always the same.

    Returns
    -------
    Example
        Of `section.crop` by `section.crop` pixels.
    """
    height, width = example.frames.shape[1:3]
    top = int(rng.integers(height - section.crop + 1))
    left = int(rng.integers(width - section.crop + 1))
    mirrored, swapped, recoloured = rng.random(3)
    quarters = int(rng.integers(4))
    order, stretch, shift = rng.permutation(3), rng.uniform(-1, 1, 3), rng.uniform(-1, 1, 3)
    result = crop(example, top, left, section.crop)
    if section.mirror and mirrored < 0.5:
        result = mirror(result)
    if section.rotate:
        for _ in range(quarters):
            result = turn(result)
    if section.swap and swapped < 0.5:
        result = swap(result)
    if recoloured < section.recolour:
        coloured = result.frames[..., order] * (1 + STRETCH * stretch) + 255 * SHIFT * shift
        result = result._replace(frames=np.clip(np.rint(coloured), 0, 255).astype(np.uint8))
    return result


def crop(example: Example, top: int, left: int, side: int) -> Example:
    """A square part; pixels that leave it count as occluded."""
    rows, columns = slice(top, top + side), slice(left, left + side)
    flows = example.flows[..., rows, columns]
    y, x = np.mgrid[:side, :side]
    end_x, end_y = x + flows[:, 0], y + flows[:, 1]
    outside = (end_x < 0) | (end_x > side - 1) | (end_y < 0) | (end_y > side - 1)
    return Example(
        example.frames[:, rows, columns],
        flows,
        example.occluded[:, rows, columns] | outside,
        example.t,
        example.start[..., rows, columns],
    )


def mirror(example: Example) -> Example:
    """Mirror horizontally."""
    flows, start = (
        each[..., ::-1] * np.array([-1, 1], np.float32)[:, None, None]
        for each in (example.flows, example.start)
    )
    return Example(example.frames[:, :, ::-1], flows, example.occluded[..., ::-1], example.t, start)


def turn(example: Example) -> Example:
    """Rotate by 90 degrees counter-clockwise."""
    flows, start = (
        np.stack([turned[:, 1], -turned[:, 0]], axis=1)
        for turned in (np.rot90(each, axes=(2, 3)) for each in (example.flows, example.start))
    )
    occluded = np.rot90(example.occluded, axes=(1, 2))
    return Example(np.rot90(example.frames, axes=(1, 2)), flows, occluded, example.t, start)


def swap(example: Example) -> Example:
    """Reverse time."""
    return Example(
        example.frames[::-1],
        example.flows[::-1],
        example.occluded[::-1],
        1 - example.t,
        example.start[::-1],
    )
