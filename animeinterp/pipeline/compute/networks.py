"""Weights and networks of the stages under a config."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from animeinterp.configs.errors import WeightsError
from animeinterp.configs.sections import Config
from animeinterp.models.weights.files import file_digest, stated_variant
from animeinterp.models.weights.records import VARIANTS
from animeinterp.pipeline.compute.registry import binding_of


def weights_paths(stage: str, config: Config) -> dict[str, Path]:
    """Weights files that a stage uses with its method, by setting; empty if it uses none."""
    network = binding_of(stage, config).network
    return {} if network is None else network.paths(config)


def weights_digest(stage: str, config: Config) -> str | None:
    """SHA-256 of the weights files of a stage, joined by `+`; None if it uses none.

    Raises
    ------
    WeightsError
        A file cannot be read, or is known to be of another variant than the settings.
    """
    paths = weights_paths(stage, config).values()
    digests = [file_digest(path) for path in paths]
    for path, digest in zip(paths, digests, strict=True):
        check_variant(stage, config, path, digest)
    return "+".join(digests) or None


def check_variant(stage: str, config: Config, path: Path, digest: str) -> None:
    """Refuse weights that were trained with settings other than those of a stage.

    Raises
    ------
    WeightsError
        The file's variant is recorded or known from its digest, and a setting of the stage differs.
    """
    variant = stated_variant(path, digest)
    if variant is None:
        return
    for setting, trained in VARIANTS[variant].items():
        section, key = setting.split(".")
        chosen = getattr(getattr(config, section), "chosen_method" if key == "method" else key)
        if section == stage and chosen != trained:
            raise WeightsError(
                f"{path}: variant {variant!r}, trained with {setting} = {_toml(trained)}, and the "
                f"config has {setting} = {_toml(chosen)}; change the setting, or use weights of the other "
                "variant. To try the two together, convert the original file without --variant"
            )


def _toml(value: object) -> str:
    return str(value).lower() if isinstance(value, bool) else repr(value)


def load_network(stage: str, config: Config) -> Any:
    """Network of a stage, ready on the device; None if its method needs none.

    Raises
    ------
    WeightsError
        The weights file does not fit.
    """
    network = binding_of(stage, config).network
    return None if network is None else network.load(config)
