"""Networks, loaded once per process and kept."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path
from typing import Any

import torch

from configs.errors import WeightsError
from configs.sections import Config
from models.vgg19 import random_vgg19
from models.weights import load_rfr, load_synthesis, load_vgg19
from models.weights_files import file_digest, stated_variant
from models.weights_records import VARIANTS
from pipeline.fingerprints import resolved_method

NETWORK_STAGES = ("features", "refinement", "synthesis")
KEPT = 6  # networks kept in a process: those of one run, and of a second one in a notebook


def weights_path(stage: str, config: Config) -> Path | None:
    """Weights file that a stage uses under its resolved method; None when it uses none."""
    if stage not in NETWORK_STAGES:
        return None
    if stage != "features" and resolved_method(stage, config) in ("none", "blend"):
        return None
    path: Path | None = getattr(config, stage).weights
    return None if path is None else path.expanduser()


def weights_digest(stage: str, config: Config) -> str | None:
    """SHA-256 of the weights file of a stage, None when it uses none.

    Raises
    ------
    WeightsError
        The file cannot be read, or is known to be of another variant than the settings ask for.
    """
    path = weights_path(stage, config)
    if path is None:
        return None
    digest = file_digest(path)
    check_variant(stage, config, path, digest)
    return digest


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
    path = weights_path(stage, config)
    if stage not in NETWORK_STAGES or (stage != "features" and path is None):
        return None
    if stage == "features":
        options: tuple[Any, ...] = (config.features.layers, config.features.seed, config.features.precision)
    elif stage == "refinement":
        refinement = config.refinement
        options = (
            refinement.confidence_mask,
            refinement.initial_flow_additions,
            refinement.iterations,
            refinement.precision,
        )
    else:
        options = (config.synthesis.precision,)
    changed = path.stat().st_mtime_ns if path is not None and path.exists() else None
    return _load(stage, path, changed, options, config.executor.device)


@lru_cache(KEPT)
def _load(stage: str, path: Path | None, changed: int | None, options: tuple[Any, ...], device: str) -> Any:  # noqa: ARG001
    network: Any
    if stage == "features":
        layers, seed, precision = options
        network = random_vgg19(layers, seed) if path is None else load_vgg19(path, layers)
        network = network.to(getattr(torch, precision))  # the setting's values are Torch's names
    elif path is None:
        return None
    elif stage == "refinement":
        confidence_mask, additions, iterations, precision = options
        network = load_rfr(
            path, confidence_mask=confidence_mask, initial_flow_additions=additions, iterations=iterations
        ).set_precision(getattr(torch, precision))
    else:
        network = load_synthesis(path).set_precision(getattr(torch, options[0]))
    return network.to(device)
