"""Writes a clip as a video: its pictures go to FFmpeg as they are, each with its exact time."""

from __future__ import annotations

from contextlib import ExitStack, suppress
from fractions import Fraction
from pathlib import Path
from types import SimpleNamespace
from typing import Any, Self

import av
import numpy as np

from animeinterp.configs.errors import DataError
from animeinterp.data.clips.clip import Alpha, ClipFrame
from animeinterp.data.clips.pictures import PictureConverter, PictureKind, kind_of, off_white, to_picture
from animeinterp.data.images import AnyFrame, read_rgba
from animeinterp.pipeline.clips.program_run import ProgramError, ProgramRun
from animeinterp.pipeline.clips.recipe import Recipe
from animeinterp.pipeline.clips.timeline import Cadence

BUFFER = 1 << 20  # bytes


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
        self._run = ProgramRun(
            output, recipe, lambda path, folder: recipe.encoding_arguments(cadence, path, str(folder))
        )
        self._converter = PictureConverter()
        self._open = ExitStack()
        self._ready = bytearray()
        """What is to be sent."""
        self._last = -1

    def __enter__(self) -> Self:
        with ExitStack() as opened:
            opened.enter_context(self._run)
            # What PyAV calls must not be Python's: an interruption would be lost in it.
            sink = SimpleNamespace(write=self._ready.extend)
            unindexed = {"write_index": "0"}  # the index would grow in memory
            self._pipe = av.open(sink, "w", format="nut", buffer_size=BUFFER, options=unindexed)
            opened.callback(self._close_pipe)
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
        except (av.error.FFmpegError, OSError) as error:
            raise self._run.trouble(error) from None
        self._run.finish()

    def _write(self, picture: av.VideoFrame, start: Fraction) -> None:
        self._last = max(round((self._recipe.offset + start) / self._tick), self._last + 1)
        picture.pts, picture.time_base = self._last, self._tick
        try:
            self._pipe.mux(self._stream.encode(picture))
            self._send()
        except (av.error.FFmpegError, OSError) as error:
            raise self._run.trouble(error) from None

    def _send(self) -> None:
        self._run.send(self._ready)
        self._ready.clear()

    def _close_pipe(self) -> None:
        with suppress(av.error.FFmpegError, OSError, ValueError):
            self._pipe.close()
