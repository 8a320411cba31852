"""The command `init`."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer

from animeinterp.configs.errors import AnimeInterpError, ConfigError, DataError
from animeinterp.configs.loading import PROJECT_FILE
from animeinterp.configs.names import given_path, own_command
from animeinterp.configs.sections import DataSection
from animeinterp.pipeline.cli.terminal import say

BEGINNING = """\
# The config of this folder: commands that are started here use it.
# docs/configuration.md describes every setting; --set section.key=value overrides one.
extends = "{preset}"
"""
DATASET = """
[data]
root = {root}

[store]
cache = "cache"         # results of every stage
results = "results"     # frames as PNG, scores as CSV

# [synthesis]
# times = [0.25, 0.5, 0.75]     # frames between each pair; default: one, in the middle
"""
CLIP = """
[clip]
factor = 2              # output frames per input frame
# fps = "24"            # or: output frames per second
# timing = "keep"       # keep drawings that are held; default: "smooth"
# on_cut = "blend"      # default: "hold" the frame before a cut
# codec = "h265"        # of the output video; default: "h264"

[store]
cache = "cache"         # results of every stage
"""
MORE = """
# [segmentation]
# height = 540          # match larger frames at this height: less time and memory

# [weights]
# folder = "weights"    # of trained weights; default: the user's (animeinterp weights list)

# [executor]
# workers = 4           # default: one per core
# device = "cuda"       # default: "cpu"
"""
NO_ROOT = '"frames"     # folder of your pairs: one folder for each, with two images, or three with the truth'


def init(
    source: Annotated[
        Path | None,
        typer.Argument(
            metavar="FOLDER|CLIP", parser=given_path, help="A dataset of pairs, a video, or its images."
        ),
    ] = None,
    overwrite: Annotated[
        bool, typer.Option("--overwrite", help=f"Replace an existing {PROJECT_FILE}.")
    ] = False,
) -> None:
    """Write animeinterp.toml into the working folder: the config of commands that are started here."""
    target = Path(PROJECT_FILE)
    if target.exists() and not overwrite:
        raise ConfigError(f"{target.absolute()}: exists; edit it, or replace it: --overwrite")
    text, found, command = _project(source)
    try:
        target.write_text(text + MORE, encoding="utf-8")
    except UnicodeEncodeError:
        raise ConfigError(
            f"{source}: TOML files hold text, and this name is none; rename it, or make a link to it"
        ) from None
    except OSError as error:
        raise ConfigError(f"{target.absolute()}: cannot be written ({error.strerror})") from None
    say(f"{target}: written{found}")
    say(f"next: {command}")


def _project(source: Path | None) -> tuple[str, str, str]:
    """Text of the config, what was found, and the next command."""
    run = own_command("run", "--dry-run")
    beginning = BEGINNING.format(preset="default")
    if source is None:
        return beginning + DATASET.format(root=NO_ROOT), "; set data.root in it", run
    try:
        preset, pairs = _dataset(source)
    except AnimeInterpError as problem:
        _check_clip(source, problem)
        command = own_command("interpolate", str(source), "-o", f"{source.stem}_smooth.mp4")
        return beginning + CLIP, f"; {source} is a clip", command
    text = BEGINNING.format(preset=preset) + DATASET.format(root=json.dumps(str(source), ensure_ascii=False))
    return text, f"; {pairs} pair{'' if pairs == 1 else 's'} in {source}", run


def _dataset(source: Path) -> tuple[str, int]:
    """The preset for a dataset, and the number of its pairs."""
    from animeinterp.data.dataset_search import SPLIT_FOLDERS
    from animeinterp.data.layouts import list_dataset

    has_split = {
        split: source.name == folder or (source / folder).is_dir() for split, folder in SPLIT_FOLDERS.items()
    }
    split = next((split for split, found in has_split.items() if found), None)
    section = DataSection(root=source) if split is None else DataSection(root=source, split=split)
    _, pairs, _ = list_dataset(section)
    return ("default" if split is None else f"atd12k_{split}"), len(pairs)


def _check_clip(source: Path, problem: AnimeInterpError) -> None:
    """Make sure that what is no dataset is a clip.

    Raises
    ------
    DataError
        It is none; the message says why it is neither.
    """
    from animeinterp.data.given_paths import read_given

    try:
        read_given([source])
    except DataError as error:
        if source.is_dir():
            raise DataError(f"neither pairs of frames nor a clip:\n  {problem}\n  {error}") from None
        raise
