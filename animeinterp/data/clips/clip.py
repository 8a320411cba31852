"""The interface of clips: frames in order, each with the time it is shown."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import numpy as np

from animeinterp.data.exr import to_linear
from animeinterp.data.images import Alpha, DeepFrame, Frame, LinearFrame, to_uint16

__all__ = ["Alpha", "Clip", "ClipFrame"]


@dataclass(frozen=True, slots=True)
class ClipFrame(ABC):
    """A frame of a clip, as read."""

    index: int
    """Position in the clip, from 0."""
    start: Fraction
    """When it is shown, in seconds from the first frame."""
    duration: Fraction
    """How long it is shown, in seconds: until the next frame, if there is one."""

    @abstractmethod
    def rgb(self) -> Frame:
        """The picture: uint8 `(H, W, 3)`, RGB, upright; transparent pixels are blended over white."""

    def deep(self) -> DeepFrame:
        """The picture with 16 bits a channel, as far as it has them: uint16 `(H, W, 3)`."""
        return to_uint16(self.rgb())

    def linear(self) -> LinearFrame:
        """The picture in scene-linear values: float32 `(H, W, 3)`, 0 and up."""
        return to_linear(self.deep() / np.float32(65535))

    @abstractmethod
    def alpha(self) -> Alpha | None:
        """Its transparency: uint8 `(H, W)`, 255 = opaque; None for a clip without."""


class Clip(ABC):
    """A clip that can be read repeatedly from the beginning, in constant memory."""

    name: str
    """Name of its file or folder, without suffix."""
    sources: tuple[Path, ...]
    """Its files."""
    files: tuple[Path, ...] = ()
    """For each frame the image file that shows it; empty if frames are not files."""
    numbering: tuple[int, int] | None = None
    """Number of the first image and step from each to the next, where their names have such."""
    leading: int = 0
    """Unreadable frames at the beginning, for which the first readable one stands in."""
    size: tuple[int, int]
    """Height and width of its frames, upright."""
    rate: Fraction
    """Frames per second; the mean if it varies."""
    expected_frames: int
    """Estimated number of frames, for showing progress."""
    bits: int = 8
    """Bits a channel of its frames that stages can draw from; 32 = scene-linear values."""
    has_alpha: bool
    """Whether its frames have transparency."""
    notes: tuple[str, ...] = ()
    """What was decided about its files that nobody has asked for: their order, what is passed over."""

    @property
    @abstractmethod
    def problems(self) -> tuple[str, ...]:
        """Problems found so far while reading, damage included."""

    @property
    @abstractmethod
    def damage(self) -> tuple[str, ...]:
        """What could not be read so far: for its sake the clip made from this one is not complete."""

    @abstractmethod
    def digest(self) -> str:
        """SHA-256 of everything its frames depend on: the content of its files, in order, and the rate.

        Raises
        ------
        DataError
            A file cannot be read.
        """

    @abstractmethod
    def frames(self) -> Iterator[ClipFrame]:
        """Its frames from the first one.

        Raises
        ------
        DataError
            None can be read, or the clip is gone or has changed since it was opened.
        """
