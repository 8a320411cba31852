"""The commands by which FFmpeg makes a video of pictures that it is sent and of all else in a source."""

from __future__ import annotations

from dataclasses import dataclass, replace
from fractions import Fraction
from pathlib import Path

from animeinterp.data.clips.clip import Clip
from animeinterp.data.clips.frame_times import common_time_base
from animeinterp.data.clips.video import VideoClip
from animeinterp.pipeline.clips.ffmpeg_program import FFMPEG_6, library_version
from animeinterp.pipeline.clips.other_streams import MATROSKA, OtherStreams, Way
from animeinterp.pipeline.clips.timeline import Cadence
from animeinterp.pipeline.clips.video_encoding import ANIMATIONS, CONTAINERS, ISO, Encoding

MICROSECOND = Fraction(1, 1_000_000)
FINEST_TICKS = {"mpeg4": Fraction(1, 65_535)}  # s, by encoder
REORDERED = ("h264", "hevc", "mpeg2video")  # codecs whose files in Matroska do not say when they begin


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
    place: str = "output"
    """What it goes to, as the user may name another."""
    offset: Fraction = Fraction(0)
    """When the first picture is shown, in seconds: later than 0 where sound begins before it."""

    @property
    def container(self) -> str:
        """FFmpeg's name of it."""
        return CONTAINERS[self.suffix]

    @property
    def segment(self) -> Recipe | None:
        """How some of the pictures become a file that can be joined with others; None if it cannot."""
        if self.container not in (*ISO, *MATROSKA):
            return None  # AVI counts frames, and an animation is one picture
        apart = self.container in MATROSKA and self.encoding.codec in REORDERED
        suffix = ".mov" if apart else self.suffix
        return replace(self, suffix=suffix, others=None, ways=(), until=None, place="cache")

    def tick(self, cadence: Cadence) -> Fraction:
        """Unit of the pictures' times, in seconds."""
        tick = common_time_base([cadence.time_base, self.offset])
        if self.container in ISO:  # these count ticks a second, in 32 bits
            tick = Fraction(1, tick.denominator)
        return max(tick, FINEST_TICKS.get(self.encoding.encoder, MICROSECOND))

    def encoding_arguments(self, cadence: Cadence, output: Path, folder: str) -> list[str]:
        """Arguments for FFmpeg, which gets the pictures as NUT at its standard input.

        Parameters
        ----------
        cadence
            When frames are shown.
        output
            What it writes.
        folder
            Where the files of `ways` are.
        """
        kind = self.encoding.kind
        pictures = ["-color_range", str(kind.range), "-colorspace", str(kind.matrix)]
        pictures += ["-color_primaries", str(kind.primaries), "-color_trc", str(kind.transfer)]
        pictures += ["-f", "nut", "-i", "pipe:0"]
        made = [*self.encoding.options(self.quality), *self._encoded(cadence)]
        return self._arguments(pictures, made, cadence, output, folder)

    def joining_arguments(
        self, cadence: Cadence, segments: Path, start: Fraction, output: Path, folder: str
    ) -> list[str]:
        """Arguments for FFmpeg, which joins files made by the recipe `segment`.

        Parameters
        ----------
        cadence, output, folder
            As of `encoding_arguments`.
        segments
            List of the files, as FFmpeg's demuxer `concat` has it.
        start
            When the first of them begins, in seconds.
        """
        pictures = ["-itsoffset", f"{float(start):.6f}"]
        pictures += ["-fflags", "+igndts"]  # those of short segments say that no picture is reordered
        pictures += ["-f", "concat", "-safe", "0", "-i", f"file:{segments}"]
        made = ["-c:v:0", "copy"]
        if self.container in MATROSKA:
            if cadence.time_base * cadence.rate == 1:  # else it has that of the first segment
                made += ["-r:v:0", str(cadence.rate)]
            made += ["-metadata:s:v:0", "alpha_mode=1"] if self.encoding.kind.has_alpha else []
        return self._arguments(pictures, made, cadence, output, folder)

    def _arguments(
        self, pictures: list[str], made: list[str], cadence: Cadence, output: Path, folder: str
    ) -> list[str]:
        others = self.others
        said = ["-nostdin", "-v", "error", "-y", "-copyts", "-max_error_rate", "1", *pictures]
        if others is None:
            said += ["-map", "0:v:0", "-map_metadata", "-1"]
        else:
            # FFmpeg 5 takes an offset of just the start of a TS for its own, and corrects it.
            shift = others.base + MICROSECOND if others.base else Fraction(0)
            source = ["-itsoffset", f"{-float(shift):.6f}", "-i", f"file:{self.clip.sources[0]}"]
            said += [*source, *source, "-map", "0:v:0"]
            for k, way in enumerate((way for way in self.ways if way.arguments), start=1):
                said += [word if "=" in word else word.format(k=k, folder=folder) for word in way.arguments]
            said += others.arguments
        said += [*made, *self._timed(cadence)]
        said += ["-fflags", "+bitexact", "-flags", "+bitexact", "-max_muxing_queue_size", "9999"]
        said += ["-f_strict", "experimental"]  # as FFmpeg 5 calls FLAC in MP4
        said += [] if self.until is None else ["-t", f"{float(self.until):.6f}"]
        return [*said, "-f", self.container, f"file:{output}"]

    def _encoded(self, cadence: Cadence) -> list[str]:
        """Arguments that give pictures their times and shape."""
        said = ["-enc_time_base:v:0", str(self.tick(cadence)), "-fps_mode:v:0", "passthrough"]
        if self.suffix not in ANIMATIONS and isinstance(self.clip, VideoClip) and self.clip.aspect != 1:
            said += ["-filter:v:0", f"setsar={self.clip.aspect}:max=65535"]
        if self.container == "avi" or (self.container in ISO and not cadence.is_even):
            said += ["-bf:v:0", "0"]  # AVI has no times for them, ISO files none for the last one's end
        return said

    def _timed(self, cadence: Cadence) -> list[str]:
        """Arguments that tell containers what they need to know."""
        tick, last = self.tick(cadence), cadence.last_duration
        if self.suffix in ANIMATIONS:
            final = ["-final_delay", str(round(last * 100))] if self.container == "gif" else []
            return ["-loop", "0", *final]
        # With this duration of every packet, the last frame lasts as it should in every container.
        is_old = self.container in MATROSKA and library_version(self.program) < FFMPEG_6
        lasts = str(round(last * 1000)) if is_old else f"round({last}/TB)"
        said = ["-bsf:v:0", f"setts=pts=PTS:dts=DTS:duration={lasts}"]
        if self.container in ISO:
            said += ["-video_track_timescale", str(tick.denominator), "-movflags", "+faststart"]
            said += ["-write_tmcd", "0"]
            said += ["-tag:v:0", "hvc1"] if self.encoding.codec == "hevc" else []  # for Apple's players
        return said
