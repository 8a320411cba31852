from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from animeinterp.configs.loading import load_config
from animeinterp.data.cutouts import SetSettings, make_book, write_training_set
from animeinterp.pipeline.training.plan import Plan, make_plan
from tests.drawn_cutouts import write_cutouts
from tests.pipeline.training.tiny_plans import MakePlan


@pytest.fixture(scope="session")
def sets(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with two tiny sets of scenes, `training` and `validation`."""
    folder = tmp_path_factory.mktemp("training_sets")
    write_cutouts(folder / "pictures", 30)
    make_book(folder / "pictures", folder / "book")
    for split, count in (("training", 5), ("validation", 2)):
        settings = SetSettings(count, (40, 48), split, degraded=0.0)  # type: ignore[arg-type]
        write_training_set(folder / "book", folder / split, settings)
    return folder


@pytest.fixture
def plan_of(sets: Path, tmp_path: Path) -> MakePlan:
    """Makes plans of tiny trainings; keywords are settings of the section, with `__` for a dot."""

    def make(preset: str = "train_light", *others: str, **settings: Any) -> Plan:
        small = {
            "scenes": sets / "training",
            "crop": 32,
            "batch": 2,
            "iterations": 2,
            "log_steps": 1,
            "threads": 2,
            "checkpoint_minutes": 1e-6,
            "validation_minutes": 1e6,
            "flow__steps": 6,
            "synthesis__steps": 0,
            "joint__steps": 0,
        }
        words = [
            f"training.{name.replace('__', '.')}={str(value).lower() if isinstance(value, bool) else value}"
            for name, value in (small | settings).items()
        ]
        return make_plan(load_config(preset, [*words, *others, f"store.cache={tmp_path / 'cache'}"]))

    return make
