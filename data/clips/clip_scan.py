"""What a clip's frames are to each other: repeats of a drawing, cuts, fades, motion; and its black bars."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from typing import Literal

Change = Literal["first", "repeat", "motion", "fade", "cut"]


@dataclass(frozen=True, slots=True)
class ClipScan:
    """Every frame of a clip beside the one before it."""

    size: tuple[int, int]
    """Height and width."""
    starts: tuple[Fraction, ...]
    """When each frame is shown, seconds from the first."""
    end: Fraction
    """When the last one ends."""
    changes: tuple[Change, ...]
    """What each frame is to the drawing before it; that of frame 0 is `first`."""
    differences: tuple[float, ...]
    """How far each frame is from the drawing before it, as the repeat threshold counts; 0 for frame 0."""
    bars: tuple[int, int, int, int]
    """Rows above and below, columns left and right, that are black in every frame."""
    problems: tuple[str, ...]
    """What could not be read."""

    def drawings(self) -> tuple[int, ...]:
        """For each frame the first frame of its drawing."""
        found: list[int] = []
        for index, change in enumerate(self.changes):
            found.append(found[-1] if change == "repeat" else index)
        return tuple(found)
