"""The command `demo`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from animeinterp.configs.loading import PROJECT_FILE
from animeinterp.configs.names import given_path, own_command
from animeinterp.data.images import write_file
from animeinterp.pipeline.cli.chosen_config import ChosenConfig, Settings, WeightsFolder
from animeinterp.pipeline.cli.summary import leave_if_failed, run_and_report
from animeinterp.pipeline.cli.terminal import (
    Quiet,
    say,
)
from animeinterp.pipeline.pages.contact_sheet import write_contact_sheet
from animeinterp.pipeline.pages.html_files import page_name
from animeinterp.pipeline.planning.selection import Selection

PROJECT = """\
# The demo: its drawn cartoons, its cache and its results, in this folder.
extends = "demo"

[data]
root = "cartoons"

[store]
cache = "cache"
results = "results"
"""


def demo(
    folder: Annotated[
        Path,
        typer.Option(
            "--folder", metavar="FOLDER", parser=given_path, help="Folder for cartoons, cache and results."
        ),
    ] = Path("demo"),
    pairs: Annotated[int, typer.Option("--pairs", min=1, help="How many triplets to draw.")] = 6,
    seed: Annotated[int, typer.Option("--seed", min=0, help="Seed of the first drawing.")] = 0,
    height: Annotated[int, typer.Option("--height", min=16, help="Height of the frames, px.")] = 540,
    width: Annotated[int, typer.Option("--width", min=16, help="Width of the frames, px.")] = 960,
    settings: Settings = None,
    weights: WeightsFolder = None,
    quiet: Quiet = False,
) -> None:
    """Draw cartoons, run all stages on them, score the frames and draw a contact sheet for each pair."""
    from animeinterp.data.cartoon import write_dataset

    if not quiet:
        say(f"drawing {pairs} triplets, {width}x{height}, in {folder / 'cartoons'}")
    write_dataset(folder / "cartoons", pairs, seed=seed, size=(height, width))
    project = folder / PROJECT_FILE
    if not project.exists():
        write_file(project, PROJECT.encode())
    chosen = ChosenConfig.of(str(project), settings, weights)
    selection = Selection(replace_results=True)  # the folder is the demo's own
    report = run_and_report(*chosen, selection, quiet=quiet)
    leave_if_failed(report)
    for pair in report.session.manifest.pairs:
        path = folder / "contact_sheets" / page_name(pair.id, ".png")
        write_contact_sheet(report.session, pair.id, path)
        if not quiet:
            say(f"contact sheet: {path}")
    if not quiet:
        first = report.session.manifest.pairs[0].id
        say(f"to look at a pair: {own_command('inspect', first, *chosen.options)}")
