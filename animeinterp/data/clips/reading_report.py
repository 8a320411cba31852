"""Problems found while reading a video, as lines for the user."""

from __future__ import annotations

from dataclasses import dataclass, field
from fractions import Fraction

GAP = Fraction(9, 5)  # steps between two frames, from which on one seems to be missing
EVEN_FRAMES = 20  # frames a gap, at least, for the rate to count as even
MOST_GAPS = 3  # that are listed


@dataclass(slots=True)
class ReadingReport:
    """Problems found while reading a video."""

    name: str
    frames: int = 0
    lost: list[Fraction] = field(default_factory=list)
    """Times of the first and the last packet that could not be decoded."""
    lost_count: int = 0
    replaced: int = 0
    """Number of them for which the frame before stands in."""
    damaged: int = 0
    repaired: int = 0
    resized: int = 0
    recoloured: int = 0
    """Frames of another pixel format, matrix or range than the first."""
    interlaced: bool = False
    gaps: list[tuple[Fraction, Fraction]] = field(default_factory=list)
    """Times of consecutive frames that are too far apart."""
    _last: Fraction = Fraction(0)
    cut_off: tuple[Fraction, Fraction] | None = None
    """Where the file ends, and where it should end."""

    def lose(self, time: Fraction) -> None:
        """Record a packet that could not be decoded."""
        self.lost_count += 1
        self.lost = [self.lost[0] if self.lost else time, time]

    def shown(self, time: Fraction, step: Fraction) -> None:
        """Record a frame, and whether frames seem to be missing before it; `step` = 0: unknown."""
        if self.frames and step and time - self._last > step * GAP:
            self.gaps.append((self._last, time))
        self.frames += 1
        self._last = time

    def ended(self, end: Fraction, declared: Fraction | None, tolerance: Fraction) -> None:
        """Record where the last frame ended, and where the file states that it should."""
        if declared is not None and end + tolerance < declared:
            self.cut_off = (end, declared)

    def _even(self) -> bool:
        """Whether gaps are exceptions: at a varying rate they mean nothing."""
        return 0 < len(self.gaps) * EVEN_FRAMES <= self.frames

    def nothing(self) -> str:
        """Why no frame was read."""
        return (
            f"no frame of it could be decoded ({_counted(self.lost_count, 'packet')} of video found, all "
            "damaged or cut off); replace the file"
            if self.lost_count
            else "it ends before its first frame; replace the file"
        )

    def lines(self) -> tuple[str, ...]:
        """The problems, as lines for the user, damage first."""
        found: list[str] = []
        if self._even():
            places = ", ".join(
                f"{clock(before)} and {clock(after)}" for before, after in self.gaps[:MOST_GAPS]
            )
            more = ", ..." if len(self.gaps) > MOST_GAPS else ""
            found.append(
                f"no frames between {places}{more}, at an otherwise even rate; some seem to be missing"
            )
        if self.repaired:
            found.append(
                f"{_counted(self.repaired, 'frame')} without a time of its own after that of the frame "
                "before; spread evenly"
            )
        if self.resized:
            found.append(f"{_counted(self.resized, 'frame')} of another size than the first; scaled to it")
        if self.recoloured:
            found.append(
                f"{_counted(self.recoloured, 'frame')} of another pixel format, matrix or range than the "
                "first; converted to it"
            )
        if self.interlaced:
            found.append("interlaced; frames are used whole, and lines of two moments may show")
        return self.damage() + tuple(f"{self.name}: {line}" for line in found)

    def damage(self) -> tuple[str, ...]:
        """What could not be decoded, for the user."""
        found: list[str] = []
        if self.lost_count:
            first, last = (clock(time) for time in self.lost)
            where = f"near {first}" if first == last else f"between {first} and {last}"
            whole = self.replaced == self.lost_count
            instead = "the frame before stands in" if whole else "frames there are missing"
            found.append(f"{_counted(self.lost_count, 'packet')} {where} could not be decoded; {instead}")
        if self.damaged:
            found.append(f"{_counted(self.damaged, 'frame')} damaged; used as far as decoded")
        if self.cut_off:
            end, declared = (clock(time) for time in self.cut_off)
            found.append(f"ends at {end} instead of {declared}; the existing part is used")
        return tuple(f"{self.name}: {line}" for line in found)


def clock(time: Fraction) -> str:
    """A time as `hh:mm:ss.t`, without the hours if there are none."""
    tenths = round(time * 10)
    minutes, rest = divmod(abs(tenths), 600)
    hours, minutes = divmod(minutes, 60)
    text = f"{minutes:02}:{rest // 10:02}.{rest % 10}"
    return ("-" if tenths < 0 else "") + (f"{hours:02}:{text}" if hours else text)


def _counted(number: int, noun: str) -> str:
    return f"{number} {noun}{'s' if number != 1 else ''}"
