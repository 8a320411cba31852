"""The command `run`."""

from __future__ import annotations

from typing import Annotated

import typer

from pipeline.cli.chosen_config import ChosenConfig, ConfigOption, Settings, WeightsFolder
from pipeline.cli.outcomes import print_methods
from pipeline.cli.status import print_estimate, print_plan
from pipeline.cli.summary import leave_if_failed, run_and_report
from pipeline.cli.terminal import (
    Ids,
    Limit,
    Quiet,
    ReplaceResults,
    say,
    say_cache,
)
from pipeline.planning.accept_results import change_acceptances
from pipeline.planning.selection import Selection
from pipeline.planning.session import Session


def run(
    config: ConfigOption = None,
    settings: Settings = None,
    weights: WeightsFolder = None,
    first: Annotated[
        str, typer.Option("--from", metavar="STAGE", help="First stage to run.")
    ] = "segmentation",
    last: Annotated[str, typer.Option("--to", metavar="STAGE", help="Last stage to run.")] = "evaluation",
    only: Annotated[str | None, typer.Option("--only", metavar="STAGE", help="Run this stage alone.")] = None,
    force: Annotated[
        list[str] | None,
        typer.Option("--force", metavar="STAGE", help="Compute this stage again even if it is current."),
    ] = None,
    retry_failed: Annotated[
        bool, typer.Option("--retry-failed", help="Compute items again that failed before.")
    ] = False,
    limit: Limit = None,
    ids: Ids = None,
    rehash: Annotated[
        bool,
        typer.Option("--rehash", help="Look at every byte of frames and results again, not at file times."),
    ] = False,
    replace_results: ReplaceResults = False,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Show what would run and why; compute nothing.")
    ] = False,
    accept: Annotated[
        list[str] | None,
        typer.Option(
            "--accept-current",
            metavar="STAGE",
            help="Keep this stage's results in spite of a change of its settings, weights or code.",
        ),
    ] = None,
    retract: Annotated[
        list[str] | None,
        typer.Option("--retract-accepted", metavar="STAGE", help="Undo --accept-current."),
    ] = None,
    quiet: Quiet = False,
) -> None:
    """Run the stages on a dataset; current results are not computed again."""
    chosen = ChosenConfig.of(config, settings, weights)
    if only is not None:
        first = last = only
    asked_again = frozenset(force or ())
    selection = Selection(
        first, last, asked_again, retry_failed, limit, tuple(ids or ()), rehash, replace_results
    )
    accepted = None
    if accept or retract:
        accepted, said = change_acceptances(
            chosen.load(), selection, accept or (), retract or (), look_only=dry_run
        )
        for line in said:
            say(line)
    if dry_run:
        session = Session.open(chosen.load(), selection, look_only=True, accepted=accepted)
        print_methods(session.config, last)
        say_cache(session.config.store.cache)
        print_plan(session)
        print_estimate(session)
        return
    leave_if_failed(run_and_report(*chosen, selection, quiet=quiet))
