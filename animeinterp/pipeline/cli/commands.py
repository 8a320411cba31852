"""The commands by name; the module of each is imported when it is called, so that `--help` comes at once."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, NamedTuple

from typer import Typer
from typer.core import TyperCommand
from typer.main import get_command

from animeinterp.pipeline.cli.config_argument import CommandGroup, ConfigCommand
from animeinterp.pipeline.cli.late_imports import imported


class Place(NamedTuple):
    """Where a command is, and what the list of commands says of it."""

    module: str
    """File in this folder."""
    name: str
    """Of its function there; or of a `Typer`, for commands of two words."""
    summary: str
    """The first paragraph of its own help."""


COMMANDS: Mapping[str, Place] = MappingProxyType(
    {
        "demo": Place(
            "demo",
            "demo",
            "Draw cartoons, run all stages on them, score the frames and draw a contact sheet for each pair.",
        ),
        "init": Place(
            "init",
            "init",
            "Write animeinterp.toml into the working folder: the config of commands that are started here.",
        ),
        "run": Place("run", "run", "Run the stages on a dataset; current results are not computed again."),
        "inspect": Place("inspect", "inspect", "Write an HTML page that shows every stage of a pair."),
        "export-sgm": Place(
            "sgm", "export_sgm", "Export coarse flows in the layout of the authors' program."
        ),
        "import-sgm": Place(
            "sgm", "import_sgm", "Import flows made elsewhere into the cache, as coarse flow."
        ),
        "interpolate": Place(
            "interpolate",
            "interpolate",
            "Draw in-between frames for a clip: a video, a folder of frames, or images.",
        ),
        "evaluate": Place("evaluate", "evaluate", "Score the finished frames and print the tables."),
        "diff": Place(
            "diff",
            "diff",
            "Compare the cached results of two configs, runs or fingerprints, stage by stage.",
        ),
        "status": Place(
            "status",
            "status",
            "Show the progress of each stage and of the active run, if any; works from another shell.",
        ),
        "explain": Place(
            "explain", "explain", "Show why each stage, or a single pair or frame, would be computed."
        ),
        "history": Place(
            "history", "history", "List past runs, the latest first; with an ID, show one in detail."
        ),
        "report": Place(
            "report",
            "report",
            "Write a page about a run (scores, worst pairs, failures, time and space) and its tables.",
        ),
        "draw-scenes": Place(
            "draw_scenes",
            "draw_scenes",
            "Draw scenes with exact flows for training, from a folder of drawings; the same command resumes.",
        ),
        "train": Place(
            "train",
            "train",
            "Train networks on scenes with exact flows, or on a dataset; the same command resumes.",
        ),
        "schema": Place(
            "schema",
            "schema",
            "Print the JSON schema of configs, with which editors complete and check them.",
        ),
        "weights": Place("weights", "weights", "List, download, convert and check weights files."),
        "cache": Place("cache", "cache", "List, check and clean the cache."),
    }
)


class _LateCommand(TyperCommand):
    """A command of which only name and summary are known until it is called."""

    def __init__(self, name: str, place: Place) -> None:
        super().__init__(name, help=place.summary)
        self._place = place

    def make_context(self, info_name: str | None, args: list[str], *more: Any, **options: Any) -> Any:
        """The context of the whole command."""
        return self.whole().make_context(info_name, args, *more, **options)

    def whole(self) -> Any:
        """The command with all its options."""
        found = imported(f"{__package__}.{self._place.module}", self._place.name)
        if isinstance(found, Typer):
            return get_command(found)
        alone = Typer(add_completion=False)
        alone.command(self.name, cls=ConfigCommand)(found)
        return get_command(alone)


class Commands(CommandGroup):
    """All of them."""

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        for name, place in COMMANDS.items():
            self.add_command(_LateCommand(name, place))
