"""What a clip is, whatever it is kept in: frames in their order, each with the time it is shown."""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path
from typing import Protocol

from data.images import Alpha, Frame

__all__ = ["Alpha", "Clip", "ClipFrame"]


class ClipFrame(Protocol):
    """A frame of a clip, as read."""

    @property
    def index(self) -> int:
        """Position among the frames that could be read, from 0."""

    @property
    def start(self) -> Fraction:
        """When it is shown, in seconds from the first frame."""

    @property
    def duration(self) -> Fraction:
        """How long it is shown, in seconds: until the next frame, if there is one."""

    def rgb(self) -> Frame:
        """The picture: uint8 `(H, W, 3)`, RGB, upright; transparent pixels are laid over white."""

    def alpha(self) -> Alpha | None:
        """Its transparency: uint8 `(H, W)`, 255 = opaque; None for a clip without."""


class Clip(Protocol):
    """A clip that can be read again and again, from the beginning, in flat memory."""

    @property
    def name(self) -> str:
        """Name of its file or folder, without suffix."""

    @property
    def sources(self) -> tuple[Path, ...]:
        """The files it is kept in."""

    @property
    def size(self) -> tuple[int, int]:
        """Height and width of its frames, upright."""

    @property
    def rate(self) -> Fraction:
        """Frames a second; their mean where it varies."""

    @property
    def expected_frames(self) -> int:
        """How many frames it has, as far as that is known before reading them; for showing progress."""

    @property
    def has_alpha(self) -> bool:
        """Whether its frames have transparency."""

    @property
    def problems(self) -> tuple[str, ...]:
        """What could not be read, as far as has been read."""

    def digest(self) -> str:
        """SHA-256 of everything its frames depend on: contents of its files, in their order, and the rate."""

    def frames(self) -> Iterator[ClipFrame]:
        """Its frames from the first one."""
