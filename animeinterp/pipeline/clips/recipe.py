"""The command by which FFmpeg makes a video of pictures that it is sent and of all else in a source."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

from animeinterp.data.clips.clip import Clip
from animeinterp.data.clips.frame_times import common_time_base
from animeinterp.data.clips.pictures import UNKNOWN
from animeinterp.data.clips.video import VideoClip
from animeinterp.pipeline.clips.ffmpeg_program import FFMPEG_6, library_version
from animeinterp.pipeline.clips.other_streams import OtherStreams, Way
from animeinterp.pipeline.clips.timeline import Cadence
from animeinterp.pipeline.clips.video_encoding import ANIMATIONS, CONTAINERS, Encoding

MICROSECOND = Fraction(1, 1_000_000)
FINEST_TICKS = {"mpeg4": Fraction(1, 65_535)}  # s, by encoder
ISO = ("mp4", "mov")
KEPT = ["-map", "0:{k}", "-c:{k}", "copy", "-copypriorss:{k}", "1"]  # of what the first command wrote


@dataclass(frozen=True)
class Recipe:
    """What a video is made of, and how."""

    clip: Clip
    """Its source."""
    suffix: str
    program: str
    """Path of FFmpeg."""
    encoding: Encoding
    quality: int
    others: OtherStreams | None = None
    """What there is beside the pictures; None where there is nothing, or it is not wanted."""
    ways: tuple[Way, ...] = ()
    """How its streams go along, in the order that they then have."""
    until: Fraction | None = None
    """Where to stop, in seconds: to try it."""

    @property
    def container(self) -> str:
        """FFmpeg's name of it."""
        return CONTAINERS[self.suffix]

    @property
    def offset(self) -> Fraction:
        """When the first picture is shown, in seconds: later than 0 where sound begins before it."""
        if self.others is None or not isinstance(self.clip, VideoClip):
            return Fraction(0)
        return self.clip.origin - self.others.base

    def tick(self, cadence: Cadence) -> Fraction:
        """Unit of the pictures' times, in seconds."""
        tick = common_time_base([cadence.time_base, self.offset])
        if self.container in ISO:  # these count ticks a second, in 32 bits
            tick = Fraction(1, tick.denominator)
        return max(tick, FINEST_TICKS.get(self.encoding.encoder, MICROSECOND))

    @property
    def has_subtitles(self) -> bool:
        """Whether subtitles go along: by a second command, which adds them to what the first one wrote.

        FFmpeg reads a source on until its next subtitle, ahead of the pictures, and how far sound then gets
        ahead of them in the file depends on chance. With pictures and sound in one file it does not.
        """
        return any(way.kind == "subtitle" and way.arguments for way in self.ways)

    def arguments(self, cadence: Cadence, output: Path, folder: str, first: Path | None = None) -> list[str]:
        """Arguments for FFmpeg.

        Parameters
        ----------
        cadence
            When frames are shown.
        output
            What it writes.
        folder
            Where the files of `ways` are.
        first
            What the first command wrote, for the second one; the first gets the pictures as NUT at its
            standard input.
        """
        said = ["-nostdin", "-v", "error", "-y", "-copyts", "-max_error_rate", "1"]
        said += self._piped() if first is None else ["-i", f"file:{first}"]
        if self.others is not None:
            # FFmpeg 5 takes an offset of just the start of a TS for its own, and corrects it.
            shift = self.others.base + MICROSECOND if self.others.base else Fraction(0)
            said += ["-itsoffset", f"{-float(shift):.6f}", "-i", f"file:{self.clip.sources[0]}"]
        said += ["-map", "0:v:0", *self._streams(folder, first is not None)]
        said += self._encoded(cadence) if first is None else ["-c:v:0", "copy", "-copypriorss:v:0", "1"]
        said += self._contained(cadence)
        if self.has_subtitles and first is None and self.container not in ISO:
            said += ["-avoid_negative_ts", "disabled"]  # the second command sets all streams off alike
        said += ["-fflags", "+bitexact", "-flags", "+bitexact", "-max_muxing_queue_size", "9999"]
        said += [] if self.until is None else ["-t", f"{float(self.until):.6f}"]
        return [*said, "-f", self.container, f"file:{output}"]

    def _piped(self) -> list[str]:
        kind = self.encoding.kind
        said = ["-color_range", str(kind.range)] if kind.range else []
        for name, code in (("space", kind.matrix), ("_primaries", kind.primaries), ("_trc", kind.transfer)):
            said += [f"-color{name}", str(code)] if code != UNKNOWN else []
        return [*said, "-f", "nut", "-i", "pipe:0"]

    def _streams(self, folder: str, is_second: bool) -> list[str]:
        if self.others is None:
            return ["-map_metadata", "-1"]
        said = []
        for index, way in enumerate((way for way in self.ways if way.arguments), start=1):
            words = list(way.arguments)
            if self.has_subtitles and is_second == (way.kind == "audio"):
                words = KEPT if is_second else []
            for word in words:
                is_text = word.startswith(("title=", "handler_name="))
                said.append(word if is_text else word.format(k=index, folder=folder))
        return said if is_second else [*said, *self.others.arguments]

    def _encoded(self, cadence: Cadence) -> list[str]:
        said = self.encoding.options(self.quality)
        if self.suffix not in ANIMATIONS and isinstance(self.clip, VideoClip) and self.clip.aspect != 1:
            said += ["-filter:v:0", f"setsar={self.clip.aspect}:max=65535"]
        if self.container == "avi" or (self.container in ISO and not cadence.is_even):
            said += ["-bf:v:0", "0"]  # AVI has no times for them, ISO files none for the last one's end
        return [*said, "-enc_time_base:v:0", str(self.tick(cadence)), "-fps_mode:v:0", "passthrough"]

    def _contained(self, cadence: Cadence) -> list[str]:
        if self.suffix in ANIMATIONS:
            last = round(cadence.last_duration * 100)
            return ["-loop", "0", *(["-final_delay", str(last)] if self.container == "gif" else [])]
        # With this duration of every packet, the last frame lasts as it should in every container.
        lasts = f"round({cadence.last_duration}/TB)"
        if self.container in ("matroska", "webm") and library_version(self.program) < FFMPEG_6:
            lasts = str(round(cadence.last_duration * 1000))
        said = ["-bsf:v:0", f"setts=pts=PTS:dts=DTS:duration={lasts}"]
        if self.container in ISO:
            said += ["-video_track_timescale", str(self.tick(cadence).denominator)]
            said += ["-movflags", "+faststart", "-write_tmcd", "0"]
        if self.encoding.codec == "hevc" and self.container in ISO:
            said += ["-tag:v:0", "hvc1"]  # Apple's players know no other
        if self.encoding.kind.has_alpha and self.encoding.encoder.startswith("libvpx"):
            said += ["-metadata:s:v:0", "alpha_mode=1"]
        return said
