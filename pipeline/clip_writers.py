"""What a clip made is written to: a video or numbered images, whole under its name or not at all."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path
from types import TracebackType
from typing import Protocol, Self

from configs.sections import ClipSection
from data.clips.clip import Alpha, Clip, ClipFrame
from data.images import Frame


class ClipWriter(Protocol):
    """Takes the frames of a clip made, in the order in which they are shown.

    A context manager: what it has written appears under its name by `finish`, and is removed when the
    context is left without it.
    """

    @property
    def notes(self) -> tuple[str, ...]:
        """What in the output is not as in the source, and why: pixel format, transparency, sound."""

    def __enter__(self) -> Self: ...

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None: ...

    def original(self, frame: ClipFrame, start: Fraction, duration: Fraction) -> None:
        """Write a frame of the source as it is, shown from `start` on for `duration` seconds."""

    def drawn(self, image: Frame, alpha: Alpha | None, start: Fraction, duration: Fraction) -> None:
        """Write a frame made: RGB laid over white, as `ClipFrame.rgb` gives it, and its transparency."""

    def finish(self) -> None:
        """Complete the output, flush it to disk and give it its name."""


def check_output(
    clip: Clip, output: Path, section: ClipSection, *, overwrite: bool = False, only_between: bool = False
) -> tuple[str, ...]:
    """Make sure, before any work, that an output can be written; gives the writer's notes."""
    raise NotImplementedError


def open_writer(
    clip: Clip,
    output: Path,
    section: ClipSection,
    *,
    time_base: Fraction,
    overwrite: bool = False,
    only_between: bool = False,
    first_number: int = 1,
) -> ClipWriter:
    """Writer of an output, chosen by its name."""
    raise NotImplementedError


def common_time_base(times: list[Fraction]) -> Fraction:
    """Largest unit of which all times are multiples."""
    raise NotImplementedError
