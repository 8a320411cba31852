"""The command `report`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from animeinterp.configs.names import command_line, program
from animeinterp.pipeline.cli.chosen_config import ChosenConfig, ConfigOption, Settings, WeightsFolder
from animeinterp.pipeline.cli.terminal import (
    OUTPUT,
    Ids,
    Limit,
    errors,
    folder_option,
    interruptible,
    say,
    say_cache,
)
from animeinterp.pipeline.pages.report.report_page import write_report
from animeinterp.pipeline.pages.report.tables import PARQUET_NOTE
from animeinterp.pipeline.planning.selection import Selection
from animeinterp.pipeline.planning.session import Session
from animeinterp.pipeline.store.written_results import SCORES_PARQUET


def report(
    config: ConfigOption = None,
    settings: Settings = None,
    weights: WeightsFolder = None,
    output: Annotated[Path | None, folder_option("the report")] = None,
    pages: Annotated[
        int,
        typer.Option(
            "--pages",
            min=0,
            metavar="N",
            help="Also write the pages of the N worst pairs.",
            rich_help_panel=OUTPUT,
        ),
    ] = 0,
    rank_by: Annotated[
        str,
        typer.Option(
            "--by",
            metavar="SCORE",
            help="Score that ranks the pairs.",
            rich_help_panel=OUTPUT,
        ),
    ] = "psnr",
    limit: Limit = None,
    ids: Ids = None,
) -> None:
    """Write a page about a run (scores, worst pairs, failures, time and space) and its tables."""
    chosen = ChosenConfig.of(config, settings, weights)
    loaded = chosen.load()
    session = Session.open(loaded, Selection(limit=limit, ids=tuple(ids or ())), look_only=True)
    say_cache(loaded.store.cache, errors)  # on standard output are the paths
    folder = output or (loaded.store.results or loaded.store.cache).parent / "report"
    command = [program(), "run", *chosen.options]
    with interruptible():
        written = write_report(session, folder, rank_by=rank_by, pages=pages, command=command)
    for path in written.files:
        say(str(path))
    for shard in written.damaged:
        say(f"note: {shard}; left out here; to recompute it: {command_line(command)}", style="yellow")
    if SCORES_PARQUET not in [path.name for path in written.files]:
        say(f"note: {PARQUET_NOTE}", style="yellow")
