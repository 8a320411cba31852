"""The command `animeinterp`."""

from __future__ import annotations

import errno
import logging
import sys
import traceback
from importlib.metadata import version
from pathlib import Path
from typing import Annotated

import typer

from animeinterp.configs.errors import AnimeInterpError
from animeinterp.configs.names import LONGEST_NAME, own_command
from animeinterp.pipeline.cli.commands import Commands
from animeinterp.pipeline.cli.entry_point import DEBUG, EXIT_BROKEN
from animeinterp.pipeline.cli.late_imports import CannotStartError
from animeinterp.pipeline.cli.terminal import (
    EXIT_USAGE,
    complain,
    errors,
    say,
)
from animeinterp.pipeline.store.run_records import EXIT_CODES

app = typer.Typer(
    cls=Commands,
    help="Draw in-between frames of cartoons, stage by stage.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
)


class _Handler(logging.Handler):
    """Prints log messages as other lines are printed."""

    def emit(self, record: logging.LogRecord) -> None:
        say(self.format(record), on=errors)


def _print_version(wanted: bool) -> None:
    if wanted:
        say(f"animeinterp {version('animeinterp')}")
        raise typer.Exit


@app.callback()
def _options(
    _version: Annotated[  # printed before anything else is looked at
        bool,
        typer.Option("--version", callback=_print_version, is_eager=True, help="Show the version and exit."),
    ] = False,
    debug: Annotated[
        bool, typer.Option("--debug", help="Show tracebacks and the logs of Luigi and Dask.")
    ] = False,
) -> None:
    if debug:
        logging.basicConfig(level=logging.DEBUG)
        for noisy in ("numba", "asyncio", "matplotlib", "PIL"):
            logging.getLogger(noisy).setLevel(logging.WARNING)
    else:
        logging.basicConfig(handlers=[_Handler()])


def main() -> None:
    """Entry point: errors become messages and exit codes."""
    try:
        app()
    except CannotStartError as error:
        if DEBUG in sys.argv:
            raise
        complain(f"the program cannot start: {error}")
        sys.exit(EXIT_BROKEN)
    except AnimeInterpError as error:
        complain(str(error))
        if DEBUG in sys.argv:
            raise
        sys.exit(EXIT_USAGE)
    except Exception as error:
        if DEBUG in sys.argv:
            raise
        if isinstance(error, OSError) and error.errno == errno.ENAMETOOLONG:
            complain(f"{error.filename}: the name is too long; file systems allow {LONGEST_NAME} bytes")
            sys.exit(EXIT_USAGE)
        last = traceback.extract_tb(error.__traceback__)[-1]
        where = f"{Path(last.filename).name}, line {last.lineno}"
        complain(
            f"{type(error).__name__}: {error} ({where}); this should not happen: please report what "
            f"'{own_command(DEBUG)} ...' prints of it"
        )
        sys.exit(EXIT_CODES["crashed"])


if __name__ == "__main__":
    main()
