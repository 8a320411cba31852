"""Writes a clip as a video: originals in their pixel format, exact times, sound in sync."""

from __future__ import annotations

from contextlib import suppress
from fractions import Fraction
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import av
import numpy as np
from av.container import OutputContainer

from configs.errors import AnimeInterpError, DataError
from configs.sections import ClipSection
from data.clips.clip import Alpha, Clip, ClipFrame
from data.clips.frame_times import common_time_base
from data.clips.pictures import PictureConverter, kind_of, off_white
from data.clips.video import VideoClip
from data.images import Frame, read_rgba
from pipeline.clips.other_streams import OtherStreams
from pipeline.clips.output_files import cannot_write, prepare_place, unfinished
from pipeline.clips.video_encoding import CONTAINERS, Encoding, encoder_options, ordinary_priority, prepare
from pipeline.store.commits import sync

FINEST_TICK = Fraction(1, 1_000_000)  # MP4 counts ticks a second in 32 bits
FINEST_TICKS = {"mpeg4": Fraction(1, 65_535)}  # by encoder
# No dates or random ids in the file; the index of MP4 comes first, so that it plays while loading.
CONTAINER_OPTIONS = {"fflags": "+bitexact"}
INDEX_FIRST = {"mp4": {"movflags": "+faststart"}, "mov": {"movflags": "+faststart"}}


class VideoWriter:
    """A `ClipWriter` of a video.

    Parameters
    ----------
    clip
        The source, whose sound and metadata are copied.
    output
        The file.
    section
        Quality, and whether sound is copied.
    encoding
        Encoder and options.
    time_base
        Unit of time, in seconds, of which all starts are multiples.
    rate
        Frames a second; their mean where it varies.
    """

    def __init__(
        self,
        clip: Clip,
        output: Path,
        section: ClipSection,
        encoding: Encoding,
        *,
        time_base: Fraction,
        rate: Fraction,
    ) -> None:
        self._clip = clip
        self._output = output
        self._section = section
        self._encoding = encoding
        self._rate = rate
        self._tick = time_base
        self._unfinished = unfinished(output)
        self._converter = PictureConverter()
        self._container: OutputContainer | None = None
        self._stream: Any = None
        self._others: OtherStreams | None = None
        self._offset = Fraction(0)
        self._last = -1
        self._durations: dict[int, int] = {}
        self._notes: tuple[str, ...] = encoding.notes

    @property
    def notes(self) -> tuple[str, ...]:
        """Differences of the output from the source, with reasons."""
        return self._notes

    def __enter__(self) -> Self:
        container = CONTAINERS[self._output.suffix.lower()]
        try:
            prepare_place(self._output)
            self._container = av.open(
                f"file:{self._unfinished}",
                "w",
                format=container,
                container_options=CONTAINER_OPTIONS | INDEX_FIRST.get(container, {}),
            )
        except OSError as error:
            raise cannot_write(self._output, error) from None
        self._stream = add_pictures(self._container, self._encoding, self._clip, self._section, self._rate)
        if self._section.sound and isinstance(self._clip, VideoClip):
            self._others = OtherStreams(self._clip, self._container)
            self._offset = self._others.offset
            self._notes += tuple(self._others.notes)
        self._tick = max(
            common_time_base([self._tick, self._offset]),
            FINEST_TICKS.get(self._encoding.encoder, FINEST_TICK),
        )
        self._stream.codec_context.time_base = self._tick
        self._stream.time_base = self._tick
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._others is not None:
            self._others.close()
        if self._container is not None:
            # Left without `finish`: the output of closing and its errors do not matter.
            with suppress(av.error.FFmpegError, OSError, ValueError):
                self._container.close()
            self._container = None
        with suppress(OSError):
            self._unfinished.unlink(missing_ok=True)

    def original(self, frame: ClipFrame, start: Fraction, duration: Fraction) -> None:
        """Write a frame of the source unchanged.

        Raises
        ------
        DataError
            The file cannot be written.
        """
        picture: av.VideoFrame | None = getattr(frame, "picture", None)
        path: Path | None = getattr(frame, "path", None)
        if path is not None and self._encoding.kind.has_alpha:
            pixels = read_rgba(path)  # blending over white and undoing it would round twice
            picture = None if pixels is None else av.VideoFrame.from_ndarray(pixels, format="rgba")
        if picture is None or (kind_of(picture).has_alpha and not self._encoding.kind.has_alpha):
            self.drawn(frame.rgb(), frame.alpha(), start, duration)
            return
        kind, wanted = kind_of(picture), self._encoding.kind
        if kind.format != wanted.format or kind.is_full_range != wanted.is_full_range:
            picture = self._converter.convert(picture, wanted)
        self._encode(picture, start, duration)

    def drawn(self, image: Frame, alpha: Alpha | None, start: Fraction, duration: Fraction) -> None:
        """Write an in-between frame.

        Raises
        ------
        DataError
            The file cannot be written.
        """
        if self._encoding.kind.has_alpha:
            shown = np.full(image.shape[:2], 255, np.uint8) if alpha is None else alpha
            pixels = np.dstack([off_white(image, shown), shown])
            picture = av.VideoFrame.from_ndarray(np.ascontiguousarray(pixels), format="rgba")
        else:
            picture = av.VideoFrame.from_ndarray(np.ascontiguousarray(image), format="rgb24")
        self._encode(self._converter.convert(picture, self._encoding.kind), start, duration)

    def finish(self) -> None:
        """Complete the file, flush it to disk and give it its name.

        Raises
        ------
        DataError
            It cannot be written.
        """
        if self._container is None or self._last < 0:
            raise DataError(f"{self._output}: no frame to write")
        try:
            self._mux(self._stream.encode(None))
            if self._others is not None:
                self._others.advance(None)
            self._container.close()
            self._container = None
            sync(self._unfinished)
            self._unfinished.replace(self._output)
            sync(self._output.parent)
        except (av.error.FFmpegError, OSError) as error:
            raise self._trouble(error) from None

    def _encode(self, picture: av.VideoFrame, start: Fraction, duration: Fraction) -> None:
        begin = max(round((self._offset + start) / self._tick), self._last + 1)
        end = max(round((self._offset + start + duration) / self._tick), begin + 1)
        self._last = begin
        self._durations[begin] = end - begin
        picture.pts, picture.time_base, picture.duration = begin, self._tick, end - begin
        picture.pict_type = 0  # else the encoder makes key frames where the source has them
        try:
            with ordinary_priority():
                packets = self._stream.encode(picture)
            self._mux(packets)
            if self._others is not None:
                self._others.advance(self._offset + start)
        except (av.error.FFmpegError, OSError) as error:
            raise self._trouble(error) from None

    def _mux(self, packets: list[Any]) -> None:
        if self._container is None:
            raise DataError(f"{self._output}: written to after it was finished")
        for packet in packets:
            packet.duration = self._durations.pop(packet.pts, packet.duration)
            self._container.mux(packet)

    def _trouble(self, error: Exception) -> AnimeInterpError:
        if isinstance(error, OSError):
            return cannot_write(self._output, error)
        said = getattr(error, "strerror", None) or error
        return DataError(
            f"{self._output}: {self._encoding.encoder} or the container failed ({said}); choose another "
            "codec or output (--set clip.codec=h264, or .mkv), or leave sound out: --set clip.sound=false"
        )


def add_pictures(
    container: OutputContainer, encoding: Encoding, clip: Clip, section: ClipSection, rate: Fraction
) -> Any:
    """Add the stream of pictures to an output, as first."""
    stream: Any = container.add_stream(
        encoding.encoder, rate=rate, options=encoder_options(encoding.encoder, section.quality)
    )
    prepare(stream.codec_context, encoding.kind, clip.size)
    if isinstance(clip, VideoClip):
        stream.codec_context.sample_aspect_ratio = clip.aspect
    if encoding.kind.has_alpha and encoding.encoder in ("libvpx", "libvpx-vp9"):
        stream.metadata["alpha_mode"] = "1"
    return stream
