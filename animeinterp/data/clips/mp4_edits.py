"""How long an MP4 or MOV shows a track: its edit list, which FFmpeg's libraries do not tell."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path
from struct import unpack, unpack_from
from typing import BinaryIO

Span = tuple[int, int]  # of a box's content, in bytes of the file


def edited_end(path: Path, track: int) -> Fraction | None:
    """Where a track ends by its edit list, in seconds; None without one, or with one that is damaged.

    Parameters
    ----------
    path
        The file.
    track
        Number of the track, which is FFmpeg's id of the stream.

    References
    ----------
    ISO/IEC 14496-12, sections 8.2.2 (mvhd), 8.3.2 (tkhd) and 8.6.6 (elst).
    """
    try:
        with path.open("rb") as file:
            whole = (0, file.seek(0, 2))
            for movie in _inside(file, whole, b"moov"):
                ticks = [_number(file, span, 12, 20) for span in _inside(file, movie, b"mvhd")]
                for trak in _inside(file, movie, b"trak"):
                    ids = [_number(file, span, 12, 20) for span in _inside(file, trak, b"tkhd")]
                    if ids == [track]:
                        lasts = sum(
                            sum(_durations(file, edits))
                            for edts in _inside(file, trak, b"edts")
                            for edits in _inside(file, edts, b"elst")
                        )
                        return Fraction(lasts, ticks[0]) if lasts else None
    except (OSError, struct.error, IndexError, ZeroDivisionError):
        return None
    return None


def _inside(file: BinaryIO, span: Span, wanted: bytes) -> Iterator[Span]:
    at, end = span
    while at + 8 <= end:
        file.seek(at)
        size, kind = unpack(">I4s", file.read(8))
        head = 8
        if size == 1:
            size, head = unpack(">Q", file.read(8))[0], 16
        size = end - at if size == 0 else size
        if size < head:
            return
        if kind == wanted:
            yield at + head, min(at + size, end)
        at += size


def _number(file: BinaryIO, span: Span, short: int, long: int) -> int:
    """Four bytes of a box of version 0 or 1."""
    file.seek(span[0])
    content = file.read(long + 4)
    return int(unpack_from(">I", content, long if content[0] else short)[0])


def _durations(file: BinaryIO, span: Span) -> Iterator[int]:
    file.seek(span[0])
    content = file.read(span[1] - span[0])
    entry = ">QqI" if content[0] else ">IiI"
    size = 20 if content[0] else 12
    for index in range(unpack_from(">I", content, 4)[0]):
        yield unpack_from(entry, content, 8 + size * index)[0]
