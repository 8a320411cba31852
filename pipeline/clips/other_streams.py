"""Copying sound, subtitles, chapters, fonts and metadata of a video into the output video, in sync."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import ExitStack
from fractions import Fraction
from typing import Any, Protocol

import av
from av.codec.codec import Codec
from av.container import InputContainer, OutputContainer
from av.stream import Disposition

from data.clips.video import VideoClip
from data.clips.video_files import open_video, packets

SOUND_ENCODERS = ("aac", "libopus", "libmp3lame", "pcm_s16le")  # the first that the container holds
SUBTITLE_ENCODERS = ("mov_text", "subrip", "webvtt")
SUFFIXES = {"matroska": "mkv"}
SOUND_BITS = 96_000  # bits per second and channel of re-encoded sound
OPUS_RATE = 48_000
# Metadata about how a file was made, not about its content.
OF_THE_FILE = re.compile(
    r"major_brand|minor_version|compatible_brands|encoder|duration|vendor_id|rotate|alpha_mode|"
    r"(bps|number_of_frames|number_of_bytes|_statistics_\w+|duration)(-\w+)?",
    re.IGNORECASE,
)


class Carrier(Protocol):
    """Copies one stream."""

    def carry(self, packet: Any) -> Iterator[Any]:
        """Packets to write for a packet read."""

    def rest(self) -> Iterator[Any]:
        """Packets to write at the end."""


class OtherStreams:
    """Copies everything in a video except its pictures to an output that already has its pictures.

    Attributes
    ----------
    notes
        What is not copied unchanged, and why.
    offset
        When the first picture is shown in the output, in seconds, so that sound stays in sync.
    """

    def __init__(self, clip: VideoClip, out: OutputContainer) -> None:
        self.notes: list[str] = []
        self._out = out
        self._open = ExitStack()
        self._source = self._open.enter_context(open_video(clip.path))
        self._carriers: dict[int, Carrier] = {}
        base = _beginning(self._source, clip)
        self.offset = clip.origin - base
        self._base = base
        self._take(clip.stream_index)
        read = [self._source.streams[index] for index in self._carriers]
        self._packets = packets(self._source, read) if read else iter(())
        self._next: tuple[Fraction, Any] | None = None  # read, but not due yet

    def advance(self, until: Fraction | None) -> None:
        """Write everything before a time of the output; everything left if it is None."""
        while True:
            if self._next is None:
                packet = next(self._packets, None)
                if packet is None:
                    break
                if packet.size == 0:  # marks the end
                    continue
                self._next = (self._shift(packet), packet)
            time, packet = self._next
            if until is not None and time >= until:
                return
            self._next = None
            for carried in self._carriers[packet.stream_index].carry(packet):
                self._out.mux(carried)
        if until is None:
            for carrier in self._carriers.values():
                for carried in carrier.rest():
                    self._out.mux(carried)

    def close(self) -> None:
        """Close the source."""
        self._open.close()

    def _shift(self, packet: Any) -> Fraction:
        """Convert a packet to the output's time; return when it is due."""
        shift = round(self._base / packet.time_base)
        if packet.dts is None:  # of cover art, which has no time
            packet.dts = shift if packet.pts is None else packet.pts
        packet.dts -= shift
        packet.pts = packet.dts if packet.pts is None else packet.pts - shift
        return Fraction(packet.dts * packet.time_base)

    def _take(self, pictures: int) -> None:
        self._out.metadata.update(about(self._source.metadata))
        main = self._out.streams.video[0]
        main.metadata.update(about(self._source.streams[pictures].metadata))
        main.disposition = self._source.streams[pictures].disposition
        for stream in self._source.streams:
            if stream.index != pictures:
                self._take_stream(stream)
        shifted = []
        for chapter in self._source.chapters():
            shift = round(self._base / (chapter["time_base"] or Fraction(1)))
            shifted.append({**chapter, "start": chapter["start"] - shift, "end": chapter["end"] - shift})
        self._out.set_chapters(shifted)  # type: ignore[arg-type]

    def _take_stream(self, stream: Any) -> None:
        if stream.type == "video" and not stream.disposition & Disposition.attached_pic:
            self.notes.append(f"{_named(stream)} is left out: a clip has one stream of pictures")
            return
        if stream.type == "attachment":
            self._take_attachment(stream)
            return
        if stream.type == "data" and stream.name == "bin_data" and self._source.chapters():
            return  # MP4 has its chapters' titles in a track
        if stream.type not in ("video", "audio", "subtitle") or stream.codec_context is None:
            self.notes.append(f"{_named(stream)} is left out: its content is unknown")
            return
        carrier = self._copied(stream) or self._converted(stream)
        if carrier is not None:
            self._carriers[stream.index] = carrier

    def _take_attachment(self, stream: Any) -> None:
        if self._out.format.name != "matroska":
            self.notes.append(f"{_named(stream)} is left out: only .mkv holds attachments")
            return
        name = stream.metadata.get("filename", "attachment")
        self._out.add_attachment(name, stream.mimetype or "application/octet-stream", stream.data)

    def _copied(self, stream: Any) -> Carrier | None:
        try:
            if stream.type == "video" and self._out.format.name == "matroska":
                raise ValueError("Matroska keeps pictures as attachments")
            new = self._out.add_stream_from_template(stream, opaque=True)
        except ValueError:
            return None
        _describe(new, stream)
        return _Copy(new)

    def _converted(self, stream: Any) -> Carrier | None:
        """A re-encoder, if the output cannot hold the stream unchanged; None if it cannot hold it at all."""
        codec = stream.codec_context.codec
        where = f".{SUFFIXES.get(self._out.format.name, self._out.format.name)}"
        held = self._out.supported_codecs
        if stream.type == "audio":
            encoder = next((name for name in SOUND_ENCODERS if name in held), None)
            if encoder is not None:
                self.notes.append(
                    f"{_named(stream)} is re-encoded as {_codec(encoder)}: {where} cannot hold it unchanged"
                )
                return _Sound(self._out, stream, encoder)
        elif stream.type == "subtitle" and codec.text_sub:
            encoder = next((name for name in SUBTITLE_ENCODERS if name in held), None)
            if encoder is not None:
                self.notes.append(
                    f"{_named(stream)} is converted to {_codec(encoder)}, which may lose styles: {where} "
                    "cannot hold it unchanged"
                )
                return _Subtitles(self._out, stream, encoder)
        self.notes.append(f"{_named(stream)} is left out: {where} cannot hold it")
        return None


def about(metadata: dict[str, str]) -> dict[str, str]:
    """Metadata without the entries about how the file was made."""
    return {key: value for key, value in metadata.items() if not OF_THE_FILE.fullmatch(key)}


class _Copy:
    """Copies packets unchanged."""

    def __init__(self, stream: Any) -> None:
        self._stream = stream
        self._last: int | None = None

    def carry(self, packet: Any) -> Iterator[Any]:
        if self._last is not None and packet.dts <= self._last:  # of a damaged source; no container takes it
            packet.dts = self._last + 1
            packet.pts = max(packet.pts, packet.dts)
        self._last = packet.dts
        packet.stream = self._stream
        yield packet

    def rest(self) -> Iterator[Any]:
        return iter(())


class _Sound:
    """Decodes and re-encodes sound."""

    def __init__(self, out: OutputContainer, stream: Any, encoder: str) -> None:
        self._source = stream
        source = stream.codec_context
        rate = OPUS_RATE if encoder == "libopus" else source.sample_rate
        new: Any = out.add_stream(encoder, rate=rate)
        self._stream = new
        self._stream.layout = source.layout
        self._stream.bit_rate = SOUND_BITS * len(source.layout.channels)
        self._stream.codec_context.flags |= av.codec.context.Flags.bitexact
        _describe(self._stream, stream)

    def carry(self, packet: Any) -> Iterator[Any]:
        try:
            frames = packet.decode()
        except av.error.FFmpegError:
            return  # a damaged packet: silence for its time
        for frame in frames:
            yield from self._stream.encode(frame)

    def rest(self) -> Iterator[Any]:
        for frame in self._source.decode(None):
            yield from self._stream.encode(frame)
        yield from self._stream.encode(None)


class _Subtitles:
    """Converts text subtitles to another format."""

    def __init__(self, out: OutputContainer, stream: Any, encoder: str) -> None:
        self._decoder = stream.codec_context
        self._decoder.open(strict=False)
        new: Any = out.add_stream(encoder)
        self._stream = new
        self._stream.codec_context.subtitle_header = self._decoder.subtitle_header
        self._stream.time_base = stream.time_base
        _describe(self._stream, stream)

    def carry(self, packet: Any) -> Iterator[Any]:
        try:
            subtitle = self._decoder.decode2(packet)
        except av.error.FFmpegError:
            return
        if subtitle is None or not len(subtitle):
            return
        new = self._stream.codec_context.encode_subtitle(subtitle)
        new.stream = self._stream
        new.time_base = packet.time_base
        new.pts, new.dts, new.duration = packet.pts, packet.dts, packet.duration
        yield new

    def rest(self) -> Iterator[Any]:
        return iter(())


def _beginning(source: InputContainer, clip: VideoClip) -> Fraction:
    """The source's time at which the output begins; later than 0 if its clock does not start at 0."""
    starts = [
        stream.start_time * stream.time_base
        for stream in source.streams.audio
        if stream.start_time is not None and stream.time_base is not None
    ]
    return min(clip.origin, max(Fraction(0), min([clip.origin, *starts])))


def _describe(new: Any, stream: Any) -> None:
    new.metadata.update(about(stream.metadata))
    new.disposition = stream.disposition


def _named(stream: Any) -> str:
    kind = {"video": "picture", "audio": "sound", "attachment": "attachment"}.get(stream.type, stream.type)
    codec = f", {stream.codec_context.codec.canonical_name}" if stream.codec_context is not None else ""
    name = stream.metadata.get("filename") or stream.metadata.get("language")
    return f"{kind} stream {stream.index}{codec}" + (f" ({name})" if name else "")


def _codec(encoder: str) -> str:
    return Codec(encoder, "w").canonical_name
