"""The plan of a training: settings, scenes and the folder named by their fingerprint."""

from __future__ import annotations

import os
import subprocess
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import torch

from animeinterp.configs.errors import ConfigError
from animeinterp.configs.sections import Config, TrainingSection
from animeinterp.data.cutouts import DrawnScenes, TrainingSet
from animeinterp.models.weights.files import file_digest
from animeinterp.models.weights.full import FullSettings
from animeinterp.models.weights.light import Origin
from animeinterp.pipeline.store.fingerprints import canonical_digest
from animeinterp.pipeline.training.batches import check_scenes
from animeinterp.pipeline.training.cached_pairs import CachedPairs
from animeinterp.pipeline.training.networks import Networks, first_networks, full_settings
from animeinterp.pipeline.training.scenes import Source
from animeinterp.pipeline.training.starts import Starts

TRAINING_VERSION = 3
"""Increased whenever the same settings and scenes give other weights."""
FOLDER = "training"
"""In the cache."""


@dataclass(frozen=True)
class Plan:
    """A planned training."""

    section: TrainingSection
    settings: dict[str, Any]
    """Everything that its weights, and so its fingerprint, depend on."""
    fingerprint: str
    folder: Path
    scenes: Source
    starts: Starts
    held_out: Starts | None
    """Scenes for validation."""
    device: torch.device
    full: FullSettings | None = None
    """What full networks are trained with; None for light ones."""

    @property
    def threads(self) -> int:
        """That share the work."""
        return self.section.threads or os.cpu_count() or 1

    def networks(self) -> Networks:
        """Those that it starts with.

        Raises
        ------
        WeightsError
            `training.weights` holds none, or others.
        """
        section = self.section
        return first_networks(section.weights, section.seed, section.iterations, self.full)

    def origin(self, step: int) -> Origin:
        """What is written into weights files of it."""
        section = self.section
        data = f"{section.data_name}, digest {self.scenes.digest}"
        return Origin(data, section.licence, section.seed, _commit(), self.fingerprint, step)


def make_plan(config: Config) -> Plan:
    """Plan a training and check its inputs.

    Raises
    ------
    ConfigError
        `training.scenes` is not set, or a phase needs true flows that are not there.
    DataError
        A folder holds no complete set of scenes, or frames smaller than the crop.
    WeightsError
        `training.weights` is not a file.
    """
    section = config.training
    scenes = _source(config)
    check_scenes(scenes, section)
    root = config.store.cache / FOLDER
    held_out = None
    if section.validation_scenes is not None:
        held_out = Starts.of(TrainingSet(section.validation_scenes), root)
    settings = {
        "version": TRAINING_VERSION,
        "training": section.fingerprinted(),
        "scenes": scenes.digest,
        "weights": None if section.weights is None else file_digest(section.weights),
    }
    full = full_settings(config)
    if full is not None:
        settings["full"] = asdict(full)
    fingerprint = canonical_digest(settings)
    return Plan(
        section,
        settings,
        fingerprint,
        root / fingerprint,
        scenes,
        Starts.of(scenes, root),
        held_out,
        torch.device(config.executor.device),
        full,
    )


def _source(config: Config) -> Source:
    """What is trained on."""
    section = config.training
    if section.source == "cache":
        if section.flow.steps:
            raise ConfigError(
                f"training.flow.steps = {section.flow.steps}: this phase needs true flows, which pairs of a "
                "dataset lack; set it to 0, and start from trained weights (training.weights)"
            )
        return CachedPairs(config)
    if section.scenes is None:
        what = "cut-out scenes" if section.source == "scenes" else "a book of drawings"
        raise ConfigError(
            f"training.scenes is not set; expected a folder of {what}: give it "
            "with --set training.scenes=FOLDER"
        )
    if section.source == "drawings":
        size = section.drawn_size, section.drawn_size
        return DrawnScenes(section.scenes, size, cartoons=section.drawn_cartoons)
    return TrainingSet(section.scenes)


def _commit() -> str:
    """Commit of the program's repository, if it runs from one; otherwise empty."""
    try:
        found = subprocess.run(
            ["git", "rev-parse", "HEAD"],
            cwd=Path(__file__).parent,
            capture_output=True,
            text=True,
            check=True,
            timeout=10,
        )
    except (OSError, subprocess.SubprocessError):
        return ""
    return found.stdout.strip()
