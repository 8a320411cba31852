"""Drawn triplets with exact ground truth.

Conventions: frames are uint8 RGB (H, W, 3); an integer coordinate is the centre of a pixel, x to the
right, y down; a flow is float32 (2, H, W), dx then dy in pixels, on the grid of its source frame. The
flow of a pixel is that of the topmost moving part at its centre, outline included, computed from the
part's analytic map and its inverse. Outlines keep their width when a figure grows, as a pen's do: their
outer half pixel is the only place where a drawn edge does not follow the flow exactly.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, cast, get_args

import cv2
import numpy as np
from numpy.typing import NDArray

from animeinterp.configs.errors import DataError
from animeinterp.data.cartoon.backgrounds import paint_background
from animeinterp.data.cartoon.directing import MOTIONS, Motion
from animeinterp.data.cartoon.motion import Chain
from animeinterp.data.cartoon.palette import StyleName
from animeinterp.data.cartoon.raster import Raster, rasterise
from animeinterp.data.cartoon.staging import Scene, stage_scene

SMALLEST = 16
"""Least height and width: smaller frames hold no figure."""

EASY_BELOW, HARD_FROM = 25.0, 80.0
"""Bounds of the level in pixels of a 540p frame: largest displacement plus `OCCLUSION_WEIGHT` times the
occluded share. Chosen so that the three paces of the maker mostly fall in the three levels."""
OCCLUSION_WEIGHT = 200.0

HALF_WAY = 0.5

MOVES_FROM = 0.5
"""A part that moves less than this many pixels does not count to the region of motion."""


@dataclass(frozen=True)
class CartoonTriplet:
    """Three drawn frames and their truth."""

    id: str
    """As ATD-12K names its folders, starting with the style: `Japan_drawn_000012_s2`."""
    frame0: NDArray[np.uint8]
    """(H, W, 3) RGB."""
    middle: NDArray[np.uint8]
    """(H, W, 3) RGB; easing puts it before or after half of the way."""
    frame1: NDArray[np.uint8]
    """(H, W, 3) RGB."""
    flow01: NDArray[np.float32]
    """(2, H, W) from frame 0 to frame 1."""
    flow10: NDArray[np.float32]
    """(2, H, W) from frame 1 to frame 0."""
    occluded01: NDArray[np.bool_]
    """(H, W): pixels of frame 0 that are covered in frame 1 or have left it."""
    occluded10: NDArray[np.bool_]
    """(H, W): pixels of frame 1 that are covered in frame 0 or not yet in it."""
    pieces0: NDArray[np.int32]
    """(H, W): the colour piece at each pixel of frame 0, its outline included; 0 for the background."""
    pieces1: NDArray[np.int32]
    """(H, W): the same numbers in frame 1."""
    annotation: dict[str, Any]
    """`level`, `motion_RoI`, `general_motion_type`, `behavior` and `image_size`, as in ATD-12K."""


def draw_triplet(
    seed: int,
    size: tuple[int, int] = (540, 960),
    *,
    style: StyleName | None = None,
    motion: Motion | None = None,
    max_shift: float | None = None,
    even_timing: bool = False,
) -> CartoonTriplet:
    """Draw a triplet; the same arguments give the same pixels.

    Parameters
    ----------
    seed
        From 0. Consecutive seeds go round both styles, all motion types and small to large motions.
    size
        (height, width) in pixels, each at least 16. Figures are scaled to fit.
    style
        `"Japan"` or `"Disney"`; by the seed when absent.
    motion
        Type of the dominant mover's motion; by the seed when absent.
    max_shift
        No visible pixel moves further than this many pixels; up to 150 at 540 x 960 when absent.
    even_timing
        Whether the middle frame shows everything half way, rather than eased as animators do.

    Raises
    ------
    configs.errors.DataError
        If an argument is out of range.
    """
    check_drawing(seed, size, style=style, motion=motion, max_shift=max_shift)
    scene = stage_scene(seed, size, style, motion, max_shift)
    rng = np.random.default_rng([seed, 1])
    margin = int(np.ceil(max(abs(scene.pan[0]), abs(scene.pan[1])))) + 3
    picture = paint_background(scene.where, size, margin, rng)
    # The raster of the middle frame is only needed for its colours.
    first, second = (rasterise(scene.painted(frame), size) for frame in (0, 2))
    middle = scene.painted_at(HALF_WAY) if even_timing else scene.painted(1)
    frames = [
        raster.over(_panned(picture, size, margin, scene.pan, share))
        for raster, share in (
            (first, 0.0),
            (rasterise(middle, size), HALF_WAY if even_timing else scene.pan_middle),
            (second, 1.0),
        )
    ]
    starts, ends = ([chain for _, chain in scene.parts(s)] for s in (0.0, 1.0))
    flow01, occluded01 = _flow(first, second, starts, ends, np.array(scene.pan))
    flow10, occluded10 = _flow(second, first, ends, starts, -np.array(scene.pan))
    return CartoonTriplet(
        id=triplet_id(seed, scene.style.name),
        frame0=frames[0],
        middle=frames[1],
        frame1=frames[2],
        flow01=flow01,
        flow10=flow10,
        occluded01=occluded01,
        occluded10=occluded10,
        pieces0=first.numbers[first.centres()],
        pieces1=second.numbers[second.centres()],
        annotation=_annotation(scene, first, second, flow01, occluded01),
    )


def triplet_id(seed: int, style: StyleName) -> str:
    """Folder name of a drawn triplet."""
    return f"{style}_drawn_{seed:06d}_s2"


def check_drawing(
    seed: int, size: tuple[int, int], *, style: str | None, motion: str | None, max_shift: float | None
) -> None:
    """Check the arguments.

    Raises
    ------
    configs.errors.DataError
        If an argument is out of range.
    """
    if seed < 0:
        raise DataError(f"seed: found {seed}, expected 0 or more; choose a seed from 0")
    if min(size) < SMALLEST:
        raise DataError(
            f"size: found {size[0]}x{size[1]} (height x width), expected at least {SMALLEST} each; "
            "draw larger frames"
        )
    if style is not None and style not in get_args(StyleName):
        raise DataError(
            f"style: found {style!r}, expected one of {get_args(StyleName)}; choose one or leave it out"
        )
    if motion is not None and motion not in MOTIONS:
        raise DataError(f"motion: found {motion!r}, expected one of {MOTIONS}; choose one or leave it out")
    if max_shift is not None and not (0 <= max_shift < np.inf):
        raise DataError(f"max_shift: found {max_shift}, expected 0 or more pixels; raise it or leave it out")


def _panned(
    picture: NDArray[np.uint8], size: tuple[int, int], margin: int, pan: tuple[float, float], share: float
) -> NDArray[np.uint8]:
    """The part of the painted background that the camera sees; content moves by share * pan."""
    height, width = size
    dx, dy = (share * way for way in pan)
    if dx == 0 and dy == 0:
        return picture[margin : margin + height, margin : margin + width]
    matrix = np.array([[1, 0, margin - dx], [0, 1, margin - dy]])
    flags = cv2.INTER_CUBIC | cv2.WARP_INVERSE_MAP
    return cast(
        NDArray[np.uint8],
        cv2.warpAffine(picture, matrix, (width, height), flags=flags, borderMode=cv2.BORDER_REPLICATE),
    )


def _flow(
    source: Raster, target: Raster, starts: list[Chain], ends: list[Chain], pan: NDArray[np.float64]
) -> tuple[NDArray[np.float32], NDArray[np.bool_]]:
    """Flow of every pixel of a frame and whether it is occluded in the other one."""
    owner = source.owners[source.centres()]
    height, width = owner.shape
    where = np.empty((2, height, width))
    where[0], where[1] = np.arange(width)[None] + pan[0], np.arange(height)[:, None] + pan[1]
    order = np.argsort(owner, axis=None, kind="stable")
    bounds = np.searchsorted(owner.ravel()[order], np.arange(1, len(starts) + 2))
    for part, (start, end) in enumerate(zip(starts, ends, strict=True)):
        chosen = order[bounds[part] : bounds[part + 1]]
        if len(chosen):
            y, x = np.divmod(chosen, width)
            moved = end.forward(start.inverse(np.stack([x, y], axis=1).astype(np.float64)))
            where[:, y, x] = moved.T
    # Half a pixel beyond the outermost centres still belongs to the frame.
    inside = (where[0] >= -0.5) & (where[0] < width - 0.5) & (where[1] >= -0.5) & (where[1] < height - 0.5)
    seen = np.zeros((height, width), bool)
    at_x = np.clip(where[0][inside], -1 / 3, width - 2 / 3)
    at_y = np.clip(where[1][inside], -1 / 3, height - 2 / 3)
    seen[inside] = target.owner_at(at_x, at_y) == owner[inside]
    where[0] -= np.arange(width)[None]
    where[1] -= np.arange(height)[:, None]
    return where.astype(np.float32), ~seen


def _annotation(
    scene: Scene, first: Raster, second: Raster, flow: NDArray[np.float32], occluded: NDArray[np.bool_]
) -> dict[str, Any]:
    """Level, region and type of the motion, as in ATD-12K's annotations."""
    height, width = scene.size
    lead = scene.casts[scene.lead]
    unit = min(height / 540, width / 960)
    most = float(np.hypot(flow[0], flow[1]).max()) / unit
    effort = most + OCCLUSION_WEIGHT * float(occluded.mean())
    moving = np.hypot(flow[0], flow[1]) >= MOVES_FROM
    owners0, owners1 = (raster.owners[raster.centres()] for raster in (first, second))
    # The background's own pan is no character's motion; where nothing but it moves, it is the region.
    movers = np.unique(owners0[moving & (owners0 > 0)])
    region = np.isin(owners0, movers) | np.isin(owners1, movers)
    if not region.any():
        region = moving if moving.any() else np.ones_like(moving)
    rows, columns = np.nonzero(region.any(axis=1))[0], np.nonzero(region.any(axis=0))[0]
    x, y = int(columns[0]), int(rows[0])
    return {
        "level": 0 if effort < EASY_BELOW else 1 if effort < HARD_FROM else 2,
        "motion_RoI": {"x": x, "y": y, "width": int(columns[-1]) - x + 1, "height": int(rows[-1]) - y + 1},
        "general_motion_type": lead.motion,
        "behavior": lead.behaviour,
        "image_size": [width, height],
    }
