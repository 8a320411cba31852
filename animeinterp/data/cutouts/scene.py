"""Cut-out scenes: drawings that move over a backdrop, with exact truth, for training.

Conventions are those of `data.cartoon`: frames are uint8 RGB (H, W, 3); an integer coordinate is the centre
of a pixel, x to the right, y down; a flow is float32 (2, H, W), x then y in pixels, on the grid of its own
source frame. All motion goes at an even pace from time 0 to time 1.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from animeinterp.configs.errors import DataError
from animeinterp.data.cutouts.book import Book, Split
from animeinterp.data.cutouts.degradation import Degradation, choose_degradation, degrade
from animeinterp.data.cutouts.layers import Layer, draw_layers, layer_flow
from animeinterp.data.cutouts.staging import FEWEST, MOST, stage_scene

SCENE_VERSION = 1
"""Increased whenever the same seed gives other pixels or another truth."""
SMALLEST = 16
"""Least height and width of a frame."""
DEGRADED = 0.5
"""Default share of scenes that are degraded."""
TIME_STEP = 1e-9
"""Times that are closer to each other get the same grain."""


@dataclass(frozen=True)
class CutoutScene:
    """Frames of a scene and their truth."""

    frame0: NDArray[np.uint8]
    """(H, W, 3) RGB."""
    middle: tuple[NDArray[np.uint8], ...]
    """(H, W, 3) RGB each, at `times`."""
    frame1: NDArray[np.uint8]
    """(H, W, 3) RGB."""
    times: tuple[float, ...]
    """In (0, 1), as asked for."""
    flow01: NDArray[np.float32]
    """(2, H, W): where the pixels of frame 0 go in frame 1."""
    flow10: NDArray[np.float32]
    """(2, H, W): where the pixels of frame 1 were in frame 0."""
    occluded01: NDArray[np.bool_]
    """(H, W): pixels of frame 0 that are covered in frame 1 or have left it."""
    occluded10: NDArray[np.bool_]
    """(H, W): pixels of frame 1 that are covered in frame 0 or not yet in it."""
    owners0: NDArray[np.uint8]
    """(H, W): number of the layer that owns each pixel of frame 0; 0 is the backdrop, the highest on top."""
    owners1: NDArray[np.uint8]
    """(H, W): the same numbers in frame 1."""
    drawings: tuple[str, ...] = ()
    """Names of the pictures, those of layer 1, 2 and so on."""
    degradation: Degradation | None = None
    """Degradation of all frames; None for a clean scene. The truth is that of the clean frames."""


def draw_scene(
    book: Book,
    seed: int,
    size: tuple[int, int] = (256, 256),
    times: Sequence[float] = (0.5,),
    *,
    split: Split = "training",
    degraded: bool | None = None,
) -> CutoutScene:
    """Draw a scene; the same arguments and the same book give the same pixels.

    Parameters
    ----------
    book
        Drawings.
    seed
        From 0.
    size
        (height, width) in pixels, each at least 16.
    times
        Of the frames in between, each in (0, 1), in any order. They change nothing else of the scene.
    split
        Which of the book's drawings are used.
    degraded
        Whether frames are degraded; half of the seeds when absent.

    Raises
    ------
    configs.errors.DataError
        An argument is out of range, or the book has no drawing of the split.
    """
    check_scene(seed, size, times)
    rng = np.random.default_rng([seed, 0])
    candidates = book.of(split)
    chosen = [candidates[i] for i in rng.integers(len(candidates), size=int(rng.integers(FEWEST, MOST + 1)))]
    layers = stage_scene([book.picture(drawing) for drawing in chosen], size, rng)
    suffers = rng.random() < DEGRADED if degraded is None else degraded
    how = choose_degradation(rng) if suffers else None
    names = tuple(drawing.name for drawing in chosen)
    return scene_of(layers, size, times, seed=seed, degradation=how, drawings=names)


def scene_of(
    layers: Sequence[Layer],
    size: tuple[int, int],
    times: Sequence[float] = (0.5,),
    *,
    seed: int = 0,
    degradation: Degradation | None = None,
    drawings: tuple[str, ...] = (),
) -> CutoutScene:
    """Draw a scene of given layers.

    Parameters
    ----------
    layers
        From the backdrop to the top-most, at most 256.
    size
        (height, width) in pixels.
    times
        Of the frames in between, each in (0, 1).
    seed
        Of the grain.
    degradation
        What all frames suffer.
    drawings
        Names, for the record.

    Raises
    ------
    configs.errors.DataError
        An argument is out of range.
    """
    check_scene(seed, size, times)
    if not 0 < len(layers) <= 256:
        raise DataError(f"layers: found {len(layers)}, expected 1 to 256; leave some out")
    frame0, owners0 = draw_layers(layers, size, 0.0)
    frame1, owners1 = draw_layers(layers, size, 1.0)
    middle = [draw_layers(layers, size, t)[0] for t in times]
    if degradation is not None:
        frame0, frame1, *middle = (
            degrade(frame, degradation, np.random.default_rng([seed, 1, round(t / TIME_STEP)]))
            for frame, t in zip((frame0, frame1, *middle), (0.0, 1.0, *times), strict=True)
        )
    flow01, occluded01 = layer_flow(layers, owners0, 0.0, 1.0)
    flow10, occluded10 = layer_flow(layers, owners1, 1.0, 0.0)
    return CutoutScene(
        frame0=frame0,
        middle=tuple(middle),
        frame1=frame1,
        times=tuple(times),
        flow01=flow01,
        flow10=flow10,
        occluded01=occluded01,
        occluded10=occluded10,
        owners0=owners0,
        owners1=owners1,
        drawings=drawings,
        degradation=degradation,
    )


def check_scene(seed: int, size: tuple[int, int], times: Sequence[float] = ()) -> None:
    """Check the arguments.

    Raises
    ------
    configs.errors.DataError
        An argument is out of range.
    """
    if seed < 0:
        raise DataError(f"seed: found {seed}, expected 0 or more; choose a seed from 0")
    if len(size) != 2 or min(size) < SMALLEST:
        found = "x".join(map(str, size))
        raise DataError(
            f"size: found {found} (height x width), expected at least {SMALLEST} each; draw larger frames"
        )
    for t in times:
        if not 0 < t < 1:
            raise DataError(f"times: found {t}, expected times above 0 and below 1; leave out the others")
