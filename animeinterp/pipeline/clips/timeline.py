"""The timeline of an interpolated clip: its frames, their times and sources."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property
from itertools import pairwise
from statistics import median_low
from typing import Literal

from animeinterp.configs.sections import ClipSection, read_rate
from animeinterp.data.clips.clip_scan import ClipScan
from animeinterp.data.clips.frame_times import common_time_base

SNAP = Fraction(1, 50)
"""Tolerance, as a share of a frame's duration, for a time to count as the frame's own: containers round to
ms."""

ROUNDING = Fraction(1, 400)
"""Seconds by which steps differ, at most, that are even but for the rounding of containers."""

Way = Literal["motion", "mix"]
"""Between two drawings: frames of synthesis, or a cross-fade."""


@dataclass(frozen=True, slots=True)
class Between:
    """A place between two drawings."""

    frames: tuple[int, int]
    """First frame of each drawing."""
    t: float
    """In (0, 1), 0 = the earlier drawing."""
    way: Way


@dataclass(frozen=True, slots=True)
class Shown:
    """A frame of the output clip."""

    start: Fraction
    """When it is shown, in seconds from the first."""
    duration: Fraction
    frame: int
    """The input frame at that time."""
    between: Between | None = None
    """What is shown in its place; None = that frame, unchanged."""


@dataclass(frozen=True, slots=True)
class Transition:
    """From one drawing to the next."""

    frames: tuple[int, int]
    begin: Fraction
    end: Fraction
    way: Way


@dataclass(frozen=True, slots=True)
class Cadence:
    """When the frames of a clip are shown, in short."""

    count: int
    """Of frames."""
    rate: Fraction
    """Frames a second, their mean where it varies."""
    time_base: Fraction
    """Largest unit of which all their times are multiples, in seconds."""
    last_duration: Fraction
    """How long the last frame is shown, in seconds."""
    is_even: bool = True
    """Whether the rate is constant, but for the rounding of containers."""

    @classmethod
    def of(cls, times: Iterable[tuple[Fraction, Fraction]], rate: Fraction | None = None) -> Cadence:
        """Of frames with these starts and durations; one at least."""
        count, tick, before = 0, Fraction(0), None
        shortest, longest, end = Fraction(10**9), Fraction(0), Fraction(0)
        for start, duration in times:
            if before is not None:
                shortest, longest = min(shortest, start - before), max(longest, start - before)
            count, before, end = count + 1, start, start + duration
            tick = common_time_base([tick, start, duration])
        even = longest - shortest <= ROUNDING
        return cls(count, rate or count / end, tick, end - (before or 0), even)


@dataclass(frozen=True, slots=True)
class Plan:
    """What the frames of a clip to be made need, all together."""

    cadence: Cadence
    times: Mapping[tuple[int, int], tuple[float, ...]]
    """Times to synthesise between two drawings, by their first frames, in order."""
    mixed: tuple[tuple[int, int], ...]
    """First frames of drawings that are cross-faded."""
    begins: Mapping[tuple[int, int], int]
    """For each of both, which frame of the output is its first, from 0."""


@dataclass(frozen=True)
class Timeline:
    """The timeline of the output clip.

    Parameters
    ----------
    scan
        The scan of the clip.
    section
        Output times, and the treatment of repeats and cuts.
    to_the_end
        Whether the last frame is repeated for as long as it is shown, as a video needs it;
        images end with it.
    """

    scan: ClipScan
    section: ClipSection
    to_the_end: bool = True

    @cached_property
    def plan(self) -> Plan:
        """What all of the frames need."""
        times: dict[tuple[int, int], list[float]] = {}
        mixed: dict[tuple[int, int], None] = {}
        begins: dict[tuple[int, int], int] = {}

        def noted() -> Iterator[tuple[Fraction, Fraction]]:
            for position, shown in enumerate(self.shown()):
                between = shown.between
                if between is not None:
                    begins.setdefault(between.frames, position)
                    if between.way == "motion":
                        times.setdefault(between.frames, []).append(between.t)
                    else:
                        mixed[between.frames] = None
                yield shown.start, shown.duration

        cadence = Cadence.of(noted(), self._rate)
        wanted = {frames: tuple(dict.fromkeys(found)) for frames, found in times.items()}
        return Plan(cadence, wanted, tuple(mixed), begins)

    def shown(self) -> Iterator[Shown]:
        """Frames in order; together they last as long as the clip, `slow` times."""
        starts = self._starts()
        start = next(starts, None)
        while start is not None:
            after = next(starts, None)
            end = self.scan.end if after is None else after
            yield self._shown(start, end - start, self.section.slow)
            start = after

    @property
    def drawn(self) -> int:
        """Number of frames to synthesise."""
        return sum(map(len, self.plan.times.values()))

    def about_pauses(self) -> str:
        """A note on drawings that stay still because they are held for long; empty if there are none."""
        longest, changes = self.section.longest_hold, self.scan.changes
        drawings = [index for index, change in enumerate(changes) if change != "repeat"]
        long = [
            after - before
            for before, after in pairwise(drawings)
            if after - before > longest and changes[after] != "cut"
        ]
        if self.section.timing == "keep" or not long:
            return ""
        section = self.section.model_copy(update={"longest_hold": max(long)})
        more = Timeline(self.scan, section, self.to_the_end).drawn - self.drawn
        return (
            f"{sum(long)} frames belong to drawings held for more than {longest} frames, which stay still; "
            f"--longest-hold {max(long)} would draw {more} more"
        )

    @cached_property
    def _rate(self) -> Fraction | None:
        """Frames per second, if `fps` sets it."""
        return read_rate(self.section.fps) if self.section.fps else None

    @cached_property
    def _transitions(self) -> tuple[Transition, ...]:
        return tuple(_transitions(self.scan, self.section))

    def _starts(self) -> Iterator[Fraction]:
        for start in self._all_starts():
            if self.to_the_end or self.section.loop or start <= self.scan.starts[-1]:
                yield start

    def _all_starts(self) -> Iterator[Fraction]:
        scan, section = self.scan, self.section
        if self._rate is not None:
            step, number = 1 / self._rate / section.slow, 0
            while number == 0 or number * step < scan.end - step / 2:  # the last one lasts to the end
                yield number * step
                number += 1
            return
        for index, start in enumerate(scan.starts):
            last = index + 1 == len(scan.starts)
            duration = (scan.end if last else scan.starts[index + 1]) - start
            yield start
            if not section.times:
                parts = section.factor * section.slow
                yield from (start + duration * part / parts for part in range(1, parts))
            elif not last or section.loop:
                yield from (start + duration * Fraction(t).limit_denominator(10**6) for t in section.times)

    def _shown(self, start: Fraction, duration: Fraction, slow: int) -> Shown:
        scan = self.scan
        frame = max(0, bisect_right(scan.starts, start) - 1)
        ends = scan.starts[frame + 1] if frame + 1 < len(scan.starts) else scan.end
        close = SNAP * (ends - scan.starts[frame])
        if frame + 1 < len(scan.starts) and ends - start <= close:
            frame, start_of_frame = frame + 1, ends
        else:
            start_of_frame = scan.starts[frame]
        here = start_of_frame if abs(start - start_of_frame) <= close else start
        return Shown(slow * start, slow * duration, frame, self._between(here))

    def _between(self, time: Fraction) -> Between | None:
        position = bisect_right(self._transitions, time, key=lambda transition: transition.begin) - 1
        if position < 0:
            return None
        found = self._transitions[position]
        if not found.begin < time < found.end:
            return None
        t = round(float((time - found.begin) / (found.end - found.begin)), 6)
        return Between(found.frames, t, found.way) if 0 < t < 1 else None


def _transitions(scan: ClipScan, section: ClipSection) -> Iterator[Transition]:
    drawings = [index for index, change in enumerate(scan.changes) if change != "repeat"]
    drawings[:1] = [scan.leading]
    usual = _usual_hold(drawings, section.longest_hold)
    for first, second in pairwise(drawings):
        change = scan.changes[second]
        held = second - first
        if change == "cut":
            if section.on_cut == "hold":
                continue
            moving = 1
        elif section.timing == "keep":
            moving = 1
        else:
            moving = held if held <= section.longest_hold else usual
        way: Way = "motion" if change == "motion" else "mix"
        yield Transition((first, second), scan.starts[second - moving], scan.starts[second], way)
    if section.loop and len(drawings) > 1:
        last, count = drawings[-1], len(scan.starts)
        held = count - last
        moving = 1 if section.timing == "keep" else held if held <= section.longest_hold else usual
        yield Transition((last, drawings[0]), scan.starts[count - moving], scan.end, "motion")


def _usual_hold(drawings: list[int], longest: int) -> int:
    """How many frames the clip's drawings are usually held, without pauses."""
    holds = [after - before for before, after in pairwise(drawings)]
    return median_low([held for held in holds if held <= longest] or [1])
