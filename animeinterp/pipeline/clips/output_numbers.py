"""Numbers of the images that a clip is written as."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction

from animeinterp.data.clips.clip import Clip
from animeinterp.pipeline.clips.timeline import Cadence

NO_TIMES = "the frame rate varies, and numbered images have no times: --fps makes it constant"


@dataclass(frozen=True)
class Numbers:
    """Numbers of an output sequence.

    Parameters
    ----------
    clip
        Its source, whose numbers are kept; None = frames are numbered from 1.
    slow
        How many times longer the output takes.

    Notes
    -----
    Images 1001, 1003, 1005 have a free number between each two: with twice the frames every original keeps
    its own, and the frames drawn get 1002 and 1004. Where there is no such place, as between 1001 and 1002,
    frames are counted from the first number.
    """

    clip: Clip | None
    slow: int = 1

    def of(self, cadence: Cadence) -> int | Callable[[Fraction], int]:
        """The number of a frame by the time that it is shown, or the first one if they are counted."""
        if self.clip is None or self.clip.numbering is None:
            return 1
        first, step = self.clip.numbering
        a_second = self.clip.rate * step / self.slow
        if (a_second * cadence.time_base).denominator != 1:
            return first
        return lambda start: first + int(a_second * start)

    def notes(self, cadence: Cadence) -> tuple[str, ...]:
        """What to say of the numbers, and of times that they do not tell."""
        told = () if cadence.is_even else (NO_TIMES,)
        numbers = self.of(cadence)
        if self.clip is None or self.clip.numbering is None or not isinstance(numbers, int):
            return told
        first, step = self.clip.numbering
        return (
            *told,
            f"frames are renumbered, {numbers} to {numbers + cadence.count - 1}: there are not enough "
            f"numbers between {first} and {first + step}",
        )
