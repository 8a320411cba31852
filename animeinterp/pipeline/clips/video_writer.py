"""Writes a clip as a video: its pictures go to FFmpeg as they are, each with its exact time."""

from __future__ import annotations

import errno
import os
import re
import signal
import subprocess
import tempfile
from contextlib import ExitStack, suppress
from fractions import Fraction
from pathlib import Path
from types import SimpleNamespace
from typing import Any, Self

import av
import numpy as np

from animeinterp.configs.errors import AnimeInterpError, DataError
from animeinterp.data.clips.clip import Alpha, ClipFrame
from animeinterp.data.clips.pictures import PictureConverter, PictureKind, kind_of, off_white, to_picture
from animeinterp.data.images import AnyFrame, read_rgba
from animeinterp.pipeline.clips.ffmpeg_program import start_program
from animeinterp.pipeline.clips.output_files import cannot_write, prepare_place, unfinished
from animeinterp.pipeline.clips.recipe import Recipe
from animeinterp.pipeline.clips.timeline import Cadence
from animeinterp.pipeline.store.commits import sync

BUFFER = 1 << 20  # bytes
LAST_WORDS = 10  # s, for a program whose pipe has broken
MOST_SAID = 64_000  # bytes, of its last ones
KILLED = -9  # exit code after SIGKILL, which Windows does not have
FULL_DISK = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)


class ProgramError(DataError):
    """FFmpeg failed, for another reason than a full disk: `said` is what it said."""

    def __init__(self, output: Path, program: str, said: str, code: int | None) -> None:
        advice = "choose another codec or output (--set clip.codec=h264, or .mkv), or leave sound out: "
        advice += "--set clip.sound=false"
        if code is not None and code < 0:
            said = f"ended by {signal.Signals(-code).name}"
        if code == KILLED:
            advice = "perhaps memory ran out; run the same command again"
        self.said = said or f"exit code {code}"
        super().__init__(f"{output}: FFmpeg ({program}) failed: {self.said}; {advice}")


class VideoWriter:
    """A `ClipWriter` of a video.

    Parameters
    ----------
    output
        The file.
    recipe
        What to make it of.
    cadence
        When its frames are shown.
    """

    def __init__(self, output: Path, recipe: Recipe, cadence: Cadence) -> None:
        self._output, self._recipe, self._cadence = output, recipe, cadence
        self._kind, self._tick = recipe.encoding.kind, recipe.tick(cadence)
        self._unfinished = unfinished(output)
        self._converter = PictureConverter()
        self._open = ExitStack()
        self._ready = bytearray()
        """What is to be sent."""
        self._last = -1

    def __enter__(self) -> Self:
        with ExitStack() as opened:
            self._folder = opened.enter_context(tempfile.TemporaryDirectory(prefix="animeinterp-"))
            try:
                for way in self._recipe.ways:
                    if way.file is not None:
                        Path(self._folder, way.file[0]).write_bytes(way.file[1])
                prepare_place(self._output)
                self._unfinished.touch()
            except OSError as error:
                raise cannot_write(self._output, error) from None
            opened.callback(self._remove)
            arguments = self._recipe.arguments(self._cadence, self._unfinished, self._folder)
            self._errors = opened.enter_context(tempfile.TemporaryFile())
            self._process = start_program(self._recipe.program, arguments, self._errors)
            opened.callback(self._end)
            # What PyAV calls must not be Python's: an interruption would be lost in it.
            sink = SimpleNamespace(write=self._ready.extend)
            unindexed = {"write_index": "0"}  # the index would grow in memory
            self._pipe = av.open(sink, "w", format="nut", buffer_size=BUFFER, options=unindexed)
            self._stream: Any = self._pipe.add_stream("rawvideo", rate=self._cadence.rate)
            self._stream.height, self._stream.width = self._recipe.clip.size
            self._stream.pix_fmt = self._kind.format
            self._stream.codec_context.time_base = self._stream.time_base = self._tick
            self._pipe.start_encoding()
            if not self._stream.codec_context.codec_tag.strip("\0"):
                raise ProgramError(self._output, self._recipe.program, "NUT has no code for it", None)
            self._open = opened.pop_all()
        return self

    def __exit__(self, *_: object) -> None:
        self._open.close()

    def original(self, frame: ClipFrame, start: Fraction, duration: Fraction) -> None:
        """Write a frame of the source unchanged."""
        picture: av.VideoFrame | None = getattr(frame, "picture", None)
        path: Path | None = getattr(frame, "path", None)
        if picture is None and self._recipe.clip.bits > 8:
            self.drawn(frame.deep(), frame.alpha(), start, duration)
            return
        if path is not None and self._kind.has_alpha:
            pixels = read_rgba(path)  # laying over white and lifting off again would round twice
            picture = None if pixels is None else av.VideoFrame.from_ndarray(pixels, format="rgba")
        if picture is None or self._is_redrawn(kind_of(picture), picture.height):
            self.drawn(frame.rgb(), frame.alpha(), start, duration)
            return
        if not kind_of(picture).is_like(self._kind, picture.height):
            picture = self._converter.convert(picture, self._kind)
        self._write(picture, start)

    def _is_redrawn(self, kind: PictureKind, height: int) -> bool:
        """Whether pictures lose their transparency, or have another matrix than those before."""
        yuv = not (kind.is_rgb or self._kind.is_rgb)
        other = yuv and kind.scaler_matrix(height) != self._kind.scaler_matrix(height)
        return other or (kind.has_alpha and not self._kind.has_alpha)

    def drawn(self, image: AnyFrame, alpha: Alpha | None, start: Fraction, duration: Fraction) -> None:  # noqa: ARG002
        """Write a frame made."""
        if self._kind.has_alpha:
            shown = np.full(image.shape[:2], 255, np.uint8) if alpha is None else alpha
            picture = to_picture(off_white(image, shown), shown)
        else:
            picture = to_picture(image, None)
        self._write(self._converter.convert(picture, self._kind), start)

    def finish(self) -> None:
        """Complete the file, flush it to disk and give it its name."""
        if self._last < 0:
            raise DataError(f"{self._output}: no frame to write")
        try:
            self._pipe.close()
            self._send()
            self._process.communicate()
            if self._process.returncode or self._full_disk():
                raise self._trouble()
            sync(self._unfinished)
            self._unfinished.replace(self._output)
            sync(self._output.parent)
        except (av.error.FFmpegError, OSError) as error:
            raise self._trouble(error) from None

    def _write(self, picture: av.VideoFrame, start: Fraction) -> None:
        self._last = max(round((self._recipe.offset + start) / self._tick), self._last + 1)
        picture.pts, picture.time_base = self._last, self._tick
        try:
            self._pipe.mux(self._stream.encode(picture))
            self._send()
        except (av.error.FFmpegError, OSError) as error:
            raise self._trouble(error) from None

    def _send(self) -> None:
        if self._process.stdin is not None:
            self._process.stdin.write(self._ready)
        self._ready.clear()

    def _trouble(self, error: Exception | None = None) -> AnimeInterpError:
        """What to tell the user, after the program's own words where it has ended."""
        if isinstance(error, OSError) and not isinstance(error, BrokenPipeError):
            return cannot_write(self._output, error)
        with suppress(subprocess.TimeoutExpired):
            self._process.wait(LAST_WORDS)
        full = self._full_disk()
        if full is not None:
            return cannot_write(self._output, full)
        said = re.sub(r"^\[.*?\] ", "", self._said(), flags=re.MULTILINE).partition("\n")[0]
        return ProgramError(self._output, self._recipe.program, said, self._process.poll())

    def _full_disk(self) -> OSError | None:
        """Whether the program says so: FFmpeg 5 may end with exit code 0 nevertheless."""
        said = self._said()
        full = (number for number in FULL_DISK if os.strerror(number) in said)
        return next((OSError(number, os.strerror(number)) for number in full), None)

    def _said(self) -> str:
        self._errors.seek(max(0, self._errors.seek(0, os.SEEK_END) - MOST_SAID))
        return self._errors.read().decode(errors="replace")

    def _end(self) -> None:
        """Leave no process behind: one that is still at work is not needed any more."""
        self._process.kill()
        with suppress(av.error.FFmpegError, OSError, ValueError):
            self._pipe.close()
        with suppress(OSError):
            self._process.communicate()

    def _remove(self) -> None:
        with suppress(OSError):
            self._unfinished.unlink(missing_ok=True)
