"""The command `animeinterp`."""

from __future__ import annotations

import gc
import logging
import sys
import webbrowser
from pathlib import Path
from typing import Annotated

import typer

from configs.errors import AnimeInterpError
from configs.loading import load_config, text_setting
from pipeline.cli.cache import cache
from pipeline.cli.diff import diff
from pipeline.cli.evaluate import evaluate
from pipeline.cli.explain import explain
from pipeline.cli.history import history
from pipeline.cli.interpolate import interpolate
from pipeline.cli.report import report
from pipeline.cli.sgm import export_sgm, import_sgm
from pipeline.cli.status import print_estimate, print_plan, status
from pipeline.cli.terminal import (
    DEFAULT_CONFIG,
    EXIT_USAGE,
    ConfigArgument,
    Ids,
    Limit,
    Quiet,
    Settings,
    complain,
    console,
    leave_if_failed,
    run_and_report,
    say,
)
from pipeline.cli.train import train
from pipeline.cli.weights import weights
from pipeline.pages.contact_sheet import write_contact_sheet
from pipeline.pages.inspect.pair_pages import write_pages
from pipeline.pages.report.pairs import inspect_folder
from pipeline.planning.accept_results import change_acceptances
from pipeline.planning.selection import Selection
from pipeline.planning.session import Session

app = typer.Typer(
    help="Turn cartoon frame pairs into in-between frames, stage by stage.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    add_completion=False,
)
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


@app.callback()
def _options(
    debug: Annotated[
        bool, typer.Option("--debug", help="Show tracebacks and what Luigi and Dask say.")
    ] = False,
) -> None:
    if debug:
        logging.basicConfig(level=logging.DEBUG)
        for noisy in ("numba", "asyncio", "matplotlib", "PIL"):
            logging.getLogger(noisy).setLevel(logging.WARNING)
    else:
        # Workers die with the run that is interrupted; what their connections say about it helps nobody.
        # Dask gives some of them a level of their own.
        for noisy in ("distributed", "distributed.client", "tornado", "tornado.application", "asyncio"):
            logging.getLogger(noisy).setLevel(logging.CRITICAL)


@app.command()
def run(
    config: ConfigArgument,
    first: Annotated[
        str, typer.Option("--from", metavar="STAGE", help="First stage to run.")
    ] = "segmentation",
    last: Annotated[str, typer.Option("--to", metavar="STAGE", help="Last stage to run.")] = "evaluation",
    only: Annotated[str | None, typer.Option("--only", metavar="STAGE", help="Run this stage alone.")] = None,
    force: Annotated[
        list[str] | None,
        typer.Option("--force", metavar="STAGE", help="Compute this stage again although it is done."),
    ] = None,
    retry_failed: Annotated[
        bool, typer.Option("--retry-failed", help="Try items again that failed before.")
    ] = False,
    limit: Limit = None,
    ids: Ids = None,
    settings: Settings = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Say what would run and why; compute nothing.")
    ] = False,
    accept: Annotated[
        list[str] | None,
        typer.Option(
            "--accept-current",
            metavar="STAGE",
            help="Keep this stage's results: the change of its settings, weights or code does them no harm.",
        ),
    ] = None,
    retract: Annotated[
        list[str] | None,
        typer.Option("--retract-accepted", metavar="STAGE", help="Take back what --accept-current has kept."),
    ] = None,
    quiet: Quiet = False,
) -> None:
    """Run the stages on a dataset; what is done already is not done again."""
    if only is not None:
        first = last = only
    selection = Selection(first, last, frozenset(force or ()), retry_failed, limit, tuple(ids or ()))
    accepted = None
    if accept or retract:
        accepted, said = change_acceptances(
            load_config(config, settings or ()), selection, accept or (), retract or (), look_only=dry_run
        )
        for line in said:
            say(line)
    if dry_run:
        session = Session.open(
            load_config(config, settings or ()), selection, look_only=True, accepted=accepted
        )
        print_plan(session)
        print_estimate(session)
        return
    leave_if_failed(run_and_report(config, settings or [], selection, quiet=quiet))


@app.command()
def demo(
    folder: Annotated[Path, typer.Option("--folder", help="Where cartoons, cache and results go.")] = Path(
        "demo"
    ),
    pairs: Annotated[int, typer.Option("--pairs", min=1, help="How many triplets to draw.")] = 6,
    seed: Annotated[int, typer.Option("--seed", min=0, help="Seed of the first drawing.")] = 0,
    height: Annotated[int, typer.Option("--height", min=16)] = 540,
    width: Annotated[int, typer.Option("--width", min=16)] = 960,
    settings: Settings = None,
    quiet: Quiet = False,
) -> None:
    """Draw cartoons, run all stages on them, score the frames and draw a contact sheet of each pair."""
    from data.cartoon import write_dataset

    if not quiet:
        console.print(
            f"drawing {pairs} triplets, {width}x{height}, in {folder / 'cartoons'}", highlight=False
        )
    write_dataset(folder / "cartoons", pairs, seed=seed, size=(height, width))
    places = [
        text_setting("data.root", str(folder / "cartoons")),
        text_setting("store.cache", str(folder / "cache")),
        text_setting("store.results", str(folder / "results")),
    ]
    report = run_and_report("demo", [*places, *(settings or ())], Selection(), quiet=quiet)
    leave_if_failed(report)
    for pair in report.session.manifest.pairs:
        path = folder / "contact_sheets" / f"{pair.id}.png"
        write_contact_sheet(report.session, pair.id, path)
        if not quiet:
            console.print(f"contact sheet: {path}", markup=False, highlight=False, soft_wrap=True)


@app.command()
def inspect(
    ids: Annotated[list[str], typer.Argument(metavar="ID...", help="Pairs to look at.")],
    config: Annotated[
        str,
        typer.Option("--config", "-c", envvar="ANIMEINTERP_CONFIG", help="TOML file or name of a preset."),
    ] = DEFAULT_CONFIG,
    output: Annotated[Path | None, typer.Option("--output", "-o", help="Folder for the pages.")] = None,
    png: Annotated[
        bool, typer.Option("--png", help="Draw one picture of all stages instead of a page.")
    ] = False,
    show: Annotated[bool, typer.Option("--open", help="Open the page in the browser.")] = False,
    settings: Settings = None,
) -> None:
    """Write a page of every stage of a pair, to be looked at in a browser."""
    session = Session.open(load_config(config, settings or ()), Selection(ids=tuple(ids)), look_only=True)
    folder = output or inspect_folder(session.config)
    if png:
        paths = [folder / f"{name}.png" for name in ids]
        for name, path in zip(ids, paths, strict=True):
            write_contact_sheet(session, name, path)
    else:
        words = [part for setting in settings or () for part in ("--set", setting)]
        paths = write_pages(session, ids, folder, ["animeinterp", "run", config, *words])
    for path in paths:
        say(str(path))
    if show:
        webbrowser.open(paths[0].absolute().as_uri())


def main() -> None:
    """Entry point: errors become messages and exit codes."""
    # The libraries' million objects stay: the collector, busy while manifests are read, need not walk them.
    gc.freeze()
    try:
        app()
    except AnimeInterpError as error:
        complain(str(error))
        if "--debug" in sys.argv:
            raise
        sys.exit(EXIT_USAGE)


if __name__ == "__main__":
    main()
