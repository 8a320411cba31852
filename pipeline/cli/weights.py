"""The commands `weights list`, `fetch`, `convert` and `verify`."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Literal
from urllib.parse import urlsplit

import typer
from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeRemainingColumn
from rich.table import Column, Table

from configs.errors import WeightsError
from configs.loading import load_config
from configs.names import given_path
from models.weights.conversion import Examined, convert, examine
from models.weights.download import Progress as OnProgress
from models.weights.download import download
from models.weights.files import file_digest, read_header
from models.weights.layouts import LPIPS_PARTS, Part
from models.weights.records import RECORDS, SHIPPED, FullVariant, WeightsRecord
from pipeline.cli.terminal import (
    EXIT_FAILURES,
    Quiet,
    Settings,
    complain,
    console,
    errors,
    interruptible,
    say,
)
from pipeline.compute.networks import check_variant
from pipeline.running.proxies import go_past_proxies

FOLDER = Path("weights")
STAGES_OF: dict[Part, tuple[str, ...]] = {
    "vgg19": ("features",),
    "rfr": ("refinement",),
    "synthesis": ("synthesis",),
    "light": ("refinement", "synthesis"),
    **dict.fromkeys(LPIPS_PARTS, ("evaluation",)),
}

weights = typer.Typer(
    help="List, download, convert and check weights files.", no_args_is_help=True, add_completion=False
)
Folder = Annotated[
    Path, typer.Option("--folder", metavar="FOLDER", parser=given_path, help="Folder of weights files.")
]
Network = Literal["vgg19", "rfr", "synthesis"]


@weights.command("list")
def list_weights(folder: Folder = FOLDER) -> None:
    """List the known files and whether they are present."""
    table = Table("", Column(overflow="fold"), show_header=False, box=None, padding=(0, 2, 0, 0))
    for name, value in _shipped().items():
        table.add_row(name, value)
    table.add_row()
    for record in RECORDS:
        path = folder / record.file
        digest = f"{record.sha256}..." if 0 < len(record.sha256) < 64 else record.sha256 or "not known"
        rows = {
            record.name: record.file,
            "": f"present: {path}" if path.is_file() else f"not in {folder}",
            "for": ", ".join(record.settings),
            "SHA-256": digest,
            "variant": record.variant or "same in both",
            "input": record.preprocessing,
            "licence": record.licence,
            "from": record.url,
        }
        for name, value in rows.items():
            table.add_row(name, value)
        table.add_row()
    console.print(table)


@weights.command()
def fetch(
    name: Annotated[str, typer.Argument(metavar="NAME", help="Name from 'weights list'.")],
    folder: Folder = FOLDER,
    url: Annotated[str | None, typer.Option("--url", help="Download from this address instead.")] = None,
    sha256: Annotated[str | None, typer.Option("--sha256", help="Required SHA-256.")] = None,
    quiet: Quiet = False,
) -> None:
    """Download a weights file; an interrupted download is resumed."""
    record = _record_named(name)
    target, expected = folder / record.file, (sha256 or record.sha256).lower()
    if target.exists() and _is_here(target, expected):
        return
    source = url or record.url
    go_past_proxies(urlsplit(source).hostname or "")
    with interruptible(), _progress(record.file, quiet) as on_progress:
        digest = download(source, target, expected, on_progress)
    say(f"{target}: fetched, SHA-256 {digest}")
    if not expected:
        say(
            "its digest was not known beforehand; 'animeinterp weights verify' checks its content, "
            f"and --sha256 {digest} its digest from now on",
            style="yellow",
        )
    for setting in record.settings:
        say(f'use it with {setting} = "{target}"')


@weights.command("convert")
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


@weights.command()
def verify(
    files: Annotated[list[Path], typer.Argument(metavar="FILE...", parser=given_path, help="Weights files.")],
    config: Annotated[
        str | None, typer.Option("--config", "-c", help="Also check that they fit this config.")
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
        "light": SHIPPED.name,
        "": "comes with animeinterp; used where no weights are given",
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
