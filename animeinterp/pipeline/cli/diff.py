"""The command `diff`."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer

from animeinterp.pipeline.cli.chosen_config import ChosenConfig, WeightsFolder, setting_option
from animeinterp.pipeline.cli.fitting_table import FittingTable
from animeinterp.pipeline.cli.terminal import (
    OUTPUT,
    console,
    folder_option,
    say,
    say_cache,
    table,
)
from animeinterp.pipeline.pages.diff.diff_pages import write_page
from animeinterp.pipeline.results.diff_summary import COLUMNS, MeasureSummary, summaries, verdict
from animeinterp.pipeline.results.result_diff import (
    StageComparison,
    compare_results,
    most_changed,
    open_side,
    stages_apart,
)

ABOUT_SIDES = "Config, record folder of a run, or folder of a fingerprint."


def diff(
    a: Annotated[str, typer.Argument(metavar="A", help=ABOUT_SIDES)],
    b: Annotated[str, typer.Argument(metavar="B", help=ABOUT_SIDES)],
    settings: Annotated[list[str] | None, setting_option("--set", "A setting for both configs.")] = None,
    settings_a: Annotated[list[str] | None, setting_option("--set-a", "A setting for A only.")] = None,
    settings_b: Annotated[list[str] | None, setting_option("--set-b", "A setting for B only.")] = None,
    weights: WeightsFolder = None,
    output: Annotated[Path | None, folder_option("a page with pictures, and for tables")] = None,
    pairs: Annotated[
        int,
        typer.Option(
            "--pairs",
            min=0,
            help="Pairs shown side by side on the page.",
            rich_help_panel=OUTPUT,
        ),
    ] = 4,
) -> None:
    """Compare the cached results of two configs, runs or fingerprints, stage by stage."""
    shared = ChosenConfig.of(a, settings, weights).settings
    one = open_side(a, [*shared, *(settings_a or ())])
    other = open_side(b, [*shared, *(settings_b or ())])
    caches = [next(iter(side.values())).folder.parents[1] for side in (one, other)]
    for cache in dict.fromkeys(caches):
        say_cache(cache)
    comparisons = compare_results(one, other)
    for line in verdict(comparisons):
        say(line, style="bold")
    for apart in stages_apart(one, other):
        say(apart, style="bold")
    for compared in comparisons:
        _print_stage(compared)
    if any(len(compared.table) for compared in comparisons):
        for column, meaning in COLUMNS.items():
            say(f"{column}: {meaning}", style="dim")
    changed = most_changed(comparisons, pairs)
    if changed:
        say(f"changed most: {', '.join(changed)}")
    if output is not None:
        page = write_page(output, (a, b), (one, other), comparisons, changed)
        say(f"page: {page}")


def _print_stage(compared: StageComparison) -> None:
    say(f"{compared.stage}: {compared.counts}", style="bold")
    for explanation in compared.explanations():
        say(f"  {explanation}")
    if found := summaries(compared):
        console.print(_measures_table(found))


def _measures_table(found: Sequence[MeasureSummary]) -> FittingTable:
    made = table(1, "measure", *found[0].cells(), "in", pad_edge=False)
    for summary in found:
        made.add_row(summary.measure.meaning, *summary.cells().values(), summary.item)
    return made
