"""The command `animeinterp`."""

from __future__ import annotations

import logging
import sys
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from configs.errors import AnimeInterpError
from configs.loading import load_config
from pipeline.contact_sheet import write_contact_sheet
from pipeline.runner import execute, plan
from pipeline.scores import score_table
from pipeline.selection import Selection
from pipeline.session import Session
from pipeline.summary import (
    notes,
    print_failures,
    print_report,
    print_scores,
    print_skipped,
    stage_table,
    unit_of,
)

EXIT_FAILURES = 1  # some items failed
EXIT_USAGE = 2  # config, data, weights or cache unusable
PLAIN_WIDTH = 120  # columns where the output is no terminal
EXIT_INTERRUPTED = 130  # as shells report SIGINT

app = typer.Typer(
    help="Turn cartoon frame pairs into in-between frames, stage by stage.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    add_completion=False,
)
console = Console(width=None if sys.stdout.isatty() else PLAIN_WIDTH)
errors = Console(stderr=True)

DEFAULT_CONFIG = "demo"
ConfigArgument = Annotated[str, typer.Argument(metavar="CONFIG", help="TOML file or name of a preset.")]
KnownConfig = Annotated[
    str, typer.Argument(metavar="CONFIG", envvar="ANIMEINTERP_CONFIG", help="TOML file or name of a preset.")
]
Settings = Annotated[
    list[str] | None,
    typer.Option("--set", metavar="SECTION.KEY=VALUE", help="A setting on top of the config."),
]
Quiet = Annotated[bool, typer.Option("--quiet", "-q", help="No progress, no summary; failures still show.")]


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
        for noisy in ("distributed", "tornado", "asyncio"):
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
    limit: Annotated[int | None, typer.Option("--limit", min=1, help="Only the first N pairs.")] = None,
    ids: Annotated[list[str] | None, typer.Option("--id", metavar="ID", help="Only this pair.")] = None,
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
    _run_and_report(config, settings or [], selection, quiet=quiet)


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
        f"data.root={_quoted(folder / 'cartoons')}",
        f"store.cache={_quoted(folder / 'cache')}",
        f"store.results={_quoted(folder / 'results')}",
    ]
    session = _run_and_report("demo", [*places, *(settings or ())], Selection(), quiet=quiet)
    for pair in session.manifest.pairs:
        path = folder / "contact_sheets" / f"{pair.id}.png"
        write_contact_sheet(session, pair.id, path)
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
        _run_and_report(config, settings or [], selection, quiet=quiet)
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


def _run_and_report(config: str, settings: list[str], selection: Selection, *, quiet: bool) -> Session:
    try:
        report = execute(config, settings, selection, console, quiet=quiet)
    except KeyboardInterrupt:
        _complain("interrupted; what was finished is kept: run the same command again to go on")
        raise typer.Exit(EXIT_INTERRUPTED) from None
    if quiet:
        print_failures(errors, report.session, report.broken)
    else:
        print_report(console, report)
    if not report.succeeded:
        raise typer.Exit(EXIT_FAILURES)
    return report.session


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


def _quoted(path: Path) -> str:
    return f"'{path}'"


def main() -> None:
    """Entry point: errors become messages and exit codes."""
    try:
        app()
    except AnimeInterpError as error:
        _complain(str(error))
        if "--debug" in sys.argv:
            raise
        sys.exit(EXIT_USAGE)


def _complain(message: str) -> None:
    errors.print(f"error: {message}", style="red", markup=False, highlight=False, soft_wrap=True)


if __name__ == "__main__":
    main()
