"""Assembly of the output clip from unchanged input frames and in-between frames."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field

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
from animeinterp.stages.synthesis import synthesise

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


def assemble(
    clip: Clip,
    timeline: Timeline,
    betweens: Betweens,
    writer: ClipWriter,
    progress: Callable[[int], None],
) -> Assembled:
    """Write a clip in the order of its timeline, in one pass over its frames.

    Raises
    ------
    DataError, CacheError
        The clip or its results have changed, or the output cannot be written.
    """
    done, barred = Assembled(), betweens.frames.has_bars
    frames = iter(clip.frames())
    current = _next(clip, frames, 0)
    for shown in timeline.shown():
        while current.index < shown.frame:
            current = _next(clip, frames, current.index + 1)
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


def _next(clip: Clip, frames: Iterator[ClipFrame], index: int) -> ClipFrame:
    frame = next(frames, None)
    if frame is None:
        raise fewer_frames(clip, index)
    return frame


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
