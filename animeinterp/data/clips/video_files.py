"""Opening a video, finding its video stream, and reading packets past damaged places."""

from __future__ import annotations

import errno
import re
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
from av.container import InputContainer
from av.stream import Disposition
from av.video.stream import VideoStream

from animeinterp.configs.errors import DataError
from animeinterp.data.clips.mp4_edits import edited_end
from animeinterp.data.clips.reading_report import ReadingReport

MOST_FAILURES = 100  # reads that fail in a row, after which the rest of a file counts as unreadable
NO_PICTURES = Disposition.attached_pic | Disposition.timed_thumbnails
SUSPICIOUS_RATE = 2  # times the guessed rate: a higher average is due to a wrong header


def open_video(path: Path) -> InputContainer:
    """Open a video to demultiplex it.

    Raises
    ------
    DataError
        FFmpeg cannot read it, or it is an image.
    """
    try:
        # With `file:`, a colon in a name is not taken for a protocol.
        container = av.open(f"file:{path}", "r", metadata_errors="replace")
    except av.error.FFmpegError as error:
        if error.errno in (errno.ENOENT, errno.EACCES, errno.EISDIR):
            raise DataError(f"{path}: cannot be read ({error.strerror})") from None
        raise DataError(
            f"{path}: not a video that FFmpeg can read ({error.strerror}), or cut off before its index; "
            "expected MP4, MKV, MOV, WebM, AVI or the like; check that the file is complete"
        ) from None
    if container.format.name in ("image2", "tty") or container.format.name.endswith("_pipe"):
        container.close()
        raise DataError(
            f"{path}: a single image or text, not a video; for images name a folder, a glob or all of them"
        )
    return container


def video_stream(container: InputContainer, path: Path) -> VideoStream:
    """The video stream: the first one that is not cover art.

    Raises
    ------
    DataError
        There is none, or FFmpeg has no decoder for it.
    """
    stream = next((s for s in container.streams.video if not s.disposition & NO_PICTURES), None)
    if stream is None:
        kinds = sorted({str(s.type) for s in container.streams}) or ["nothing"]
        raise DataError(f"{path}: no video in it, only {', '.join(kinds)}; name a file with pictures")
    if stream.codec_context is None:
        raise DataError(f"{path}: its video codec is unknown to FFmpeg; convert the file")
    return stream


def packets(container: InputContainer, stream: Any, report: ReadingReport | None = None) -> Iterator[Any]:
    """Packets of one or several streams, past unreadable places."""
    failures, reached = 0, Fraction(0)
    while failures < MOST_FAILURES:
        try:
            for packet in container.demux(stream):
                if packet.dts is not None:
                    reached = packet.dts * packet.time_base
                failures = 0
                yield packet
            return
        except av.error.FFmpegError:
            failures += 1
    if report is not None:
        report.lose(reached)


def mean_rate(stream: VideoStream) -> Fraction:
    """Frames per second of a stream, the mean if it varies; 24 if unknown."""
    average, guessed = stream.average_rate, stream.guessed_rate
    if not average or (guessed and (stream.start_time is None or average > SUSPICIOUS_RATE * guessed)):
        average = guessed
    return average or Fraction(24)


def declared_end(path: Path, stream: VideoStream) -> Fraction | None:
    """The stated end of the video, in the file's time."""
    tick = stream.time_base or Fraction(1)
    # FFmpeg's duration of an MP4 is that of its frames in decoding order.
    edited = edited_end(path, stream.id) if "mp4" in stream.container.format.name else None
    if edited is not None:
        return edited
    if stream.duration is not None:
        return ((stream.start_time or 0) + stream.duration) * tick
    text = re.match(r"(\d+):(\d+):(\d+(?:\.\d+)?)", stream.metadata.get("DURATION", ""))  # Matroska's
    if text is None:
        return None
    seconds = int(text[1]) * 3600 + int(text[2]) * 60 + Fraction(text[3])
    # To FFmpeg it is when the stream ends, to mkvmerge, which adds statistics, how long it lasts.
    lasts = any(key.startswith("_STATISTICS") for key in stream.metadata)
    return (stream.start_time or 0) * tick + seconds if lasts else seconds
