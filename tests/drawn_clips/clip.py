"""Drawn clips with exact truth: which frames repeat a drawing, where cuts, fades and pans are."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict, dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from animeinterp.configs.errors import DataError
from animeinterp.data.cartoon.triplet import check_drawing
from animeinterp.data.clips.clip_scan import Change
from tests.drawn_clips.shots import STANDARD, Shot, Stage, check_shots

HALF_FLASH = 0.5
"""Share of white in the second frame of a flash."""


@dataclass(frozen=True)
class FrameTruth:
    """The truth of a frame."""

    shot: int
    drawing: int
    """Number of the picture shown, from 0; frames with the same number are the same picture."""
    change: Change
    """How the frame relates to the previous one."""
    panning: bool
    """Whether the background has moved since the frame before."""
    flashing: bool
    """Whether the change is that of a flash."""


@dataclass(frozen=True)
class DrawnFrame:
    """A frame of a drawn clip."""

    picture: NDArray[np.uint8]
    """(H, W, 3) RGB."""
    truth: FrameTruth


def draw_clip(
    shots: tuple[Shot, ...] = STANDARD,
    size: tuple[int, int] = (540, 960),
    *,
    letterbox: int = 0,
) -> Iterator[DrawnFrame]:
    """Draw a clip, frame by frame, in flat memory; the same arguments give the same pixels.

    Parameters
    ----------
    shots
        In order, with hard cuts between shots that do not fade.
    size
        (height, width) in pixels, each at least 16.
    letterbox
        Black rows above and below.

    Raises
    ------
    configs.errors.DataError
        If an argument is out of range.
    """
    check_shots(shots)
    check_drawing(min(shot.scene for shot in shots), size, style=None, motion=None, max_shift=None)
    if not 0 <= 2 * letterbox < size[0]:
        raise DataError(
            f"letterbox: found {letterbox} rows, expected 0 or more and less than half of {size[0]}"
        )
    return _frames(shots, size, letterbox)


def truth_json(
    truths: list[FrameTruth], size: tuple[int, int], rate: int, letterbox: int
) -> dict[str, object]:
    """Truth of a clip as it is written beside it."""
    return {
        "size": list(size),
        "rate": rate,
        "bars": [letterbox, letterbox, 0, 0],
        "frames": [asdict(truth) for truth in truths],
    }


@dataclass(frozen=True)
class _Look:
    """Everything a frame's picture depends on."""

    shot: int
    key: tuple[int, int]
    light: float
    """0 is black, 1 as drawn."""
    share: float
    """Share of the next shot."""
    flash: float
    """Share of white."""

    @property
    def fading(self) -> bool:
        return self.light < 1 or self.share > 0 or self.flash > 0

    def repeats(self, before: _Look) -> bool:
        return self == before or self.light == before.light == 0


def _look(number: int, shot: Shot, stage: Stage, frame: int) -> _Look:
    left = shot.frames - frame  # frames of the shot from this one on
    light = min(1.0, (frame + 1) / shot.fade_in if shot.fade_in else 1.0)
    if left <= shot.fade_out:
        light = (left - 1) / shot.fade_out
    share = (shot.dissolve - left + 1) / (shot.dissolve + 1) if left <= shot.dissolve else 0.0
    since = -1 if shot.flash is None else frame - shot.flash
    return _Look(number, stage.key(frame), light, share, {0: 1.0, 1: HALF_FLASH}.get(since, 0.0))


def _frames(shots: tuple[Shot, ...], size: tuple[int, int], letterbox: int) -> Iterator[DrawnFrame]:
    before: _Look | None = None
    stage: Stage | None = None
    drawing = -1
    for number, shot in enumerate(shots):
        stage = stage or Stage(shot, size)
        following = Stage(shots[number + 1], size) if shot.dissolve else None
        for frame in range(shot.frames):
            look = _look(number, shot, stage, frame)
            change = _change(look, before)
            drawing += change != "repeat"
            panning = before is not None and before.shot == number and before.key[1] != look.key[1]
            flashing = change == "fade" and (look.flash > 0 or (before is not None and before.flash > 0))
            picture = _lit(look, stage.draw(frame), following)
            if letterbox:
                picture = picture.copy()
                picture[:letterbox] = picture[size[0] - letterbox :] = 0
            yield DrawnFrame(picture, FrameTruth(number, drawing, change, panning, flashing))
            before = look
        stage = following


def _change(look: _Look, before: _Look | None) -> Change:
    if before is None:
        return "first"
    if look.repeats(before):
        return "repeat"
    if look.shot != before.shot and before.share == 0 and (before.light == 1 or look.light == 1):
        return "cut"
    return "fade" if look.fading or before.fading else "motion"


def _lit(look: _Look, picture: NDArray[np.uint8], following: Stage | None) -> NDArray[np.uint8]:
    if following is not None and look.share:
        picture = _mixed(picture, following.draw(0), look.share)
    if look.light < 1:
        picture = _mixed(np.zeros_like(picture), picture, look.light)
    return _mixed(picture, np.full_like(picture, 255), look.flash) if look.flash else picture


def _mixed(first: NDArray[np.uint8], second: NDArray[np.uint8], share: float) -> NDArray[np.uint8]:
    return np.asarray(cv2.addWeighted(first, 1 - share, second, share, 0.0), np.uint8)
