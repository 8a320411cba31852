"""What the commands share: options, exit codes, where they print, and running with a report."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from types import FrameType
from typing import Annotated

import psutil
import typer
from rich.console import Console

from pipeline.run_record import EXIT_CODES
from pipeline.runner import RunReport, execute
from pipeline.selection import Selection
from pipeline.summary import print_failures, print_report

EXIT_FAILURES = EXIT_CODES["failed"]
EXIT_USAGE = EXIT_CODES["refused"]
EXIT_INTERRUPTED = EXIT_CODES["interrupted"]
EXIT_TERMINATED = 143  # as shells report SIGTERM
PLAIN_WIDTH = 120  # columns where the output is no terminal

console = Console(width=None if sys.stdout.isatty() else PLAIN_WIDTH)
errors = Console(stderr=True)

ConfigArgument = Annotated[str, typer.Argument(metavar="CONFIG", help="TOML file or name of a preset.")]
KnownConfig = Annotated[
    str, typer.Argument(metavar="CONFIG", envvar="ANIMEINTERP_CONFIG", help="TOML file or name of a preset.")
]
Settings = Annotated[
    list[str] | None,
    typer.Option("--set", metavar="SECTION.KEY=VALUE", help="A setting on top of the config."),
]
Limit = Annotated[int | None, typer.Option("--limit", min=1, help="Only the first N pairs.")]
Ids = Annotated[list[str] | None, typer.Option("--id", metavar="ID", help="Only this pair.")]
Quiet = Annotated[bool, typer.Option("--quiet", "-q", help="No progress, no summary; failures still show.")]


def say(text: str, style: str | None = None) -> None:
    """Print a line as it is."""
    console.print(text, style=style, markup=False, highlight=False, soft_wrap=True)


def complain(message: str) -> None:
    """Print an error."""
    errors.print(f"error: {message}", style="red", markup=False, highlight=False, soft_wrap=True)


class TerminatedError(KeyboardInterrupt):
    """The process was asked to end by SIGTERM, as batch systems do before they kill."""


@contextmanager
def interruptible() -> Iterator[None]:
    """Ctrl-C or SIGTERM inside ends the command in order, with a word on how to go on; a second one at once.

    Raises
    ------
    typer.Exit
        In place of KeyboardInterrupt.
    """
    before = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    for number in before:
        signal.signal(number, _interrupt)
    try:
        yield
    except KeyboardInterrupt as stop:
        complain("interrupted; what was finished is kept: run the same command again to go on")
        terminated = isinstance(stop, TerminatedError)
        raise typer.Exit(EXIT_TERMINATED if terminated else EXIT_INTERRUPTED) from None
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _interrupt(number: int, frame: FrameType | None) -> None:  # noqa: ARG001 - as signal calls it
    for each in (signal.SIGINT, signal.SIGTERM):
        signal.signal(each, _stop_at_once)
    if number == signal.SIGTERM:
        raise TerminatedError
    errors.print("stopping; once more to stop at once", highlight=False)
    raise KeyboardInterrupt


def _stop_at_once(number: int, frame: FrameType | None) -> None:  # noqa: ARG001 - likewise
    for child in psutil.Process().children(recursive=True):
        with suppress(psutil.Error):
            child.kill()
    complain("stopped at once; what was finished is kept: run the same command again to go on")
    os._exit(EXIT_TERMINATED if number == signal.SIGTERM else EXIT_INTERRUPTED)


def run_and_report(config: str, settings: Sequence[str], selection: Selection, *, quiet: bool) -> RunReport:
    """Run stages and print what came of it."""
    with interruptible():
        report = execute(config, settings, selection, console, quiet=quiet)
    if quiet:
        print_failures(errors, report.session, report.broken)
    else:
        print_report(console, report)
    return report


def leave_if_failed(report: RunReport) -> None:
    """End the command with exit code 1 when anything failed."""
    if not report.succeeded:
        raise typer.Exit(EXIT_FAILURES)
