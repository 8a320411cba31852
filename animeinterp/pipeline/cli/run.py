"""The command `run`."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from animeinterp.configs.errors import ConfigError
from animeinterp.pipeline.cli.chosen_config import ChosenConfig, ConfigOption, Settings, WeightsFolder
from animeinterp.pipeline.cli.outcomes import print_methods
from animeinterp.pipeline.cli.status import print_estimate, print_plan
from animeinterp.pipeline.cli.summary import leave_if_failed, run_and_report
from animeinterp.pipeline.cli.terminal import (
    OUTPUT,
    PAIRS,
    STAGES_PANEL,
    Ids,
    Limit,
    Quiet,
    ReplaceResults,
    RetryFailed,
    say,
    say_cache,
)
from animeinterp.pipeline.compute.registry import STAGES
from animeinterp.pipeline.planning.accept_results import change_acceptances
from animeinterp.pipeline.planning.estimates import estimate
from animeinterp.pipeline.planning.selection import Selection
from animeinterp.pipeline.planning.session import Session


def _stage(option: str, meaning: str) -> Any:
    return typer.Option(
        option,
        metavar="STAGE",
        help=meaning,
        rich_help_panel=STAGES_PANEL,
        autocompletion=lambda: list(STAGES),
    )


def run(
    config: ConfigOption = None,
    settings: Settings = None,
    weights: WeightsFolder = None,
    first: Annotated[str | None, _stage("--from", "First stage to run; default: segmentation.")] = None,
    last: Annotated[str | None, _stage("--to", "Last stage to run; default: evaluation.")] = None,
    only: Annotated[str | None, _stage("--only", "Run this stage alone.")] = None,
    force: Annotated[
        list[str] | None, _stage("--force", "Compute this stage again even if it is current; repeatable.")
    ] = None,
    accept: Annotated[
        list[str] | None,
        _stage(
            "--accept-current",
            "Keep this stage's results in spite of a change of its settings, weights or code; repeatable.",
        ),
    ] = None,
    retract: Annotated[
        list[str] | None, _stage("--retract-accepted", "Undo --accept-current; repeatable.")
    ] = None,
    limit: Limit = None,
    ids: Ids = None,
    retry_failed: RetryFailed = False,
    rehash: Annotated[
        bool,
        typer.Option(
            "--rehash",
            help="Look at every byte of frames and results again, not at file times.",
            rich_help_panel=PAIRS,
        ),
    ] = False,
    dry_run: Annotated[
        bool,
        typer.Option(
            "--dry-run", help="Show what would run and why; compute nothing.", rich_help_panel=OUTPUT
        ),
    ] = False,
    replace_results: ReplaceResults = False,
    quiet: Quiet = False,
) -> None:
    """Run the stages on a dataset; current results are not computed again."""
    chosen = ChosenConfig.of(config, settings, weights)
    if only is not None and (first or last):
        option = "--from" if first else "--to"
        raise ConfigError(f"--only and {option} exclude each other; give one of them")
    first, last = only or first or "segmentation", only or last or "evaluation"
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
        found = estimate(session)
        print_estimate(found, session.config.store.cache)
        if found.unknown:
            say("--limit 2 in place of --dry-run computes two pairs, from which both can be estimated")
        return
    leave_if_failed(run_and_report(*chosen, selection, quiet=quiet))
