"""A clip of pictures in memory."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path

import numpy as np

from animeinterp.data.clips.clip import Alpha
from animeinterp.data.images import Frame


@dataclass
class ListedFrame:
    index: int
    picture: Frame
    transparency: Alpha | None

    @property
    def start(self) -> Fraction:
        return Fraction(self.index, 24)

    @property
    def duration(self) -> Fraction:
        return Fraction(1, 24)

    def rgb(self) -> Frame:
        return self.picture

    def alpha(self) -> Alpha | None:
        return self.transparency


@dataclass
class ListedClip:
    pictures: Sequence[Frame]
    alphas: Sequence[Alpha] | None = None
    name: str = "a clip, of sorts"
    passes: int = 0
    problems: tuple[str, ...] = ()
    damage: tuple[str, ...] = ()
    files: tuple[Path, ...] = ()
    leading: int = 0
    bits: int = 8
    rate: Fraction = field(default=Fraction(24))

    @property
    def sources(self) -> tuple[Path, ...]:
        return (Path("clip.mp4"),)

    @property
    def size(self) -> tuple[int, int]:
        height, width = self.pictures[0].shape[:2]
        return height, width

    @property
    def has_alpha(self) -> bool:
        return self.alphas is not None

    @property
    def expected_frames(self) -> int:
        return len(self.pictures)

    def digest(self) -> str:
        return "0123456789abcdef" * 4

    def frames(self) -> Iterator[ListedFrame]:
        self.passes += 1
        for index, picture in enumerate(self.pictures):
            yield ListedFrame(index, picture, None if self.alphas is None else self.alphas[index])


def grey(value: int, size: tuple[int, int] = (16, 24)) -> Frame:
    return np.full((*size, 3), value, np.uint8)
