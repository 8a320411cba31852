"""Shots of a drawn clip: which scene, how many frames, and on how many of them a drawing is shown."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from animeinterp.configs.errors import DataError
from animeinterp.data.cartoon.backgrounds import paint_background
from animeinterp.data.cartoon.motion import Move
from animeinterp.data.cartoon.raster import rasterise
from animeinterp.data.cartoon.staging import Cast, Scene, stage_scene

Acting = Literal["moving", "talking", "still"]

FULL_SIZE = 540
"""Height for which lengths of a shot are given."""
TALK = {"mouth": Move(stretch=(-0.2, 0.75)), "eyes": Move(stretch=(0.0, -1.3))}
"""All that moves in a talking shot."""
TALK_STEPS = (0.0, 0.6, 1.0, 0.3, 0.8)


@dataclass(frozen=True)
class Shot:
    """Frames between two cuts."""

    scene: int
    """Seed of the scene, as for `draw_triplet`."""
    frames: int
    on: int = 2
    """Frames for which a drawing is shown: 2 is on twos."""
    acting: Acting = "moving"
    """`talking` moves mouths and eyes alone; `still` nothing."""
    stride: float = 0.2
    """How far the figures get with each drawing, as a share of the scene's motion."""
    pan: float = 0.0
    """Pixels of a 540p frame by which the background moves to the left with every frame."""
    pause: int = 0
    """Last frames of the shot in which its last drawing is held."""
    fade_in: int = 0
    """First frames of the shot, in which it comes out of black, nothing moving."""
    fade_out: int = 0
    """Last frames of the shot, in which it goes to black, nothing moving."""
    dissolve: int = 0
    """Last frames of the shot, in which it turns into the next one, nothing moving in either."""
    flash: int | None = None
    """Frame that is white all over; the one after it still half."""

    def drawing(self, frame: int) -> int:
        """Number of the figures' drawing shown in a frame of the shot."""
        moving = self.frames - self.fade_in - max(self.pause, self.fade_out, self.dissolve)
        shown = min(max(frame - self.fade_in, 0), max(moving, 1) - 1)
        return 0 if self.acting == "still" else shown // self.on

    def panned(self, frame: int) -> float:
        """How far the background has moved in a frame of the shot, in pixels of a 540p frame."""
        last = self.frames - 1 - max(self.pause, self.fade_out, self.dissolve)
        return self.pan * (min(max(frame, self.fade_in), last) - self.fade_in)


STANDARD = (
    Shot(scene=17, frames=60, on=2, stride=0.25, pause=24),
    Shot(scene=12, frames=72, on=2, stride=0.09, pan=6.0),
    Shot(scene=28, frames=60, on=3, stride=0.12),
)
"""Eight seconds at 24 frames a second: twos with a pause of a second, a pan, threes."""

EVERYTHING = (
    Shot(scene=17, frames=36, on=2, stride=0.25, fade_in=8, flash=20),
    Shot(scene=22, frames=32, on=2, acting="talking"),
    Shot(scene=28, frames=34, on=3, stride=0.12, dissolve=10),
    Shot(scene=1, frames=30, on=2, stride=0.2),
    Shot(scene=12, frames=36, on=2, stride=0.09, pan=6.0),
    Shot(scene=15, frames=40, on=1, stride=0.1, pause=12),
    Shot(scene=10, frames=32, on=3, stride=0.3, fade_out=12),
)
"""Ten seconds with everything a scan has to tell apart."""


class Stage:
    """A shot's scene, set up to be drawn at any of its frames."""

    def __init__(self, shot: Shot, size: tuple[int, int]) -> None:
        self._shot, self._size = shot, size
        self._unit = min(size[0] / FULL_SIZE, size[1] * 9 / 16 / FULL_SIZE)
        self._scene = _cast_for(stage_scene(shot.scene, size, None, None, None), shot.acting)
        way = abs(shot.panned(shot.frames - 1)) * self._unit
        self._margin = int(np.ceil(way / 2)) + 3
        rng = np.random.default_rng([shot.scene, 1])
        self._picture = paint_background(self._scene.where, size, self._margin, rng)
        self._key: tuple[int, int] | None = None
        self._frame: NDArray[np.uint8] | None = None

    def key(self, frame: int) -> tuple[int, int]:
        """What tells the pictures of the shot apart: the figures' drawing, and the background's place."""
        return self._shot.drawing(frame), round(self._shot.panned(frame) * self._unit)

    def draw(self, frame: int) -> NDArray[np.uint8]:
        """The picture of a frame of the shot, before fades and flashes: uint8 RGB (H, W, 3)."""
        drawing, way = key = self.key(frame)
        if self._frame is None or key != self._key:
            painted = self._scene.painted_at(self._progress(drawing))
            self._frame = rasterise(painted, self._size).over(self._background(way))
            self._key = key
        return self._frame

    def _progress(self, drawing: int) -> float:
        if self._shot.acting == "talking":
            return TALK_STEPS[drawing % len(TALK_STEPS)]
        turn = drawing * self._shot.stride % 2.0  # there and back again
        return float(turn if turn <= 1 else 2 - turn)

    def _background(self, way: int) -> NDArray[np.uint8]:
        height, width = self._size
        whole = round(self._shot.panned(self._shot.frames - 1) * self._unit)
        left = self._margin - whole // 2 + way
        return self._picture[self._margin : self._margin + height, left : left + width]


def check_shots(shots: tuple[Shot, ...]) -> None:
    """Refuse shots that cannot be drawn.

    Raises
    ------
    configs.errors.DataError
        There are none, or one has no frames, or more frames in its fades than it has.
    """
    if not shots:
        raise DataError("shots: found none, expected at least one; give a clip something to show")
    for number, shot in enumerate(shots):
        fading = shot.fade_in + max(shot.pause, shot.fade_out, shot.dissolve)
        if shot.frames < 1 or shot.on < 1 or fading >= shot.frames:
            raise DataError(
                f"shot {number}: {shot.frames} frames on {shot.on}, {fading} of them held or fading; "
                "expected frames and on from 1, and at least one frame that is neither"
            )
    if shots[-1].dissolve:
        raise DataError(f"shot {len(shots) - 1} dissolves into the next, but there is none; use fade_out")


def _cast_for(scene: Scene, acting: Acting) -> Scene:
    if acting == "moving":
        return scene
    return replace(scene, casts=tuple(_talking(cast) for cast in scene.casts))


def _talking(cast: Cast) -> Cast:
    moves = {name: move for name, move in TALK.items() if name in cast.figure.joints}
    return replace(cast, moves=moves if cast.figure.kind == "person" else {}, gain=1.0)
