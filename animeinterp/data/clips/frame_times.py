"""Times of the frames of a video, even if timestamps are missing, equal or out of order."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from fractions import Fraction
from typing import Generic, TypeVar

Item = TypeVar("Item")

NOTICED = Fraction(1, 500)  # s; ends are often rounded to milliseconds, durations are not
LONGEST_WAIT = 16  # most frames held back until one has a time again


def common_time_base(times: Iterable[Fraction]) -> Fraction:
    """Largest unit of which all times are multiples; 1 for none but 0."""
    unit = Fraction(0)
    for time in times:
        numerator = math.gcd(unit.numerator * time.denominator, time.numerator * unit.denominator)
        unit = Fraction(numerator, unit.denominator * time.denominator)
    return unit or Fraction(1)


class TimeGuess:
    """Chooses between a frame's presentation and decoding time, as FFmpeg's best-effort timestamp does.

    Some containers (AVI) have decoding times only, from which demuxers make up presentation times out of
    order. The one that was out of order less often so far is used.
    """

    def __init__(self) -> None:
        self._last: dict[str, int] = {}
        self._faults = {"pts": 0, "dts": 0}

    def time(self, pts: int | None, dts: int | None) -> int | None:
        """The better one of a frame's two times, in ticks."""
        for kind, ticks in (("pts", pts), ("dts", dts)):
            if ticks is not None:
                self._faults[kind] += ticks <= self._last.get(kind, ticks - 1)
                self._last[kind] = ticks
        if pts is not None and (dts is None or self._faults["pts"] <= self._faults["dts"]):
            return pts
        return dts


class FrameTimes(Generic[Item]):
    """Gives each frame a start later than the previous one's, and a duration until the next one.

    Frames without a usable time are spread evenly between those with one; if none follows soon, they are
    `step` apart.

    Parameters
    ----------
    step
        Duration of a frame if it is unknown, in seconds.
    end
        Where the last frame ends, if known. It is used only if it is near: a truncated file states where it
        should have ended.
    count
        Stated number of frames; 0 = unknown. A file that has them all is not truncated.
    """

    def __init__(self, step: Fraction, end: Fraction | None = None, count: int = 0) -> None:
        self._step = step
        self._end = end
        self._left = count or None
        self.repaired = 0
        """Frames so far whose time was missing, or not after that of the frame before."""

    def spread(
        self, frames: Iterable[tuple[Item, Fraction | None, Fraction]]
    ) -> Iterator[tuple[Item, Fraction, Fraction]]:
        """Frames with start and duration, from frames with time (if known) and duration (0 = unknown)."""
        waiting: list[Item] = []
        start: Fraction | None = None  # of the first that waits
        last_duration = before = self._step
        for frame, time, duration in frames:
            if time is None or (start is not None and time <= start):
                self.repaired += 1
            else:
                if waiting:
                    start = time - self._step * len(waiting) if start is None else start
                    before = (time - start) / len(waiting)
                    yield from self._placed(waiting, start, before)
                    waiting.clear()
                start = time
            waiting.append(frame)
            last_duration = duration
            if len(waiting) > LONGEST_WAIT:
                start = Fraction(0) if start is None else start
                yield from self._placed(waiting[:-1], start, self._step)
                start += self._step * (len(waiting) - 1)
                del waiting[:-1]
        if waiting:
            start = Fraction(0) if start is None else start
            length = last_duration if last_duration > 0 else self._step or before
            if len(waiting) == 1:
                length = self._until_end(start, length)
            yield from self._placed(waiting, start, length)

    def _until_end(self, start: Fraction, length: Fraction) -> Fraction:
        """Duration of the last frame: the stated end of a video is more reliable than durations of frames."""
        if self._end is None or self._end <= start or abs(start + length - self._end) < NOTICED:
            return length
        is_whole = self._left is not None and self._left <= 1
        is_cut_off = not is_whole and self._end > start + length + 2 * self._step
        return length if is_cut_off else self._end - start

    def _placed(
        self, frames: list[Item], start: Fraction, duration: Fraction
    ) -> Iterator[tuple[Item, Fraction, Fraction]]:
        for index, frame in enumerate(frames):
            self._left = None if self._left is None else self._left - 1
            yield frame, start + index * duration, duration
