"""The command's first and last moments: streams and signals, before and after the libraries are there.

Nothing is imported here that takes longer than a blink, so that Ctrl-C in the first seconds is one line.
"""

from __future__ import annotations

import faulthandler
import io
import os
import select
import signal
import sys
import warnings
from collections.abc import Sequence
from contextlib import suppress
from types import FrameType
from typing import Any, NoReturn, TextIO

from animeinterp.configs.errors import MovedPathWarning

EXIT_BROKEN = 2  # what the program needs cannot be used, as `EXIT_CODES` has it
DEBUG = "--debug"
GONE = (BrokenPipeError, ConnectionResetError)  # nobody reads any more: no trouble of ours


class TolerantStream(io.FileIO):
    """A stream whose reader may go, or whose disk may be full: what was to be written is then lost.

    Hours of work do not end because a line about them cannot be printed.
    """

    trouble: OSError | None = None
    """What kept something from being written."""

    def write(self, data: Any) -> int:
        """Write, or take note of what prevents it."""
        try:
            while (written := super().write(data)) is None:  # a pipe that is full and not waited for
                select.select([], [self], [])
        except OSError as error:
            self.trouble = self.trouble or error
            return len(data)
        return written


def main() -> None:
    """Run the command; errors become messages and exit codes."""
    debug = DEBUG in sys.argv
    streams = _open_streams(debug=debug)
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        if number != signal.SIGHUP or signal.getsignal(number) != signal.SIG_IGN:  # as under nohup
            signal.signal(number, _leave)
    if not debug:
        warnings.showwarning = _show_warning  # type: ignore[assignment]
    try:
        code = _run(debug=debug)
    finally:
        for stream in streams:
            stream.flush()
    trouble = next((stream.trouble for stream in streams if stream.trouble), None)
    if trouble is not None and not isinstance(trouble, GONE) and not code:
        _say(f"standard output cannot be written ({trouble.strerror}); what was asked for is done")
        code = EXIT_BROKEN
    sys.exit(code)


def _run(*, debug: bool) -> int:
    try:
        from animeinterp.pipeline.cli.app import main as run

        run()
    except SystemExit as stop:
        return stop.code if isinstance(stop.code, int) else int(stop.code is not None)
    except Exception as error:
        if debug:
            raise
        _say(f"the program cannot start: {type(error).__name__}: {error}".rstrip())
        return EXIT_BROKEN
    return 0


def _open_streams(*, debug: bool) -> Sequence[TolerantStream]:
    """Make standard streams that always work.

    Without `debug`, native libraries and worker processes have no say on the terminal: what they write to
    their standard error goes nowhere. This process' own goes where it did.
    """
    for descriptor in range(3):
        try:
            os.fstat(descriptor)
        except OSError:  # closed: the next file opened would have its number, and get what is printed
            os.open(os.devnull, os.O_RDWR)
    own = os.dup(2)
    if not debug:
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, 2)
        os.close(nowhere)
    out, err = TolerantStream(1, "w", closefd=False), TolerantStream(own, "w", closefd=False)
    sys.stdin = sys.stdin or open(0, closefd=False)  # noqa: SIM115 - it lives as long as the process
    sys.stdout, sys.stderr = _text(out, sys.stdout), _text(err, sys.stderr)
    faulthandler.enable(sys.stderr)
    return out, err


def _text(stream: TolerantStream, former: TextIO | None) -> TextIO:
    encoding = getattr(former, "encoding", None)
    buffer = io.BufferedWriter(stream)
    # What a terminal cannot show is shown as its code.
    return io.TextIOWrapper(buffer, encoding, "backslashreplace", line_buffering=True)


def _leave(number: int, frame: FrameType | None) -> NoReturn:  # noqa: ARG001 - as signal calls it
    """End at once: nothing was begun that must be ended in order."""
    with suppress(Exception):
        sys.stdout.flush()
        _say("interrupted")
    os._exit(128 + number)


def _say(message: str) -> None:
    sys.stderr.write(f"error: {message}\n")
    sys.stderr.flush()


def _show_warning(message: Warning | str, category: type[Warning], *_: Any) -> None:
    """Show what concerns the user; what libraries warn of is for --debug."""
    if issubclass(category, MovedPathWarning) and str(message) not in _shown:
        _shown.add(str(message))
        sys.stderr.write(f"note: {message}\n")


_shown: set[str] = set()
