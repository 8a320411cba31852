"""What is in videos, seen by PyAV's FFmpeg libraries: another build than the program that wrote them."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import av
import numpy as np

from tests.drawn_videos import onset

EMPTY_SUBTITLE = 2  # bytes, by which MP4 ends the one before


def pictures_start(path: Path) -> Fraction:
    """When the first picture is shown, in the file's time."""
    with av.open(str(path)) as source:
        if source.format.name == "avi":  # begins with its pictures, whatever times FFmpeg makes up for them
            return Fraction(0)
        picture = next(source.decode(video=0))
        return Fraction((picture.pts or 0) * (picture.time_base or 1))


def packet_times(path: Path, kind: str, number: int = 0) -> tuple[list[Fraction], Fraction]:
    """When each packet of a stream is shown, in seconds from the first picture; and the stream's tick."""
    start = pictures_start(path)
    with av.open(str(path)) as source:
        stream = source.streams.get(**{kind: number})[0]  # type: ignore[arg-type]
        empty = EMPTY_SUBTITLE if kind == "subtitles" else 0
        times = [
            Fraction(packet.pts * packet.time_base) - start
            for packet in source.demux(stream)
            if packet.size > empty and packet.pts is not None
        ]
        return times, Fraction(stream.time_base or 1)


def codecs(path: Path, kind: str) -> list[str]:
    """Codecs of the streams of a kind."""
    with av.open(str(path)) as source:
        return [
            stream.codec_context.codec.canonical_name
            for stream in source.streams
            if stream.type == kind and stream.codec_context is not None
        ]


def heard_after(path: Path) -> float:
    """Seconds from the first picture to where the first sound stream is heard."""
    with av.open(str(path)) as source:
        frames = list(source.decode(audio=0))
    rate = frames[0].sample_rate
    first = min(frame.time for frame in frames if frame.time is not None)
    planes = [frame.to_ndarray() for frame in frames]
    samples = np.concatenate([plane[0] for plane in planes]).astype(np.float32)
    channels = 1 if frames[0].format.is_planar else frames[0].layout.nb_channels
    kind = planes[0].dtype
    if kind.kind != "f":
        samples = (samples - 128 * (kind == np.uint8)) / np.iinfo(kind).max
    return float(first) + onset(samples[::channels], rate) - float(pictures_start(path))


def display_shape(path: Path) -> Fraction:
    """Width over height as players show it."""
    with av.open(str(path)) as source:
        stream = source.streams.video[0]
        next(source.decode(video=0))
        return Fraction(stream.width, stream.height) * (stream.sample_aspect_ratio or 1)
