"""Ctrl-C, SIGTERM, SIGHUP: the first ends a run in order, the second the process and its children at once."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from types import FrameType

import psutil
from rich.console import Console

GO_ON = "finished results are kept: run the same command again to resume"
SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class TerminatedError(KeyboardInterrupt):
    """The process was asked to end: by SIGTERM, as batch systems do, or by SIGHUP of a closed terminal."""

    def __init__(self, number: int) -> None:
        super().__init__(signal.Signals(number).name)
        self.exit_code = exit_code_of(number)


def exit_code_of(number: int) -> int:
    """Exit code of a process that a signal has ended, as shells report it."""
    return 128 + number


class _Handler:
    """The reaction to signals; one is active at a time."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._met: int | None = None
        self.waits = False
        """Whether the first signal waits until `deferred` is over."""

    @property
    def met(self) -> bool:
        """Whether the first signal has come."""
        return self._met is not None

    def __call__(self, number: int, frame: FrameType | None) -> None:  # noqa: ARG002 - as signal calls it
        if self._met is not None:
            if number == signal.SIGHUP:
                return  # a terminal that closes says so several times
            _stop_at_once(number, self._console)
        self._met = number
        self._console.print("stopping; press again to stop at once", highlight=False)
        if not self.waits:
            self.interrupt()

    def interrupt(self) -> None:
        """Raise the exception of the first signal."""
        if self._met is None or self._met == signal.SIGINT:
            raise KeyboardInterrupt
        raise TerminatedError(self._met)


_current: _Handler | None = None


@contextmanager
def interruptions(console: Console) -> Iterator[None]:
    """Inside, the first signal raises KeyboardInterrupt or `TerminatedError`, the second ends the process.

    After a first one the handlers stay, as the process is about to end and a second may come until it has.
    """
    global _current
    before = {number: signal.getsignal(number) for number in SIGNALS}
    if before[signal.SIGHUP] == signal.SIG_IGN:  # as under nohup
        del before[signal.SIGHUP]
    handler = _current = _Handler(console)
    for number in before:
        signal.signal(number, handler)
    try:
        yield
    finally:
        _current = None
        if not handler.met:
            for number, former in before.items():
                signal.signal(number, former)


@contextmanager
def deferred() -> Iterator[None]:
    """Inside, the first signal waits until this is over: for what cannot be left half done."""
    handler = _current
    if handler is None:
        yield
        return
    handler.waits = True
    try:
        yield
    finally:
        handler.waits = False
    if handler.met:
        handler.interrupt()


def _stop_at_once(number: int, console: Console) -> None:
    for child in psutil.Process().children(recursive=True):
        with suppress(psutil.Error):
            child.kill()
    console.print(f"error: stopped at once; {GO_ON}", style="red", highlight=False, soft_wrap=True)
    os._exit(exit_code_of(number))
