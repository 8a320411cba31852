"""A run of FFmpeg that writes one file: its folder, its place, what it says, and how it ends."""

from __future__ import annotations

import errno
import os
import re
import signal
import subprocess
import tempfile
from collections.abc import Callable
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import Self

from animeinterp.configs.errors import AnimeInterpError, DataError
from animeinterp.pipeline.clips.ffmpeg_program import start_program
from animeinterp.pipeline.clips.output_files import cannot_write, prepare_place, unfinished
from animeinterp.pipeline.clips.recipe import Recipe
from animeinterp.pipeline.store.commits import sync

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


class ProgramRun:
    """FFmpeg, writing a file beside the place where it belongs.

    A context manager: the file gets its name by `finish`, and is removed if the context is left without it.

    Parameters
    ----------
    output
        The file.
    recipe
        What it is made by.
    arguments
        Of the unfinished file, and a folder with the recipe's files, which may take more.
    """

    def __init__(self, output: Path, recipe: Recipe, arguments: Callable[[Path, Path], list[str]]) -> None:
        self._output, self._recipe, self._arguments = output, recipe, arguments
        self._unfinished = unfinished(output)
        self._open = ExitStack()

    def __enter__(self) -> Self:
        with ExitStack() as opened:
            folder = Path(opened.enter_context(tempfile.TemporaryDirectory(prefix="animeinterp-")))
            try:
                for way in self._recipe.ways:
                    if way.file is not None:
                        (folder / way.file[0]).write_bytes(way.file[1])
                prepare_place(self._output)
                self._unfinished.touch()
            except OSError as error:
                raise cannot_write(self._output, error, self._recipe.place) from None
            opened.callback(self._remove)
            self._errors = opened.enter_context(tempfile.TemporaryFile())
            arguments = self._arguments(self._unfinished, folder)
            self._process = start_program(self._recipe.program, arguments, self._errors)
            opened.callback(self._end)
            self._open = opened.pop_all()
        return self

    def __exit__(self, *_: object) -> None:
        self._open.close()

    def send(self, data: bytes | bytearray) -> None:
        """Write to the program's standard input.

        Raises
        ------
        OSError
            It cannot; `trouble` says why.
        """
        if self._process.stdin is not None:
            self._process.stdin.write(data)

    def finish(self) -> None:
        """Let the program end; flush the file to disk and give it its name.

        Raises
        ------
        DataError
            The program failed, or the disk is full.
        """
        try:
            self._process.communicate()
            if self._process.returncode or self._full_disk():
                raise self.trouble()
            sync(self._unfinished)
            self._unfinished.replace(self._output)
            sync(self._output.parent)
        except OSError as error:
            raise self.trouble(error) from None

    def trouble(self, error: Exception | None = None) -> AnimeInterpError:
        """What to tell the user, after the program's own words where it has ended."""
        if isinstance(error, OSError) and not isinstance(error, BrokenPipeError):
            return cannot_write(self._output, error, self._recipe.place)
        with suppress(subprocess.TimeoutExpired):
            self._process.wait(LAST_WORDS)
        full = self._full_disk()
        if full is not None:
            return cannot_write(self._output, full, self._recipe.place)
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
        with suppress(OSError):
            self._process.communicate()

    def _remove(self) -> None:
        with suppress(OSError):
            self._unfinished.unlink(missing_ok=True)
