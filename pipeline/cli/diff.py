"""The command `diff`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import numpy as np
import typer
from rich.table import Table

from configs.names import given_path
from pipeline.cli.terminal import console, say, table
from pipeline.pages.diff.diff_pages import write_page
from pipeline.results.diff_measures import measures_of
from pipeline.results.result_diff import (
    StageComparison,
    compare_results,
    most_changed,
    open_side,
    stages_apart,
)

Side = Annotated[str, typer.Argument(help="Config, record folder of a run, or folder of a fingerprint.")]


def diff(
    a: Side,
    b: Side,
    settings: Annotated[
        list[str] | None,
        typer.Option("--set", metavar="SECTION.KEY=VALUE", help="A setting for both configs."),
    ] = None,
    settings_a: Annotated[
        list[str] | None, typer.Option("--set-a", metavar="SECTION.KEY=VALUE", help="A setting for A only.")
    ] = None,
    settings_b: Annotated[
        list[str] | None, typer.Option("--set-b", metavar="SECTION.KEY=VALUE", help="A setting for B only.")
    ] = None,
    output: Annotated[
        Path | None,
        typer.Option(
            "--output",
            "-o",
            metavar="FOLDER",
            parser=given_path,
            help="Folder for a page with pictures, and for tables.",
        ),
    ] = None,
    pairs: Annotated[int, typer.Option("--pairs", min=0, help="Pairs shown side by side on the page.")] = 4,
) -> None:
    """Compare the cached results of two configs, runs or fingerprints, stage by stage."""
    one = open_side(a, [*(settings or ()), *(settings_a or ())])
    other = open_side(b, [*(settings or ()), *(settings_b or ())])
    comparisons = compare_results(one, other)
    for apart in stages_apart(one, other):
        say(apart, style="bold")
    for compared in comparisons:
        _print_stage(compared)
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
    if len(compared.table):
        console.print(_measures_table(compared))


def _measures_table(compared: StageComparison) -> Table:
    measures = table(1, "", "mean", "95% of means", "median", "worst", "of", pad_edge=False)
    measures.columns[5].justify = "left"
    for measure in measures_of(compared.stage).measures:
        values = compared.table[measure.name].to_numpy(float)
        finite = values[np.isfinite(values)]
        if not len(finite):
            continue
        worst = int(np.nanargmax([measure.worst(value) for value in values]))
        low, high = compared.interval(measure.name)
        measures.add_row(
            measure.meaning,
            f"{finite.mean():.4g}",
            # The PSNR of equal frames is infinite, so there is no mean over all.
            "" if np.isinf(measure.equal) or low != low else f"{low:.3g} to {high:.3g}",
            f"{np.median(finite):.4g}",
            f"{values[worst]:.4g}",
            str(compared.table.index[worst]),
        )
    return measures
