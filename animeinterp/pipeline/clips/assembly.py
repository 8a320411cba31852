"""Assembly of the output clip from unchanged input frames and in-between frames."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import astuple, dataclass, field
from itertools import islice

import numpy as np

from animeinterp.configs.sections import SynthesisSection
from animeinterp.data.clips.clip import Alpha, Clip, ClipFrame
from animeinterp.data.images import AnyFrame, to_uint8
from animeinterp.pipeline.clips.parts import Drawings
from animeinterp.pipeline.clips.source_frames import ClipFrames, fewer_frames
from animeinterp.pipeline.clips.timeline import Between, Timeline
from animeinterp.pipeline.clips.writers import ClipWriter
from animeinterp.pipeline.compute.item_source import ItemSource
from animeinterp.pipeline.store.array_specs import Array

Picture = tuple[AnyFrame, Alpha | None]


@dataclass
class Assembled:
    """Counts of an assembled clip."""

    frames: int = 0
    """All frames written, or skipped if only in-between frames are written."""
    drawn: int = 0
    """By synthesis."""
    mixed: int = 0
    """Cross-faded."""
    held: int = 0
    """Repeated input frames in place of failed ones."""

    def __add__(self, other: Assembled) -> Assembled:
        both = zip(astuple(self), astuple(other), strict=True)
        return Assembled(*(one + another for one, another in both))


@dataclass
class Betweens:
    """Pictures between a clip's drawings.

    Parameters
    ----------
    frames
        The clip's frames as files.
    sources
        Locations of results, by the pair's drawings; None if the pair failed.
    section
        Settings of the results.
    """

    frames: ClipFrames
    sources: Mapping[Drawings, ItemSource | None]
    section: SynthesisSection
    has_alpha: bool
    _drawn: tuple[Drawings, Array] | None = field(default=None, repr=False)

    def draw(self, between: Between) -> Picture | None:
        """Picture at a place between two drawings, without bars; None if it failed.

        Raises
        ------
        CacheError
            The result is gone or damaged.
        """
        if between.way == "mix":
            return self._mix(between)
        source = self.sources[between.frames]
        if source is None:
            return None
        if self._drawn is None or self._drawn[0] != between.frames:
            self._drawn = between.frames, source.read("synthesis")["frames"]
        kept = self._drawn[1][source.times.index(between.t)]
        picture = kept if self.section.dtype in ("uint16", "linear") else to_uint8(kept)
        if not self.has_alpha:
            return picture, None
        return picture, self._moved_alpha(source, between)

    def _mix(self, between: Between) -> Picture:
        first, second = between.frames
        read: Callable[[int], np.ndarray] = self.frames.picture
        if self.section.dtype == "uint16":
            read = self.frames.deep
        elif self.section.dtype == "linear":
            read = self.frames.linear
        picture = mix(read(first), read(second), between.t)
        if not self.has_alpha:
            return picture, None
        return picture, mix(self.frames.alpha(first), self.frames.alpha(second), between.t)

    def _moved_alpha(self, source: ItemSource, between: Between) -> Alpha:
        """Transparency of both drawings, moved along the flows and blended."""
        from animeinterp.stages.synthesis import synthesise  # late: only transparency needs Torch here

        first, second = (np.repeat(self.frames.alpha(k)[..., None], 3, axis=2) for k in between.frames)
        flows = source.read("refinement")
        moved = synthesise(
            first, second, flows["refined_flow01"], flows["refined_flow10"], [between.t], None, self.section
        )
        return np.ascontiguousarray(to_uint8(moved[0])[..., 0])


def mix(first: np.ndarray, second: np.ndarray, t: float) -> np.ndarray:
    """Cross-fade of two images of one type at a time, 0 = the first."""
    mixed = (1 - t) * first.astype(np.float32) + t * second.astype(np.float32)
    return mixed if first.dtype.kind == "f" else np.rint(mixed).astype(first.dtype)


class Assembly:
    """Writes the frames of a clip's timeline in order, in one pass over the clip."""

    def __init__(self, clip: Clip, timeline: Timeline) -> None:
        self._clip = clip
        self._shown = enumerate(timeline.shown())
        self._frames = iter(clip.frames())
        self._current: ClipFrame | None = None
        self._passed = 0

    def write(
        self, positions: range, betweens: Betweens, writer: ClipWriter, progress: Callable[[int], None]
    ) -> Assembled:
        """Write the frames of the output at these positions, none of which has been passed.

        Raises
        ------
        DataError, CacheError
            The clip or its results have changed, or the output cannot be written.
        """
        done, barred = Assembled(), betweens.frames.has_bars
        for position, shown in islice(self._shown, positions.stop - self._passed):
            self._passed = position + 1
            if position < positions.start:
                continue
            current = self._frame(shown.frame)
            picture = None if shown.between is None else betweens.draw(shown.between)
            if picture is None:
                writer.original(current, shown.start, shown.duration)
                done.held += shown.between is not None
            else:
                image, alpha = _with_bars(betweens.frames, current, picture) if barred else picture
                writer.drawn(image, alpha, shown.start, shown.duration)
                if shown.between is not None and shown.between.way == "mix":
                    done.mixed += 1
                else:
                    done.drawn += 1
            done.frames += 1
            progress(1)
        return done

    def _frame(self, index: int) -> ClipFrame:
        """A frame of the clip, at or after the last one that was asked for."""
        while self._current is None or self._current.index < index:
            after = 0 if self._current is None else self._current.index + 1
            self._current = next(self._frames, None)
            if self._current is None:
                raise fewer_frames(self._clip, after)
        return self._current


def _with_bars(frames: ClipFrames, current: ClipFrame, picture: Picture) -> Picture:
    image, alpha = picture
    whole: np.ndarray
    if image.dtype.kind == "f":
        whole = current.linear().copy()
    else:
        whole = current.rgb().copy() if image.dtype == np.uint8 else current.deep().copy()
    frames.inner(whole)[:] = image
    if alpha is None:
        return whole, None
    opaque = np.full(whole.shape[:2], 255, np.uint8)
    frames.inner(opaque)[:] = alpha
    return whole, opaque
