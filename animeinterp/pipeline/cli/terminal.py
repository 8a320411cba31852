"""Shared by the commands: options, exit codes, consoles, tables, and ending in order."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from signal import SIGTERM
from typing import Annotated, Any

import typer
from rich import box
from rich.cells import cell_len
from rich.console import Console
from rich.padding import Padding
from rich.text import Text

from animeinterp.configs.names import PROGRAM, given_path, shown_lines
from animeinterp.pipeline.cli.fitting_table import FittingTable, Last
from animeinterp.pipeline.cli.plain_console import plain_console
from animeinterp.pipeline.running.interruption import GO_ON, TerminatedError, exit_code_of, interruptions
from animeinterp.pipeline.store.run_records import EXIT_CODES

EXIT_FAILURES = EXIT_CODES["failed"]
EXIT_USAGE = EXIT_CODES["refused"]
EXIT_INTERRUPTED = EXIT_CODES["interrupted"]
EXIT_TERMINATED = exit_code_of(SIGTERM)
PLAIN_WIDTH = 120  # columns where the output is no terminal and the environment names no COLUMNS
NARROW: dict[str, Any] = {"pad_edge": False, "padding": (0, 1, 0, 0)}
"""Style of tables with little between their columns."""


def width_of_output() -> int | None:
    """Columns to print in; None if the terminal or the environment knows."""
    known = (sys.stdout is not None and sys.stdout.isatty()) or "COLUMNS" in os.environ
    return None if known else PLAIN_WIDTH


console = plain_console(width=width_of_output())
errors = plain_console(stderr=True)

STAGES_PANEL, PAIRS, OUTPUT = "Stages", "Pairs", "Output"
"""Groups of options in the help of commands."""
Limit = Annotated[
    int | None,
    typer.Option("--limit", metavar="N", min=1, help="Only the first N pairs.", rich_help_panel=PAIRS),
]
Ids = Annotated[
    list[str] | None,
    typer.Option("--id", metavar="ID", help="Only this pair; repeatable.", rich_help_panel=PAIRS),
]
RetryFailed = Annotated[
    bool,
    typer.Option("--retry-failed", help="Compute what failed before again.", rich_help_panel=PAIRS),
]
ReplaceResults = Annotated[
    bool,
    typer.Option(
        "--replace-results",
        help="Replace results of another config in store.results; without this, the run is refused.",
        rich_help_panel=OUTPUT,
    ),
]


def folder_option(content: str) -> Any:
    """The option that names the folder to which a command writes."""
    return typer.Option(
        "--output",
        "-o",
        metavar="FOLDER",
        parser=given_path,
        help=f"Folder for {content}.",
        rich_help_panel=OUTPUT,
    )


Quiet = Annotated[
    bool,
    typer.Option("--quiet", "-q", help="Print only failures and errors.", rich_help_panel=OUTPUT),
]


def say(text: str, style: str | None = None, on: Console = console) -> None:
    """Print a line without markup; what holds a path or a command is left unbroken, to be copied."""
    copied = "/" in text or f"{PROGRAM} " in text
    on.print(shown_lines(text), style=style, soft_wrap=copied or not on.is_terminal)


def say_cache(cache: Path, on: Console = console) -> None:
    """Name the cache that a command reads."""
    say(f"cache: {cache.absolute()}", on=on)


def say_within(text: str, indent: int = 0, style: str | None = None) -> None:
    """Print a line that wraps within its indentation; one line for programs, and where a word is longer."""
    longest = max(map(cell_len, text.split()), default=0)
    if console.is_terminal and longest <= console.width - indent:
        console.print(Padding(Text(shown_lines(text), style or ""), (0, 0, 0, indent)))
    else:
        say(" " * indent + text, style, console)


def complain(message: str) -> None:
    """Print an error."""
    say(f"error: {message}", "red", errors)


def table(names: int, *columns: str, last: Last = "number", **looks: Any) -> FittingTable:
    """A table whose first columns, so many, hold names; see `FittingTable`."""
    return FittingTable(names, columns, last, **{"box": box.SIMPLE_HEAD, **looks})


def narrow_table(names: int, *columns: str, last: Last = "number") -> FittingTable:
    """The same, with no more between two columns than a space."""
    return table(names, *columns, last=last, box=None, **NARROW)


@contextmanager
def interruptible() -> Iterator[None]:
    """On a signal end the command in order and print how to resume; on a second one end at once.

    Raises
    ------
    typer.Exit
        Instead of KeyboardInterrupt.
    """
    try:
        with interruptions(errors):
            yield
    except KeyboardInterrupt as stop:
        complain(f"interrupted; {GO_ON}")
        raise typer.Exit(stop.exit_code if isinstance(stop, TerminatedError) else EXIT_INTERRUPTED) from None
