"""The command `inspect`."""

from __future__ import annotations

import webbrowser
from pathlib import Path
from typing import Annotated

import typer

from animeinterp.configs.names import program
from animeinterp.pipeline.cli.chosen_config import ChosenConfig, ConfigOption, Settings, WeightsFolder
from animeinterp.pipeline.cli.terminal import (
    OUTPUT,
    errors,
    folder_option,
    say,
    say_cache,
)
from animeinterp.pipeline.pages.contact_sheet import write_contact_sheet
from animeinterp.pipeline.pages.html_files import page_name
from animeinterp.pipeline.pages.inspect.pair_pages import write_pages
from animeinterp.pipeline.pages.report.pairs import inspect_folder
from animeinterp.pipeline.planning.selection import Selection, find_pairs
from animeinterp.pipeline.planning.session import Session


def inspect(
    ids: Annotated[list[str], typer.Argument(metavar="ID", help="Ids of pairs.")],
    config: ConfigOption = None,
    settings: Settings = None,
    weights: WeightsFolder = None,
    output: Annotated[Path | None, folder_option("the pages")] = None,
    png: Annotated[
        bool,
        typer.Option(
            "--png",
            help="Draw one picture of all stages instead of a page.",
            rich_help_panel=OUTPUT,
        ),
    ] = False,
    show: Annotated[
        bool,
        typer.Option(
            "--open",
            help="Open the page in the browser.",
            rich_help_panel=OUTPUT,
        ),
    ] = False,
) -> None:
    """Write an HTML page that shows every stage of a pair."""
    chosen = ChosenConfig.of(config, settings, weights)
    session = Session.open(chosen.load(), Selection(ids=tuple(ids)), look_only=True)
    say_cache(session.config.store.cache, errors)  # on standard output are the paths
    names = [session.manifest.pairs[index].id for index in find_pairs(session.manifest, ids)]
    folder = output or inspect_folder(session.config)
    if png:
        paths = [folder / page_name(name, ".png") for name in names]
        for name, path in zip(names, paths, strict=True):
            write_contact_sheet(session, name, path)
    else:
        paths = write_pages(session, names, folder, [program(), "run", *chosen.options])
    for path in paths:
        say(str(path))
    if show:
        webbrowser.open(paths[0].absolute().as_uri())
