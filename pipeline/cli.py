"""The command `animeinterp`."""

from __future__ import annotations

import logging
import sys
from pathlib import Path
from typing import Annotated

import typer

from configs.errors import AnimeInterpError
from configs.loading import load_config, text_setting
from pipeline.cli_sgm import export_sgm, import_sgm
from pipeline.cli_weights import weights
from pipeline.contact_sheet import write_contact_sheet
from pipeline.runner import plan
from pipeline.scores import score_table
from pipeline.selection import Selection
from pipeline.session import Session
from pipeline.summary import notes, print_failures, print_scores, print_skipped, stage_table, unit_of
from pipeline.terminal import (
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
)

app = typer.Typer(
    help="Turn cartoon frame pairs into in-between frames, stage by stage.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    add_completion=False,
)
app.command()(export_sgm)
app.command()(import_sgm)
app.add_typer(weights, name="weights", no_args_is_help=True)

DEFAULT_CONFIG = "demo"
KnownConfig = Annotated[
    str, typer.Argument(metavar="CONFIG", envvar="ANIMEINTERP_CONFIG", help="TOML file or name of a preset.")
]


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
    quiet: Quiet = False,
) -> None:
    """Run the stages on a dataset; what is done already is not done again."""
    if only is not None:
        first = last = only
    selection = Selection(first, last, frozenset(force or ()), retry_failed, limit, tuple(ids or ()))
    if dry_run:
        _print_plan(Session.open(load_config(config, settings or ()), selection, look_only=True))
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
def status(config: KnownConfig = DEFAULT_CONFIG, settings: Settings = None) -> None:
    """Say how far each stage is."""
    session = Session.open(load_config(config, settings or ()), look_only=True)
    console.print(stage_table(session))
    print_skipped(console, session)
    print_failures(console, session, [])
    _print_plan(session)


@app.command()
def evaluate(config: KnownConfig = DEFAULT_CONFIG, settings: Settings = None, quiet: Quiet = False) -> None:
    """Score the frames that are there, and print the tables."""
    loaded = load_config(config, settings or ())
    selection = Selection("evaluation", "evaluation")
    session = Session.open(loaded, selection, look_only=True)
    if any(session.to_compute("evaluation", group) for group in session.wanted_groups("evaluation")):
        leave_if_failed(run_and_report(config, settings or [], selection, quiet=quiet))
        return
    for note in notes(loaded):
        console.print(f"note: {note}", style="yellow", markup=False, highlight=False, soft_wrap=True)
    print_skipped(console, session)
    print_failures(console, session, [])
    print_scores(console, score_table(session))


@app.command()
def inspect(
    ids: Annotated[list[str], typer.Argument(metavar="ID...", help="Pairs to look at.")],
    config: Annotated[
        str,
        typer.Option("--config", "-c", envvar="ANIMEINTERP_CONFIG", help="TOML file or name of a preset."),
    ] = DEFAULT_CONFIG,
    output: Annotated[Path | None, typer.Option("--output", "-o", help="Folder for the pictures.")] = None,
    settings: Settings = None,
) -> None:
    """Draw a contact sheet of every stage of a pair."""
    session = Session.open(load_config(config, settings or ()), Selection(ids=tuple(ids)), look_only=True)
    folder = output or (session.config.store.results or session.config.store.cache).parent / "contact_sheets"
    for name in ids:
        path = folder / f"{name}.png"
        write_contact_sheet(session, name, path)
        console.print(str(path), markup=False, highlight=False, soft_wrap=True)


def _print_plan(session: Session) -> None:
    reasons = plan(session)
    if not any(reasons.values()):
        console.print("nothing to do: everything asked for is done", highlight=False)
    for stage, counts in reasons.items():
        if counts:
            why = ", ".join(f"{count} {reason}" for reason, count in counts.most_common())
            total = counts.total()
            console.print(
                f"{stage} would compute {total} {unit_of(stage, total)}: {why}",
                highlight=False,
                soft_wrap=True,
            )


def main() -> None:
    """Entry point: errors become messages and exit codes."""
    try:
        app()
    except AnimeInterpError as error:
        complain(str(error))
        if "--debug" in sys.argv:
            raise
        sys.exit(EXIT_USAGE)


if __name__ == "__main__":
    main()
