"""Networks, loaded once per process and kept."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path
from types import MappingProxyType
from typing import Any

import torch

from configs.errors import WeightsError
from configs.sections import Config, NetworkSection
from models.vgg19 import random_vgg19
from models.weights.files import file_digest, stated_variant
from models.weights.loading import load_lpips, load_rfr, load_synthesis, load_vgg19
from models.weights.records import VARIANTS

WEIGHTS_FIELDS: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "features": ("weights",),
        "refinement": ("weights",),
        "synthesis": ("weights",),
        "evaluation": ("lpips_weights", "lpips_backbone"),
    }
)
"""Settings of a stage with networks that name its weights files."""
KEPT = 6  # networks kept in a process: those of one run, and of a second one in a notebook


def weights_paths(stage: str, config: Config) -> dict[str, Path]:
    """Weights files that a stage uses under its resolved method, by setting; empty when it uses none."""
    section = getattr(config, stage)
    if isinstance(section, NetworkSection) and section.chosen_method != section.network_method:
        return {}
    given = {name: getattr(getattr(config, stage), name) for name in WEIGHTS_FIELDS.get(stage, ())}
    return {name: path.expanduser() for name, path in given.items() if path is not None}


def weights_digest(stage: str, config: Config) -> str | None:
    """SHA-256 of the weights file of a stage, joined by `+` where there are several; None when it uses none.

    Raises
    ------
    WeightsError
        A file cannot be read, or is known to be of another variant than the settings ask for.
    """
    paths = weights_paths(stage, config).values()
    digests = [file_digest(path) for path in paths]
    for path, digest in zip(paths, digests, strict=True):
        check_variant(stage, config, path, digest)
    return "+".join(digests) or None


def check_variant(stage: str, config: Config, path: Path, digest: str) -> None:
    """Refuse weights that were trained with other settings than a stage has.

    Raises
    ------
    WeightsError
        The file says which variant it is of, or its digest tells it, and a setting of the stage differs.
    """
    variant = stated_variant(path, digest)
    if variant is None:
        return
    for setting, trained in VARIANTS[variant].items():
        section, key = setting.split(".")
        chosen = getattr(getattr(config, section), key)
        if section == stage and chosen != trained:
            raise WeightsError(
                f"{path}: is of variant {variant!r}, trained with {setting} = {_toml(trained)}, and the "
                f"config has {setting} = {_toml(chosen)}; change the setting, or use weights of the other "
                "variant. To try the two together, convert the original file without --variant"
            )


def _toml(value: object) -> str:
    return str(value).lower() if isinstance(value, bool) else repr(value)


def load_network(stage: str, config: Config) -> Any:
    """Network of a stage, ready on the device; None when its method needs none.

    Raises
    ------
    WeightsError
        The weights file does not fit.
    """
    paths = tuple(weights_paths(stage, config).values())
    random = stage == "features" and config.features.chosen_method == "vgg19"
    if not paths and not random:
        return None
    options: tuple[Any, ...] = ()
    if stage == "features":
        options = (config.features.layers, config.features.seed, config.features.precision)
    elif stage == "refinement":
        refinement = config.refinement
        options = (
            refinement.confidence_mask,
            refinement.initial_flow_additions,
            refinement.iterations,
            refinement.precision,
        )
    elif stage == "synthesis":
        options = (config.synthesis.precision,)
    changed = tuple(path.stat().st_mtime_ns for path in paths if path.exists())
    return _load(stage, paths, changed, options, config.executor.device)


@lru_cache(KEPT)
def _load(
    stage: str,
    paths: tuple[Path, ...],
    changed: tuple[int, ...],  # noqa: ARG001 - a changed file is loaded anew
    options: tuple[Any, ...],
    device: str,
) -> Any:
    network: Any
    if stage == "features":
        layers, seed, precision = options
        network = load_vgg19(paths[0], layers) if paths else random_vgg19(layers, seed)
        network = network.to(getattr(torch, precision))  # the setting's values are Torch's names
    elif stage == "refinement":
        confidence_mask, additions, iterations, precision = options
        network = load_rfr(
            paths[0], confidence_mask=confidence_mask, initial_flow_additions=additions, iterations=iterations
        ).set_precision(getattr(torch, precision))
    elif stage == "synthesis":
        network = load_synthesis(paths[0]).set_precision(getattr(torch, options[0]))
    else:
        network = load_lpips(*paths)
    return network.to(device)
