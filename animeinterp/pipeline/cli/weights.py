"""The commands `weights list`, `fetch`, `convert` and `verify`."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any, Literal
from urllib.parse import urlsplit

import typer
from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeRemainingColumn

from animeinterp.configs.errors import WeightsError
from animeinterp.configs.found_weights import weights_folder
from animeinterp.configs.loading import load_config, preset_names
from animeinterp.configs.names import given_path, own_command
from animeinterp.models.weights.conversion import Examined, convert, examine
from animeinterp.models.weights.download import Progress as OnProgress
from animeinterp.models.weights.download import download
from animeinterp.models.weights.files import file_digest, read_header
from animeinterp.models.weights.layouts import LPIPS_PARTS, Part
from animeinterp.models.weights.records import RECORDS, SHIPPED, FullVariant, WeightsRecord
from animeinterp.pipeline.cli.as_json import Json, print_json
from animeinterp.pipeline.cli.chosen_config import (
    DEFAULT_PRESET,
    PANEL,
    ChosenConfig,
    ConfigOption,
    Settings,
    project_file,
)
from animeinterp.pipeline.cli.config_argument import CommandGroup, ConfigCommand
from animeinterp.pipeline.cli.outcomes import print_methods
from animeinterp.pipeline.cli.terminal import (
    EXIT_FAILURES,
    Quiet,
    complain,
    console,
    errors,
    interruptible,
    say,
    say_within,
)
from animeinterp.pipeline.compute.networks import check_variant
from animeinterp.pipeline.running.proxies import go_past_proxies

STAGES_OF: dict[Part, tuple[str, ...]] = {
    "vgg19": ("features",),
    "rfr": ("refinement",),
    "synthesis": ("synthesis",),
    "light": ("refinement", "synthesis"),
    **dict.fromkeys(LPIPS_PARTS, ("evaluation",)),
}

weights = typer.Typer(
    cls=CommandGroup,
    help="List, download, convert and check weights files.",
    no_args_is_help=True,
    add_completion=False,
)
Folder = Annotated[
    Path | None,
    typer.Option(
        "--weights",
        "--folder",
        metavar="FOLDER",
        parser=given_path,
        help="Folder of weights files; by default weights.folder, or the user's.",
        rich_help_panel=PANEL,
    ),
]
Network = Literal["vgg19", "rfr", "synthesis"]


@weights.command("list", cls=ConfigCommand)
def list_weights(
    folder: Folder = None,
    config: ConfigOption = None,
    settings: Settings = None,
    as_json: Json = False,
) -> None:
    """List the known files and whether they are present."""
    folder = folder or _folder_of(config, settings)
    if as_json:
        files = [asdict(record) | _place(folder / record.file) for record in RECORDS]
        print_json({"folder": folder.absolute(), "files": files, "shipped": [_shipped() | _place(SHIPPED)]})
        return
    for about in [_shipped(), *(_known(record, folder) for record in RECORDS)]:
        name, *lines = about.items()
        say_within(": ".join(name), style="bold")
        for key, value in lines:
            say_within(f"{key}: {value}", 4)
    if missing := [record.name for record in RECORDS if not (folder / record.file).is_file()]:
        say(f"to fetch: {own_command('weights', 'fetch', *missing[:2])}")


def _place(path: Path) -> dict[str, Any]:
    return {"path": path.absolute(), "present": path.is_file()}


def _known(record: WeightsRecord, folder: Path) -> dict[str, str]:
    """What is known of a file that others distribute."""
    known = 0 < len(record.sha256) < 64
    return {
        record.name: f"{record.file}, {'present' if (folder / record.file).is_file() else 'not'} in {folder}",
        "for": ", ".join(record.settings),
        "SHA-256": f"{record.sha256}..." if known else record.sha256 or "not known",
        "variant": record.variant or "same in both",
        "input": record.preprocessing,
        "licence": record.licence,
        "from": record.url,
    }


@weights.command(cls=ConfigCommand)
def fetch(
    names: Annotated[list[str], typer.Argument(metavar="NAME", help="Names from 'weights list'.")],
    folder: Folder = None,
    config: ConfigOption = None,
    settings: Settings = None,
    url: Annotated[str | None, typer.Option("--url", help="Download from this address instead.")] = None,
    sha256: Annotated[str | None, typer.Option("--sha256", help="Required SHA-256.")] = None,
    quiet: Quiet = False,
) -> None:
    """Download weights files to where every command finds them; interrupted downloads are resumed."""
    records = [_record_named(name) for name in names]
    if len(records) > 1 and (url or sha256):
        raise WeightsError("--url and --sha256 are for one file; fetch the files one by one")
    place = folder or _folder_of(config, settings)
    for record in records:
        _fetch(record, place, url, (sha256 or record.sha256).lower(), quiet=quiet)
    if not quiet:
        _say_what_is_next(ChosenConfig.of(config, settings, folder, default=DEFAULT_PRESET), folder)


def _folder_of(config: str | None, settings: Sequence[str] | None) -> Path:
    """The folder that commands search; also without a config."""
    chosen = ChosenConfig.of(config, settings, default=DEFAULT_PRESET)
    return weights_folder(chosen.load().model_dump())


def _fetch(record: WeightsRecord, folder: Path, url: str | None, expected: str, *, quiet: bool) -> None:
    target = folder / record.file
    if target.exists() and _is_here(target, expected):
        return
    source = url or record.url
    go_past_proxies(urlsplit(source).hostname or "")
    with interruptible(), _progress(record.file, quiet) as on_progress:
        digest = download(source, target, expected, on_progress)
    say(f"{target}: fetched, SHA-256 {digest}")
    if not expected:
        say(
            f"its digest was not known beforehand; '{own_command('weights', 'verify', str(target))}' checks "
            f"its content, and --sha256 {digest} its digest from now on",
            style="yellow",
        )


def _say_what_is_next(chosen: ChosenConfig, folder: Path | None) -> None:
    """Say what is used from now on, and with which command."""
    say("used from now on:")
    print_methods(chosen.load())
    option = [] if folder is None else ["--weights", str(folder)]
    if project_file() is None:
        say(f"next: {own_command('interpolate', *option, 'CLIP', '-o', 'OUTPUT')}")
        say(f"or, for pairs of frames: {own_command('init', 'FOLDER')}; {own_command('run', *option)}")
    else:
        say(f"next: {own_command('run', *option)}")


@weights.command("convert", cls=ConfigCommand)
def convert_weights(
    source: Annotated[
        Path, typer.Argument(metavar="SOURCE", parser=given_path, help="VGG-19 or an AnimeInterp checkpoint.")
    ],
    target: Annotated[
        Path, typer.Argument(metavar="TARGET", parser=given_path, help="Output file, ending in .safetensors.")
    ],
    variant: Annotated[
        FullVariant | None, typer.Option("--variant", help="Variant that the networks were trained with.")
    ] = None,
    part: Annotated[Network | None, typer.Option("--part", help="Only this network.")] = None,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace TARGET if it exists.")] = False,
) -> None:
    """Write networks to a safetensors file that records their variant."""
    with interruptible():
        found = convert(source, target, variant, part, overwrite=overwrite)
    say(f"{target}: written, {_describe(found)}")
    if found.variant is None and found.parts != ("vgg19",):
        say(
            "it records no variant, so it is used with any settings; --variant records one",
            style="yellow",
        )


@weights.command(cls=ConfigCommand)
def verify(
    files: Annotated[list[Path], typer.Argument(metavar="FILE", parser=given_path, help="Weights files.")],
    config: Annotated[
        str | None,
        typer.Option(
            "--config",
            "-c",
            metavar="CONFIG",
            help="Also check that they fit this config.",
            rich_help_panel=PANEL,
            autocompletion=preset_names,
        ),
    ] = None,
    settings: Settings = None,
) -> None:
    """Check weights files: names, shapes, values and, if known, digest."""
    loaded = None if config is None else load_config(config, settings or ())
    sound = True
    for path in files:
        try:
            with interruptible():
                found = examine(path)
            if loaded is not None:
                for stage in (stage for part in found.parts for stage in STAGES_OF[part]):
                    check_variant(stage, loaded, path, found.sha256)
        except WeightsError as error:
            complain(str(error))
            sound = False
            continue
        problems = found.problems if found.parts else ["none of its names belong to a known network"]
        say(f"{path}: {_describe(found)}")
        say(f"  SHA-256 {found.sha256}{_known_as(found)}")
        for problem in problems:
            say(f"  {problem}", "red", errors)
        sound = sound and not problems
    if not sound:
        raise typer.Exit(EXIT_FAILURES)


def _shipped() -> dict[str, str]:
    """What is known of the weights that come with the program."""
    header = read_header(SHIPPED)
    return {
        "light": f"{SHIPPED.name}, comes with animeinterp",
        "for": "refinement.method = light, synthesis.method = light",
        "variant": header["variant"],
        "trained on": f"{header['data']}, {header['step']} steps",
        "licence": header["licence"],
    }


def _record_named(name: str) -> WeightsRecord:
    for record in RECORDS:
        if name in (record.name, record.file):
            return record
    known = ", ".join(record.name for record in RECORDS)
    raise WeightsError(f"{name!r} is not a known weights file, expected one of {known}; see 'weights list'")


def _is_here(target: Path, expected: str) -> bool:
    """Whether the file is present and need not be downloaded."""
    digest = file_digest(target)
    if not digest.startswith(expected):
        raise WeightsError(
            f"{target}: exists, with SHA-256 {digest} instead of {expected}; move it away and fetch again"
        )
    say(f"{target}: already present, SHA-256 {digest}")
    return True


def _describe(found: Examined) -> str:
    networks = " and ".join(found.parts) or "no known network"
    variant = f", variant {found.variant}" if found.variant else ""
    return f"{found.format} file with {networks}{variant}"


def _known_as(found: Examined) -> str:
    if found.record is not None:
        return f", matches {found.record.name} ({found.record.file})"
    if found.source_sha256:
        return f"; converted from a file of SHA-256 {found.source_sha256}"
    return "; no known digest to compare it with"


@contextmanager
def _progress(name: str, quiet: bool) -> Iterator[OnProgress]:
    columns = TextColumn("{task.description}"), BarColumn(), DownloadColumn(), TimeRemainingColumn()
    with Progress(*columns, console=console, disable=quiet or not console.is_terminal) as bar:
        task = bar.add_task(name, total=None)
        yield lambda there, total: bar.update(task, completed=there, total=total)
