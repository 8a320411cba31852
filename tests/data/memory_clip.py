"""Clips held in memory: arrays as they are, or as a codec gives them back."""

from __future__ import annotations

import hashlib
import io
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import av
import numpy as np

from animeinterp.data.images import Frame

RATE = 24


@dataclass(frozen=True)
class MemoryFrame:
    index: int
    picture: Frame
    transparency: Frame | None = None

    @property
    def start(self) -> Fraction:
        return Fraction(self.index, RATE)

    @property
    def duration(self) -> Fraction:
        return Fraction(1, RATE)

    def rgb(self) -> Frame:
        return self.picture

    def alpha(self) -> Frame | None:
        return self.transparency


@dataclass(frozen=True)
class MemoryClip:
    pictures: Sequence[Frame]
    alphas: Sequence[Frame] | None = None
    name: str = "drawn"
    notes: tuple[str, ...] = ()
    problems: tuple[str, ...] = ()
    damage: tuple[str, ...] = ()
    files: tuple[Path, ...] = ()
    leading: int = 0
    sources: tuple[Path, ...] = ()
    rate: Fraction = Fraction(RATE)

    @property
    def size(self) -> tuple[int, int]:
        return self.pictures[0].shape[:2] if self.pictures else (0, 0)

    @property
    def has_alpha(self) -> bool:
        return self.alphas is not None

    def digest(self) -> str:
        return hashlib.sha256(b"".join(picture.tobytes() for picture in self.pictures)).hexdigest()

    def frames(self) -> Iterator[MemoryFrame]:
        for index, picture in enumerate(self.pictures):
            yield MemoryFrame(index, picture, self.alphas[index] if self.alphas is not None else None)


def encoded(pictures: Sequence[Frame], codec: str, crf: int) -> list[Frame]:
    """Pictures as a codec at this quality gives them back."""
    file = io.BytesIO()
    with av.open(file, "w", format="mp4") as container:
        stream = container.add_stream(codec, rate=RATE)
        stream.height, stream.width, stream.pix_fmt = *pictures[0].shape[:2], "yuv420p"
        stream.options = {"crf": str(crf)}
        if codec == "libx265":
            stream.options |= {"x265-params": "log-level=error"}
        for picture in pictures:
            container.mux(
                stream.encode(av.VideoFrame.from_ndarray(np.ascontiguousarray(picture), format="rgb24"))
            )
        container.mux(stream.encode())
    file.seek(0)
    with av.open(file) as container:
        return [frame.to_ndarray(format="rgb24") for frame in container.decode(video=0)]
