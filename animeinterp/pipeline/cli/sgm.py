"""The commands `export-sgm` and `import-sgm`."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer

from animeinterp.configs.errors import CacheError, DataError
from animeinterp.configs.loading import text_setting
from animeinterp.configs.names import given_path, name_of, own_command
from animeinterp.data.sgm_folders import FLOWS
from animeinterp.pipeline.cli.chosen_config import ChosenConfig, ConfigOption, Settings, WeightsFolder
from animeinterp.pipeline.cli.outcomes import print_failures
from animeinterp.pipeline.cli.summary import leave_if_failed, run_and_report
from animeinterp.pipeline.cli.terminal import (
    EXIT_FAILURES,
    OUTPUT,
    Ids,
    Limit,
    Quiet,
    RetryFailed,
    console,
    errors,
    interruptible,
    say,
    say_cache,
)
from animeinterp.pipeline.compute.registry import STAGES
from animeinterp.pipeline.exports import sgm_export
from animeinterp.pipeline.exports.sgm_export import NOT_CACHED, ExportReport, FlowType
from animeinterp.pipeline.planning.selection import Selection
from animeinterp.pipeline.planning.session import Session

LISTED = 5  # ids in a line of the summary


def export_sgm(
    out: Annotated[
        Path,
        typer.Argument(
            metavar="OUT", parser=given_path, help="Folder in which each pair gets a folder of six files."
        ),
    ],
    config: ConfigOption = None,
    settings: Settings = None,
    weights: WeightsFolder = None,
    labels: Annotated[
        Path | None,
        typer.Option(
            "--labels",
            metavar="ROOT",
            parser=given_path,
            help="Also write label maps, into this folder.",
            rich_help_panel=OUTPUT,
        ),
    ] = None,
    dtype: Annotated[
        FlowType,
        typer.Option(
            "--dtype",
            help="Data type of the flows.",
            rich_help_panel=OUTPUT,
        ),
    ] = "float64",
    limit: Limit = None,
    ids: Ids = None,
    quiet: Quiet = False,
) -> None:
    """Export coarse flows in the layout of the authors' program."""
    chosen = ChosenConfig.of(config, settings, weights)
    selection = Selection(last="coarse_flow", limit=limit, ids=tuple(ids or ()))
    session = Session.open(chosen.load(), selection, look_only=True)
    if not quiet:
        say_cache(session.config.store.cache)
    with interruptible():
        report = sgm_export.export_sgm(session, out, labels, dtype=dtype, console=console, quiet=quiet)
    command = own_command("run", *chosen.options, "--to", "coarse_flow", *_options(ids, limit))
    missing = report.left_out.get(NOT_CACHED, [])
    if missing and len(missing) == len(session.layout.wanted_pairs):
        cache = session.config.store.cache
        raise CacheError(
            f"store.cache = {str(cache)!r}: no coarse flow of these pairs with these settings; "
            f"compute it first: {command}"
        )
    _print_export(report, out, command, quiet=quiet)
    if report.left_out:
        print_failures(errors if quiet else console, session, [])
        raise typer.Exit(EXIT_FAILURES)


def _print_export(report: ExportReport, out: Path, command: str, *, quiet: bool) -> None:
    for reason, found in report.left_out.items():
        listed = ", ".join(found[:LISTED]) + (", ..." if len(found) > LISTED else "")
        remedy = f"; to compute them: {command}" if reason == NOT_CACHED else ""
        line = f"not exported: {len(found)} ({listed}): {reason}{remedy}"
        say(line, "red", errors if quiet else console)
    if not quiet:
        count = report.exported
        left_out = sum(len(found) for found in report.left_out.values())
        parts = [
            f"{count} {STAGES['coarse_flow'].units(count)} exported to {out}",
            f"{report.current} up to date",
        ]
        say(", ".join([*parts, *([f"{left_out} not exported"] if left_out else [])]))


def import_sgm(
    folder: Annotated[
        Path,
        typer.Argument(
            metavar="FOLDER", parser=given_path, help="Folder with <id>/guide_flo13.npy and guide_flo31.npy."
        ),
    ],
    config: ConfigOption = None,
    settings: Settings = None,
    weights: WeightsFolder = None,
    name: Annotated[
        str,
        typer.Option(
            "--name",
            help="Name of the import, to keep several side by side.",
            rich_help_panel=OUTPUT,
        ),
    ] = "",
    limit: Limit = None,
    ids: Ids = None,
    retry_failed: RetryFailed = False,
    quiet: Quiet = False,
) -> None:
    """Import flows made elsewhere into the cache, as coarse flow."""
    folder = folder.absolute()
    imported = [
        "coarse_flow.method=imported",
        text_setting("coarse_flow.imported_from", str(folder)),
        *([text_setting("coarse_flow.imported_as", name)] if name else ()),
    ]
    chosen = ChosenConfig.of(config, [*(settings or ()), *imported], weights)
    selection = Selection(
        "coarse_flow", "coarse_flow", retry_failed=retry_failed, limit=limit, ids=tuple(ids or ())
    )
    _check_folder(folder, chosen, selection)
    report = run_and_report(*chosen, selection, quiet=quiet)
    if not quiet:
        command = own_command("run", *chosen.options, "--from", "refinement", *_options(ids, limit))
        say(f"to continue from these flows: {command}")
    leave_if_failed(report)


def _check_folder(folder: Path, chosen: ChosenConfig, selection: Selection) -> None:
    """Report a wrong folder once, not for each of thousands of pairs."""
    if not folder.is_dir():
        raise DataError(
            f"{folder} is not a folder; name the one that contains <id>/{FLOWS[0]} and {FLOWS[1]}"
        )
    session = Session.open(chosen.load(), selection, look_only=True)
    names = [session.manifest.pairs[pair].id for pair in sorted(session.layout.wanted_pairs)]
    if any((folder / name_of(name)).is_dir() for name in names):
        return
    held = sorted(path.name for path in folder.iterdir())[:LISTED]
    raise DataError(
        f"{folder} has none of the {len(names)} requested pairs: expected folders such as {names[0]!r} "
        f"with {FLOWS[0]} and {FLOWS[1]}, found {', '.join(held) or 'nothing'}"
    )


def _options(ids: Sequence[str] | None, limit: int | None) -> list[str]:
    """The options that choose the same pairs."""
    chosen = [part for name in ids or () for part in ("--id", name)]
    return chosen if limit is None else [*chosen, "--limit", str(limit)]
