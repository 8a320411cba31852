"""The command `animeinterp`."""

from __future__ import annotations

import errno
import gc
import logging
import sys
import traceback
from pathlib import Path
from typing import Annotated

import typer

from configs.errors import AnimeInterpError
from configs.names import LONGEST_NAME
from pipeline.cli.cache import cache
from pipeline.cli.demo import demo
from pipeline.cli.diff import diff
from pipeline.cli.entry_point import DEBUG
from pipeline.cli.evaluate import evaluate
from pipeline.cli.explain import explain
from pipeline.cli.history import history
from pipeline.cli.inspect import inspect
from pipeline.cli.interpolate import interpolate
from pipeline.cli.report import report
from pipeline.cli.run import run
from pipeline.cli.sgm import export_sgm, import_sgm
from pipeline.cli.status import status
from pipeline.cli.terminal import (
    EXIT_USAGE,
    complain,
    errors,
    say,
)
from pipeline.cli.train import train
from pipeline.cli.weights import weights
from pipeline.store.run_records import EXIT_CODES

app = typer.Typer(
    help="Draw in-between frames of cartoons, stage by stage.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    add_completion=False,
)
app.command()(demo)
app.command()(run)
app.command()(inspect)
app.command()(export_sgm)
app.command()(import_sgm)
app.command()(interpolate)
app.command()(evaluate)
app.command()(diff)
app.command()(status)
app.command()(explain)
app.command()(history)
app.command()(report)
app.command()(train)
app.add_typer(weights, name="weights", no_args_is_help=True)
app.add_typer(cache, name="cache", no_args_is_help=True)


class _Handler(logging.Handler):
    """Prints log messages as other lines are printed."""

    def emit(self, record: logging.LogRecord) -> None:
        say(self.format(record), on=errors)


@app.callback()
def _options(
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
        # When a run is interrupted its workers end too; log messages about their connections help nobody.
        # Dask sets the level of some of these loggers itself.
        for noisy in ("distributed", "distributed.client", "tornado", "tornado.application", "asyncio"):
            logging.getLogger(noisy).setLevel(logging.CRITICAL)


def main() -> None:
    """Entry point: errors become messages and exit codes."""
    # The million objects of the libraries are never freed, so the collector need not traverse them.
    gc.freeze()
    try:
        app()
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
            f"'animeinterp {DEBUG} ...' prints of it"
        )
        sys.exit(EXIT_CODES["crashed"])


if __name__ == "__main__":
    main()
