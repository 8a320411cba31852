"""The command `draw-scenes`."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated

import typer
from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

from animeinterp.configs.loading import set_options, text_setting
from animeinterp.configs.names import given_path, own_command
from animeinterp.data.cutouts import SetSettings, make_book, write_training_set
from animeinterp.data.cutouts.book import INDEX, Split, open_book
from animeinterp.data.cutouts.book_making import SIDE
from animeinterp.pipeline.cli.terminal import Quiet, console, interruptible, say

BOOK = "book"
TRAINING: Split = "training"
VALIDATION: Split = "validation"
"""Folders that the command writes."""


def draw_scenes(
    pictures: Annotated[
        Path, typer.Argument(metavar="PICTURES", parser=given_path, help="Folder of PNG drawings with alpha.")
    ],
    output: Annotated[
        Path, typer.Argument(metavar="OUT", parser=given_path, help="Folder for the scenes, some GB.")
    ],
    count: Annotated[int, typer.Option("--count", min=1, help="Scenes for training.")] = 9000,
    validation: Annotated[
        int, typer.Option("--validation", min=1, help="Scenes for validation, of other drawings.")
    ] = 192,
    size: Annotated[int, typer.Option("--size", min=64, help="Height and width of a scene, px.")] = 256,
    side: Annotated[
        int,
        typer.Option("--side", min=48, help="Longest side of a kept drawing, px."),
    ] = SIDE,
    cartoons: Annotated[
        float,
        typer.Option(
            "--cartoons", min=0, max=1, help="Share of the scenes for training that show drawn cartoons."
        ),
    ] = 0.5,
    seed: Annotated[int, typer.Option("--seed", min=0, help="Seed of the scenes.")] = 0,
    source: Annotated[
        str, typer.Option("--source", help="Source and licence of the drawings, for the record.")
    ] = "",
    workers: Annotated[int, typer.Option("--workers", min=0, help="Processes; 0 = one for each core.")] = 0,
    quiet: Quiet = False,
) -> None:
    """Draw scenes with exact flows for training, from a folder of drawings; the same command resumes."""
    with interruptible():
        if not (output / BOOK / INDEX).exists():
            make_book(pictures, output / BOOK, side=side, source=source)
        book = open_book(output / BOOK)
        if not quiet:
            kept = len(book.of(TRAINING)), len(book.of(VALIDATION))
            say(f"{output / BOOK}: {kept[0]} drawings for training, {kept[1]} for validation")
        wanted: tuple[tuple[Split, int, float], ...] = (
            (TRAINING, count, cartoons),
            (VALIDATION, validation, 0.0),
        )
        for split, scenes, share in wanted:
            settings = SetSettings(scenes, (size, size), split, seed, cartoons=share)
            _draw(output, settings, workers or os.cpu_count() or 1, quiet=quiet)
    if not quiet:
        sets = {"training.scenes": output / TRAINING, "training.validation_scenes": output / VALIDATION}
        named = set_options(text_setting(key, str(path)) for key, path in sets.items())
        say(f"train with: {own_command('train', '-c', 'train_light', *named)}")


def _draw(output: Path, settings: SetSettings, workers: int, *, quiet: bool) -> None:
    columns = TextColumn("{task.description}"), BarColumn(), TimeRemainingColumn()
    with Progress(*columns, console=console, disable=quiet or not console.is_terminal) as bar:
        task = bar.add_task(f"scenes for {settings.split}", total=settings.shards)
        digest = write_training_set(
            output / BOOK,
            output / settings.split,
            settings,
            workers=workers,
            progress=lambda done, _: bar.update(task, completed=done),
        )
    if not quiet:
        say(f"{output / settings.split}: {settings.count} scenes, digest {digest}")
