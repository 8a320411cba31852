"""Windows into drawn cartoons, as scenes for training: outlined figures over painted backgrounds.

Cut-outs teach motion of any kind; these look like film. Their frame in between is at 0.5.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from animeinterp.data.cartoon.triplet import MOVES_FROM, CartoonTriplet, draw_triplet
from animeinterp.data.cutouts.degradation import choose_degradation, degrade
from animeinterp.data.cutouts.layers import leaves_frame

WIDTH_TO_HEIGHT = 16 / 9
"""Of the drawn frames, unless the scene is wider."""
LARGEST = 2.2
"""A drawn frame is 1 to this many times as high as the window."""
MOVING = 0.8
"""Share of windows that are put around a pixel that moves, where there is one; the others lie anywhere."""


class CartoonScene(NamedTuple):
    """A window into a drawn triplet, and its truth."""

    frames: NDArray[np.uint8]
    """(3, H, W, 3) RGB, at 0, 0.5 and 1."""
    flows: NDArray[np.float32]
    """(2, 2, H, W): from frame 0 to 1 and from 1 to 0, x then y in pixels."""
    occluded: NDArray[np.bool_]
    """(2, H, W): pixels of frame 0 that are covered in frame 1 or have left the window, and the reverse."""


def draw_cartoon_scene(seed: int, size: tuple[int, int], *, degraded: bool) -> CartoonScene:
    """Draw a triplet of `data.cartoon` in any size and cut a window out; the same for the same arguments.

    Parameters
    ----------
    seed
        From 0.
    size
        Height and width of the window, px, each at least 16.
    degraded
        Whether frames are degraded, as cut-out scenes are.
    """
    rng = np.random.default_rng([seed, 0])
    height, width = size
    drawn_height = round(height * rng.uniform(1.0, LARGEST))
    drawn_width = max(width, round(drawn_height * WIDTH_TO_HEIGHT))
    triplet = draw_triplet(seed, (drawn_height, drawn_width), even_timing=True)
    top, left = _corner(triplet, size, rng)
    rows, columns = slice(top, top + height), slice(left, left + width)
    frames = [frame[rows, columns] for frame in (triplet.frame0, triplet.middle, triplet.frame1)]
    if degraded:
        how = choose_degradation(rng)
        frames = [degrade(np.ascontiguousarray(frame), how, rng) for frame in frames]
    flows = np.stack([triplet.flow01, triplet.flow10])[..., rows, columns]
    covered = np.stack([triplet.occluded01, triplet.occluded10])[..., rows, columns]
    return CartoonScene(np.stack(frames), flows, covered | leaves_frame(flows))


def _corner(triplet: CartoonTriplet, size: tuple[int, int], rng: np.random.Generator) -> tuple[int, int]:
    """First row and column of the window."""
    shape = triplet.flow01.shape[1:]
    moving = np.flatnonzero(np.hypot(*triplet.flow01) >= MOVES_FROM)
    if len(moving) and rng.random() < MOVING:
        centre = np.unravel_index(moving[rng.integers(len(moving))], shape)
        wanted = [int(at) - side // 2 for at, side in zip(centre, size, strict=True)]
    else:
        wanted = [int(rng.integers(whole)) for whole in shape]
    top, left = (
        int(np.clip(at, 0, whole - side)) for at, whole, side in zip(wanted, shape, size, strict=True)
    )
    return top, left
