"""The commands `cache ls`, `verify` and `gc`."""

from __future__ import annotations

import os
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from animeinterp.configs.errors import CacheError, ConfigError
from animeinterp.configs.loading import PROJECT_FILE, preset_names
from animeinterp.configs.names import given_path, own_command
from animeinterp.configs.sections import Config
from animeinterp.pipeline.cli.as_json import Json, print_json
from animeinterp.pipeline.cli.cache_tables import (
    cache_content,
    print_check,
    print_contents,
    print_offers,
    print_plan,
    print_results_check,
)
from animeinterp.pipeline.cli.chosen_config import (
    ENVIRONMENT,
    PANEL,
    ChosenConfig,
    ConfigOption,
    Settings,
    WeightsFolder,
    project_file,
)
from animeinterp.pipeline.cli.config_argument import CommandGroup, ConfigCommand
from animeinterp.pipeline.cli.terminal import (
    EXIT_FAILURES,
    OUTPUT,
    Quiet,
    complain,
    console,
    interruptible,
    say,
    say_cache,
)
from animeinterp.pipeline.compute.registry import STAGES
from animeinterp.pipeline.results.cache_check import (
    CheckReport,
    check_results,
    check_shards,
    check_surroundings,
    shards_in,
)
from animeinterp.pipeline.results.cache_contents import (
    Key,
    check_cache,
    contents_of,
    current_keys,
    fingerprint_folders,
    read_users,
)
from animeinterp.pipeline.results.cache_gc import GcPlan, Scope, plan_gc, remove
from animeinterp.pipeline.store.acceptances import stage_acceptances
from animeinterp.pipeline.store.sizes import in_bytes
from animeinterp.pipeline.store.written_results import WrittenResults

cache = typer.Typer(
    cls=CommandGroup, help="List, check and clean the cache.", no_args_is_help=True, add_completion=False
)
SELECTION = "What"
CacheFolder = Annotated[
    Path | None,
    typer.Option(
        "--cache",
        metavar="FOLDER",
        parser=given_path,
        help="Use this cache, not the config's.",
        rich_help_panel=PANEL,
    ),
]
OneStage = Annotated[
    str | None,
    typer.Option(
        "--stage",
        metavar="STAGE",
        help="Only this stage.",
        rich_help_panel=SELECTION,
    ),
]


@cache.command("ls", cls=ConfigCommand)
def list_cache(
    config: ConfigOption = None,
    settings: Settings = None,
    weights: WeightsFolder = None,
    folder: CacheFolder = None,
    stage: OneStage = None,
    as_json: Json = False,
) -> None:
    """List a cache: stages, fingerprints, how they differ, size and last use."""
    place, chosen = find_cache(config, settings, weights, folder)
    loaded = None if chosen is None else chosen.load()
    check_cache(place, [stage] if stage else ())
    found = [contents_of(path) for path in fingerprint_folders(place, stage)]
    current = set() if loaded is None else current_keys(loaded, place)
    if as_json:
        print_json(cache_content(place, found, read_users(place), current))
        return
    say_cache(place)
    print_contents(place, found, read_users(place), current, "" if chosen is None else chosen.source)


@cache.command(cls=ConfigCommand)
def verify(
    config: ConfigOption = None,
    settings: Settings = None,
    weights: WeightsFolder = None,
    folder: CacheFolder = None,
    stage: OneStage = None,
    everything: Annotated[
        bool,
        typer.Option(
            "--all",
            help="Also check results that the config does not use.",
            rich_help_panel=SELECTION,
        ),
    ] = False,
    results: Annotated[
        bool,
        typer.Option(
            "--results",
            help="Check the files in store.results too, not only the cache.",
            rich_help_panel=SELECTION,
        ),
    ] = False,
    quiet: Quiet = False,
) -> None:
    """Read all results and report damage; the next run recomputes damaged items."""
    place, chosen = find_cache(config, settings, weights, folder)
    loaded = None if chosen is None else chosen.load()
    written = _results_folder(loaded) if results else None
    check_cache(place, [stage] if stage else ())
    folders = list(fingerprint_folders(place, stage))
    if loaded is not None and not everything:
        current = current_keys(loaded, place)
        folders = [path for path in folders if (path.parent.name, path.name) in current]
    if not quiet:
        say_cache(place)
    started, report = time.monotonic(), CheckReport()
    check_surroundings(folders, report)
    paths = shards_in(folders)
    columns = TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn()
    with (
        interruptible(),
        Progress(*columns, console=console, disable=quiet or not console.is_terminal) as bar,
    ):
        for _ in bar.track(check_shards(paths, report), total=len(paths), description="shards"):
            pass
    print_check(place, report, time.monotonic() - started, quiet=quiet)
    if written is not None:
        with interruptible():
            report.results = check_results(written)
        print_results_check(written, report.results, quiet=quiet)
    if not report.sound:
        raise typer.Exit(EXIT_FAILURES)


def _results_folder(config: Config | None) -> WrittenResults:
    root = None if config is None else config.store.results
    if root is None:
        raise ConfigError(
            "--results needs a config with store.results, the folder to check: give it with -c, or "
            "--set store.results=FOLDER"
        )
    return WrittenResults(root.absolute())


@cache.command(cls=ConfigCommand)
def gc(
    configs: Annotated[
        list[str] | None,
        typer.Option(
            "--config",
            "-c",
            metavar="CONFIG",
            help=f"Config whose results to keep; repeatable; by default {PROJECT_FILE} in this folder.",
            rich_help_panel=PANEL,
            autocompletion=preset_names,
        ),
    ] = None,
    settings: Settings = None,
    weights: WeightsFolder = None,
    folder: CacheFolder = None,
    unused: Annotated[
        bool,
        typer.Option(
            "--unused",
            help="Results that no config uses (unused).",
            rich_help_panel=SELECTION,
        ),
    ] = False,
    stage: Annotated[
        str | None,
        typer.Option(
            "--stage",
            metavar="STAGE",
            help="Only unused results of this stage.",
            rich_help_panel=SELECTION,
        ),
    ] = None,
    fingerprint: Annotated[
        str | None,
        typer.Option(
            "--fingerprint",
            metavar="PREFIX",
            help="Only unused results whose fingerprint starts with this.",
            rich_help_panel=SELECTION,
        ),
    ] = None,
    older_than: Annotated[
        float | None,
        typer.Option(
            "--older-than",
            metavar="DAYS",
            min=0,
            help="Only results not used for this long.",
            rich_help_panel=SELECTION,
        ),
    ] = None,
    superseded: Annotated[
        bool,
        typer.Option(
            "--superseded",
            help="Shards whose items are all in later shards.",
            rich_help_panel=SELECTION,
        ),
    ] = False,
    left_overs: Annotated[
        bool,
        typer.Option(
            "--left-over",
            help="Leftover files of dead writers.",
            rich_help_panel=SELECTION,
        ),
    ] = False,
    runs_older_than: Annotated[
        float | None,
        typer.Option(
            "--runs-older-than",
            metavar="DAYS",
            min=0,
            help="Records of runs that ended before this.",
            rich_help_panel=SELECTION,
        ),
    ] = None,
    delete: Annotated[
        bool,
        typer.Option(
            "--delete",
            help="Delete; without it, only list.",
            rich_help_panel=OUTPUT,
        ),
    ] = False,
) -> None:
    """List what can be deleted from a cache; --delete deletes it.

    Results that a config or an active run uses are never deleted.
    """
    scope = Scope(unused, superseded, left_overs, runs_older_than, stage, fingerprint, older_than)
    place, keep = _what_to_keep(configs or _default_configs(), folder, settings, weights)
    check_cache(place, [stage] if stage else ())
    offers = plan_gc(place, keep, Scope(True, True, True))
    if scope.empty:
        print_offers(offers)
        raise ConfigError(
            "say what may be deleted: --unused, --stage, --fingerprint, --older-than, --superseded, "
            "--left-over or --runs-older-than"
        )
    plan = plan_gc(place, keep, scope)
    say_cache(place)
    if fingerprint is not None and not plan.candidates and not plan.spared:
        raise CacheError(
            f"--fingerprint {fingerprint}: no fingerprint in {place} starts with it; see 'cache ls'"
        )
    print_plan(plan, delete=delete)
    if not delete:
        others = [one for one in offers.candidates if one not in plan.candidates and one.kind != "results"]
        print_offers(GcPlan(others))
        return
    with interruptible():
        if not _remove_all(place, plan):
            raise typer.Exit(EXIT_FAILURES)


def _default_configs() -> list[str]:
    """The config of other commands, if there is one. Typer would divide the variable at its blanks."""
    config = os.environ.get(ENVIRONMENT) or project_file()
    return [] if config is None else [config]


def _what_to_keep(
    configs: Sequence[str], folder: Path | None, settings: Sequence[str] | None, weights: Path | None
) -> tuple[Path, dict[Key, str]]:
    """The cache, and the results in use, each with the config that uses it."""
    if not configs:
        raise ConfigError(
            f"name the configs whose results to keep, as in '{own_command('cache', 'gc', '-c', 'demo')} "
            "--unused'; without any, everything in the cache would count as unused"
        )
    loaded = {config: ChosenConfig.of(config, settings, weights).load() for config in configs}
    places = {config: (folder or one.store.cache) for config, one in loaded.items()}
    place = places[configs[0]]
    other = next((config for config in configs if places[config].resolve() != place.resolve()), None)
    if other is not None:
        raise ConfigError(
            f"config {configs[0]} has the cache {place} and config {other} {places[other]}: "
            "give configs of the same cache, or choose one with --cache"
        )
    for stage in STAGES:
        # Runs go on without a damaged file; here, results that it names would count as unused.
        stage_acceptances(place, stage)
    keep: dict[Key, str] = {}
    for config, one in loaded.items():
        for key in current_keys(one, place):
            keep.setdefault(key, f"config {config}")
    return place, keep


def _remove_all(place: Path, plan: GcPlan) -> bool:
    """Delete what was planned; return whether all of it could be deleted."""
    freed, fine = 0, True
    for candidate in plan.candidates:
        try:
            left = remove(place, candidate)
        except OSError as error:
            complain(f"{candidate.path}: cannot be deleted ({error.strerror}); check its owner")
            fine = False
            continue
        if left:
            say(f"kept {candidate.path.relative_to(place)}: {left}")
        else:
            freed += candidate.size
    say(f"freed {in_bytes(freed)}")
    return fine


def find_cache(
    config: str | None, settings: Sequence[str] | None, weights: Path | None, folder: Path | None
) -> tuple[Path, ChosenConfig | None]:
    """The cache of a command, and its config; None if only a folder was given."""
    if folder is not None and config is None and not settings:
        return folder, None
    chosen = ChosenConfig.of(config, settings, weights)
    return (folder or chosen.load().store.cache), chosen
