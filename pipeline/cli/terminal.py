"""What the commands share: options, exit codes, where they print, and running with a report."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Annotated

import typer
from rich.console import Console

from pipeline.cli.summary import print_failures, print_report
from pipeline.planning.selection import Selection
from pipeline.running.execute import execute
from pipeline.running.interruption import EXIT_TERMINATED, GO_ON, TerminatedError, interruptions
from pipeline.running.run import RunReport
from pipeline.store.run_records import EXIT_CODES

EXIT_FAILURES = EXIT_CODES["failed"]
EXIT_USAGE = EXIT_CODES["refused"]
EXIT_INTERRUPTED = EXIT_CODES["interrupted"]
PLAIN_WIDTH = 120  # columns where the output is no terminal

console = Console(width=None if sys.stdout.isatty() else PLAIN_WIDTH)
errors = Console(stderr=True)

ConfigArgument = Annotated[str, typer.Argument(metavar="CONFIG", help="TOML file or name of a preset.")]
KnownConfig = Annotated[
    str, typer.Argument(metavar="CONFIG", envvar="ANIMEINTERP_CONFIG", help="TOML file or name of a preset.")
]
DEFAULT_CONFIG = "demo"
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


@contextmanager
def interruptible() -> Iterator[None]:
    """Ctrl-C or SIGTERM inside ends the command in order, with a word on how to go on; a second one at once.

    Raises
    ------
    typer.Exit
        In place of KeyboardInterrupt.
    """
    try:
        with interruptions(errors):
            yield
    except KeyboardInterrupt as stop:
        complain(f"interrupted; {GO_ON}")
        terminated = isinstance(stop, TerminatedError)
        raise typer.Exit(EXIT_TERMINATED if terminated else EXIT_INTERRUPTED) from None


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
