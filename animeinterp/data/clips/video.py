"""A video as a clip: any video that FFmpeg decodes, frame by frame, upright, each at its exact time."""

from __future__ import annotations

from collections.abc import Generator, Iterator
from contextlib import closing
from dataclasses import dataclass, field
from fractions import Fraction
from hashlib import sha256
from pathlib import Path
from typing import Any

import av
from av.container import InputContainer
from av.video.stream import VideoStream

from animeinterp.configs.errors import DataError
from animeinterp.configs.files import sha256_of
from animeinterp.data.clips.clip import Alpha, Clip, ClipFrame
from animeinterp.data.clips.frame_times import FrameTimes, TimeGuess
from animeinterp.data.clips.pictures import PictureConverter, PictureKind, Turner, is_mirrored, kind_of
from animeinterp.data.clips.reading_report import ReadingReport
from animeinterp.data.clips.video_files import declared_end, mean_rate, open_video, packets, video_stream
from animeinterp.data.images import Frame

# What pictures carry beside their pixels, and no writer takes.
BESIDE_PIXELS = {
    "HDR metadata": "MASTERING_DISPLAY_METADATA CONTENT_LIGHT_LEVEL DYNAMIC_HDR_PLUS DOVI_METADATA",
    "closed captions": "A53_CC",
    "the layout of stereoscopic or spherical pictures": "STEREO3D SPHERICAL",
}
# FFmpeg decodes the transparency of these with these decoders only.
ALPHA_DECODERS = {"vp8": "libvpx", "vp9": "libvpx-vp9"}


@dataclass(frozen=True, slots=True)
class VideoFrame(ClipFrame):
    """A frame of a video."""

    picture: av.VideoFrame
    """As decoded, upright."""
    _converter: PictureConverter = field(repr=False)

    def rgb(self) -> Frame:
        """The picture over white."""
        return self._converter.rgb(self.picture)[0]

    def alpha(self) -> Alpha | None:
        """Its transparency."""
        return self._converter.rgb(self.picture)[1] if kind_of(self.picture).has_alpha else None


class VideoClip(Clip):
    """The first video stream of a file; cover art does not count.

    Decoded by one thread: with more, the result of damaged packets depends on chance, and a clip must be the
    same each time it is read.

    Raises
    ------
    DataError
        The file is not a video, or no frame of it can be decoded.
    """

    def __init__(self, path: Path) -> None:
        self.path, self.name, self.sources = path, path.stem, (path,)
        self._report = ReadingReport(path.name)
        with closing(self._pass(self._report)) as frames:
            first = next(frames, None)
            if first is None:
                raise DataError(f"{path}: {self._report.nothing()}")
        self.kind: PictureKind = kind_of(first.picture)
        """Kind of its pixels."""
        self.has_alpha = self.kind.has_alpha
        self.size = (first.picture.height, first.picture.width)
        side_data: Any = first.picture.side_data
        self.beside_pixels = tuple(
            name for name, kinds in BESIDE_PIXELS.items() if any(map(side_data.get, kinds.split()))
        )
        """Names of what its first picture carries beside its pixels."""
        with open_video(path) as container:
            stream = video_stream(container, path)
            turned, self._is_mirrored = first.turned, first.mirrored
            self.stream_index = stream.index
            self.rate = mean_rate(stream)
            self.time_base = stream.time_base or 1 / self.rate
            ends = declared_end(path, stream)
            lasts = 0 if ends is None else max(0, round((ends - first.time) * self.rate))
            self.expected_frames = stream.frames or lasts
            aspect = stream.sample_aspect_ratio or Fraction(1)
            self.aspect = 1 / aspect if turned and aspect else aspect
            """Width of a pixel over its height; 1 when unknown."""
        self.origin = first.time
        """When the first frame is shown in the time of the file, in seconds; sound is in sync with this."""

    @property
    def problems(self) -> tuple[str, ...]:
        """Problems found in the pass that got furthest."""
        return self._report.lines()

    @property
    def damage(self) -> tuple[str, ...]:
        """What could not be decoded in that pass."""
        return self._report.damage()

    def digest(self) -> str:
        """SHA-256 of the file; another if it asks to be mirrored, which version 0.1 did not do."""
        try:
            found = sha256_of(self.path)
            return sha256(f"{found} mirrored".encode()).hexdigest() if self._is_mirrored else found
        except OSError as error:
            raise DataError(f"{self.path}: cannot be read ({error.strerror or error})") from None

    def frames(self) -> Iterator[VideoFrame]:
        """Its frames, at the size of the first."""
        report = ReadingReport(self.path.name)
        converter = PictureConverter()
        scaler = PictureConverter()
        with closing(self._pass(report)) as shown:
            for index, frame in enumerate(shown):
                if report.frames >= self._report.frames:
                    self._report = report
                picture = frame.picture
                if (picture.height, picture.width) != self.size:
                    report.resized += 1
                    picture = scaler.resize(picture, self.size)
                report.recoloured += not kind_of(picture).is_like(self.kind, self.size[0])
                yield VideoFrame(index, frame.time - self.origin, frame.duration, picture, converter)
        if report.frames >= self._report.frames:
            self._report = report

    def _pass(self, report: ReadingReport) -> Generator[_Shown, None, None]:
        """Decode the file once: pictures upright, with their times in the file's time."""
        with open_video(self.path) as container:
            stream = video_stream(container, self.path)
            declared = declared_end(self.path, stream)
            times: FrameTimes[av.VideoFrame] = FrameTimes(1 / mean_rate(stream), declared, stream.frames)
            turners: dict[tuple[int, bool], Turner] = {}
            end = Fraction(0)
            # If a file has an index of its packets, damaged ones are detected as such.
            step = Fraction(0) if "mp4" in container.format.name else 1 / mean_rate(stream)
            for picture, time, duration in times.spread(_decoded(container, stream, report)):
                degrees, mirrored = picture.rotation % 360, is_mirrored(picture)
                report.shown(time, step)
                report.repaired = times.repaired
                report.interlaced = report.interlaced or picture.interlaced_frame
                end = time + duration
                turner = turners.setdefault((degrees, mirrored), Turner(degrees, mirrored=mirrored))
                upright = turner.upright(picture)
                yield _Shown(upright, time, duration, degrees % 180 == 90, mirrored)
            report.ended(end, declared, 2 / mean_rate(stream))


@dataclass(frozen=True, slots=True)
class _Shown:
    """A picture and when it is shown, in the file's time."""

    picture: av.VideoFrame
    time: Fraction
    duration: Fraction
    turned: bool
    """Whether by a quarter."""
    mirrored: bool


def _decoded(
    container: InputContainer, stream: VideoStream, report: ReadingReport
) -> Iterator[tuple[av.VideoFrame, Fraction | None, Fraction]]:
    """Pictures in the order in which they are shown, with time and duration as the file has them.

    Where each packet is a picture and they come in order, one that cannot be decoded keeps its place: the
    picture before stands in for it.
    """
    decoder = _decoder(stream)
    guess = TimeGuess()
    tick = stream.time_base or Fraction(1)
    picture, stands_in_at = None, None
    for packet in packets(container, stream, report):
        try:
            pictures = decoder.decode(packet)
        except av.error.FFmpegError:
            if packet.size:  # else it is the flush at the end
                ticks = packet.dts if packet.pts is None else packet.pts
                report.lose((ticks or 0) * tick)
                in_order = not decoder.has_b_frames and ticks is not None and ticks == packet.dts
                if picture is not None and in_order:
                    report.replaced += 1
                    stands_in_at = ticks
                    yield picture, ticks * tick, (packet.duration or 0) * tick
            continue
        for picture in pictures:
            report.damaged += picture.is_corrupt
            ticks = guess.time(picture.pts, picture.dts)
            if ticks is None or ticks != stands_in_at:  # else it came after all, too late
                yield picture, None if ticks is None else ticks * tick, picture.duration * tick


def _decoder(stream: VideoStream) -> Any:
    name = ALPHA_DECODERS.get(stream.codec_context.codec.canonical_name)
    decoder: Any = stream.codec_context
    if name is not None and stream.metadata.get("alpha_mode", stream.metadata.get("ALPHA_MODE")) == "1":
        decoder = av.CodecContext.create(name, "r")
        decoder.extradata = stream.codec_context.extradata
    decoder.thread_type = "NONE"
    decoder.thread_count = 1
    decoder.flags |= av.codec.context.Flags.bitexact
    return decoder
