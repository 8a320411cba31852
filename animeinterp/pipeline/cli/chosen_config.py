"""The config of a command: what -c, --set and --weights say, or the project in the working folder."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any, NamedTuple

import typer

from animeinterp.configs.errors import ConfigError
from animeinterp.configs.loading import PROJECT_FILE, load_config, preset_names, set_options, text_setting
from animeinterp.configs.names import given_path, own_command
from animeinterp.configs.sections import Config

PANEL = "Config"
DEFAULT_PRESET = "default"
"""Of commands that need no config of one's own."""
ENVIRONMENT = "ANIMEINTERP_CONFIG"
ConfigOption = Annotated[
    str | None,
    typer.Option(
        "--config",
        "-c",
        metavar="CONFIG",
        envvar=ENVIRONMENT,
        help=f"TOML file or name of a preset; by default {PROJECT_FILE} in the working folder.",
        rich_help_panel=PANEL,
        autocompletion=preset_names,
    ),
]


def setting_option(name: str, meaning: str) -> Any:
    """An option that overrides settings."""
    return typer.Option(name, metavar="SECTION.KEY=VALUE", help=meaning, rich_help_panel=PANEL)


Settings = Annotated[list[str] | None, setting_option("--set", "Override a setting of the config.")]
WeightsFolder = Annotated[
    Path | None,
    typer.Option(
        "--weights",
        metavar="FOLDER",
        parser=given_path,
        help="Folder of weights files; by default weights.folder, or the user's.",
        rich_help_panel=PANEL,
    ),
]


class ChosenConfig(NamedTuple):
    """A config and the settings on top of it."""

    source: str
    settings: list[str]

    @classmethod
    def of(
        cls,
        config: str | None,
        settings: Sequence[str] | None = None,
        weights: Path | None = None,
        *,
        default: str | None = None,
    ) -> ChosenConfig:
        """What the options say.

        Parameters
        ----------
        config, settings, weights
            The options.
        default
            Used without -c where the working folder is no project.

        Raises
        ------
        ConfigError
            There is no config.
        """
        source = config or project_file() or default
        if source is None:
            raise ConfigError(
                f"no config: this folder has no {PROJECT_FILE}. Write one for your frames "
                f"({own_command('init', 'FOLDER')}), or name a TOML file or a preset with -c "
                f"({', '.join(preset_names())})"
            )
        folder = [] if weights is None else [text_setting("weights.folder", str(weights.absolute()))]
        return cls(source, [*folder, *(settings or ())])

    def load(self) -> Config:
        """The config, validated."""
        return load_config(self.source, self.settings)

    @property
    def options(self) -> list[str]:
        """The words that choose it again, in the same folder."""
        named = [] if self.source == PROJECT_FILE else ["-c", self.source]
        return [*named, *set_options(self.settings)]


def project_file() -> str | None:
    """The config of the working folder, if it has one."""
    return PROJECT_FILE if Path(PROJECT_FILE).is_file() else None
