"""The command `evaluate`."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import pandas as pd
import typer

from animeinterp.configs.errors import ConfigError
from animeinterp.configs.files import obstacle, replace_file
from animeinterp.configs.loading import load_config
from animeinterp.configs.names import given_path
from animeinterp.pipeline.cli.as_json import Json, print_json, session_content
from animeinterp.pipeline.cli.chosen_config import ChosenConfig, ConfigOption, Settings, WeightsFolder
from animeinterp.pipeline.cli.mean_scores import print_scores
from animeinterp.pipeline.cli.outcomes import print_failures, print_methods, print_skipped
from animeinterp.pipeline.cli.score_tables import print_comparison, scores_content
from animeinterp.pipeline.cli.summary import leave_if_failed, run_and_report
from animeinterp.pipeline.cli.terminal import (
    Quiet,
    ReplaceResults,
    console,
    say,
    say_cache,
)
from animeinterp.pipeline.planning.selection import Selection
from animeinterp.pipeline.planning.session import Session
from animeinterp.pipeline.results.results_record import results_notes
from animeinterp.pipeline.results.score_comparison import compare
from animeinterp.pipeline.results.score_files import read_scores
from animeinterp.pipeline.results.scores import score_table
from animeinterp.pipeline.store.csv_tables import as_csv

SHARED_SECTIONS = ("data.", "store.", "executor.", "weights.")
"""Settings of these sections also apply to the config that is compared with."""


def evaluate(
    config: ConfigOption = None,
    settings: Settings = None,
    weights: WeightsFolder = None,
    against: Annotated[
        str | None,
        typer.Option(
            "--against",
            metavar="CSV|CONFIG",
            help="Compare with a CSV file of scores by id (published ones, or a run's scores.csv), "
            "or another config that has been run.",
            rich_help_panel="Comparison",
        ),
    ] = None,
    output: Annotated[
        Path | None,
        typer.Option(
            "--output",
            "-o",
            metavar="CSV",
            parser=given_path,
            help="File for the joined table.",
            rich_help_panel="Comparison",
        ),
    ] = None,
    replace_results: ReplaceResults = False,
    quiet: Quiet = False,
    as_json: Json = False,
) -> None:
    """Score the finished frames and print the tables."""
    if output is not None and against is None:
        raise ConfigError("--output is for the table of --against; give both, or neither")
    chosen = ChosenConfig.of(config, settings, weights)
    loaded = chosen.load()
    # Before any work, so that errors are reported at once.
    there = None if against is None else _scores_there(against, chosen.settings)
    selection = Selection("evaluation", "evaluation", replace_results=replace_results)
    session = Session.open(loaded, selection, look_only=True)
    report = None
    quiet = quiet or as_json
    if any(session.to_compute("evaluation", group) for group in session.layout.wanted_groups("evaluation")):
        report = run_and_report(*chosen, selection, quiet=quiet)
        session = report.session
    elif not as_json:
        print_methods(loaded)
        say_cache(loaded.store.cache)
        for note in (*session.manifest.notes, *results_notes(session)):
            say(f"note: {note}", "yellow")
        print_skipped(console, session)
        print_failures(console, session, [])
        print_scores(console, score_table(session))
    comparison = None if there is None else compare(score_table(session), there)
    if comparison is not None and output is not None:
        _write(comparison.joined, output)
    if as_json:
        print_json(session_content(session) | scores_content(session, comparison))
    elif comparison is not None:
        print_comparison(comparison, str(against))
        if output is not None:
            say(f"joined table: {output}")
    if report is not None:
        leave_if_failed(report)


def _scores_there(against: str, settings: Sequence[str]) -> pd.DataFrame:
    if Path(against).suffix.lower() == ".csv":
        return read_scores(given_path(against))
    shared = [setting for setting in settings if setting.strip().startswith(SHARED_SECTIONS)]
    session = Session.open(
        load_config(against, shared), Selection("evaluation", "evaluation"), look_only=True
    )
    table = score_table(session)
    if table.empty:
        cache = session.config.store.cache
        raise ConfigError(
            f"--against {against}: no scores under this config in store.cache = {str(cache)!r}; "
            "run it first, or give a CSV file of scores"
        )
    return table


def _write(joined: pd.DataFrame, output: Path) -> None:
    try:
        replace_file(output, as_csv(joined))
    except OSError as error:
        raise ConfigError(f"--output {output}: cannot be written ({obstacle(error)})") from None
