"""Scanning a clip: classify each frame relative to the drawing before it, in one pass and constant memory."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction

import numpy as np

from animeinterp.configs.errors import DataError
from animeinterp.configs.sections import ClipSection
from animeinterp.data.clips.bars import BarFinder
from animeinterp.data.clips.clip import Alpha, Clip, ClipFrame
from animeinterp.data.clips.clip_scan import Change, ClipScan
from animeinterp.data.clips.fades import is_dissolve, is_ramp
from animeinterp.data.clips.likeness import unlikeness
from animeinterp.data.clips.sketch import Sketch, difference, draw_sketch
from animeinterp.data.images import Frame

LONGEST_FLASH = Fraction(1, 5)
"""Seconds for which the drawing before a cut is searched for again: shots are longer, flashes shorter."""

LEAST_FADE = 3.0
"""Difference below which nothing fades: under a threshold of 0, noise would."""

Progress = Callable[[int], None]


def scan_clip(clip: Clip, section: ClipSection, progress: Progress | None = None) -> ClipScan:
    """Find repeats, cuts, fades and bars.

    Parameters
    ----------
    clip
        Read once, from its first frame.
    section
        `repeat_threshold` and `cut_threshold` are used.
    progress
        Called after each frame with the number of frames seen.

    Raises
    ------
    DataError
        The clip has no frame.

    Notes
    -----
    A frame is compared with the *first* frame of the drawing that is shown, so that slow drift adds up. Cuts
    are detected between drawings. A flash, or any other picture between two similar ones, begins as a cut; it
    becomes a fade if the picture before it returns soon enough. Of every frame only a few numbers are kept,
    and the pictures of the last drawings.
    """
    scanner = _Scanner(section, clip.size)
    for frame in clip.frames():
        scanner.add(frame, frame.alpha() if clip.has_alpha else None)
        if progress is not None:
            progress(len(scanner.changes))
    if not scanner.changes:
        raise DataError(f"{clip.name}: no readable frame; expected at least one")
    return ClipScan(
        size=clip.size,
        starts=tuple(scanner.starts),
        end=scanner.end,
        changes=tuple(scanner.changes),
        differences=tuple(scanner.differences),
        bars=scanner.bars.bars(),
        problems=tuple(clip.problems),
        damage=tuple(clip.damage),
        leading=clip.leading,
    )


@dataclass(frozen=True, slots=True)
class _Drawing:
    """The first frame of a drawing."""

    index: int
    picture: Frame
    alpha: Alpha | None
    sketch: Sketch


@dataclass(frozen=True, slots=True)
class _Doubt:
    """A cut that may turn out to be the beginning of a flash."""

    since: Fraction
    before: Sketch
    after: Sketch
    index: int


class _Scanner:
    def __init__(self, section: ClipSection, size: tuple[int, int]) -> None:
        self._section, self._size = section, size
        self.starts: list[Fraction] = []
        self.end = Fraction(0)
        self.changes: list[Change] = []
        self.differences: list[float] = []
        self.bars = BarFinder()
        self._drawing: _Drawing | None = None
        self._earlier: Sketch | None = None
        self._doubts: list[_Doubt] = []

    def add(self, frame: ClipFrame, alpha: Alpha | None) -> None:
        picture = frame.rgb()
        index, shown = len(self.changes), self._drawing
        self.starts.append(frame.start)
        self.end = frame.start + frame.duration
        if shown is not None and _same(picture, shown.picture) and _same(alpha, shown.alpha):
            self._keep("repeat", 0.0)
            return
        self.bars.add(picture)
        drawing = _Drawing(index, picture, alpha, draw_sketch(picture, alpha))
        if shown is None:
            self._keep("first", 0.0)
            self._drawing = drawing
            return
        far = difference(shown.sketch, drawing.sketch)
        threshold = self._section.repeat_threshold
        if far <= threshold and threshold > 0:
            self._keep("repeat", far)
            return
        self._keep(self._change(shown, drawing, far >= LEAST_FADE), far)
        self._settle_doubts(drawing, frame.start)
        self._earlier, self._drawing = shown.sketch, drawing

    def _keep(self, change: Change, far: float) -> None:
        self.changes.append(change)
        self.differences.append(round(far, 3))

    def _change(self, shown: _Drawing, drawing: _Drawing, may_fade: bool) -> Change:
        if may_fade and is_ramp(shown.sketch, drawing.sketch):
            return "fade"
        earlier = self._earlier
        if may_fade and earlier is not None and is_dissolve(earlier, shown.sketch, drawing.sketch):
            self.changes[shown.index] = "fade"  # its first step alone looked like motion, or a cut
            return "fade"
        if not self._unlike(shown.sketch, drawing.sketch):
            return "motion"
        self._doubts.append(_Doubt(self.starts[-1], shown.sketch, drawing.sketch, drawing.index))
        return "cut"

    def _settle_doubts(self, drawing: _Drawing, now: Fraction) -> None:
        self._doubts = [doubt for doubt in self._doubts if now - doubt.since <= LONGEST_FLASH]
        for doubt in self._doubts:
            if doubt.index == drawing.index or self._unlike(doubt.before, drawing.sketch):
                continue
            if self._unlike(doubt.after, drawing.sketch):
                for index in range(doubt.index, drawing.index + 1):
                    if self.changes[index] == "cut":
                        self.changes[index] = "fade"
                self._doubts = []
                return

    def _unlike(self, first: Sketch, second: Sketch) -> bool:
        threshold = self._section.cut_threshold
        return threshold < 1 and unlikeness(self._inside(first), self._inside(second)) >= threshold

    def _inside(self, sketch: Sketch) -> Sketch:
        """A sketch without the bars, which all drawings have in common."""
        (height, width), (rows, columns) = self._size, sketch.shape[:2]
        above, below, left, right = self.bars.bars()
        inside = sketch[
            round(above * rows / height) : rows - round(below * rows / height),
            round(left * columns / width) : columns - round(right * columns / width),
        ]
        return inside if inside.size else sketch


def _same(first: Frame | Alpha | None, second: Frame | Alpha | None) -> bool:
    if first is None or second is None:
        return first is second
    return first.shape == second.shape and bool(np.array_equal(first, second))
