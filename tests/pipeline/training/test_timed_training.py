"""`benchmarks.timed_training`: a training that fits a time."""

from __future__ import annotations

from pathlib import Path

import pytest

from animeinterp.configs.sections import PhaseSection, TrainingSection
from animeinterp.models.weights.files import read_header
from animeinterp.models.weights.light import load_light
from animeinterp.pipeline.training.checkpoints import BEST, LAST
from benchmarks import timed_training

SMALL = ("training.crop=32", "training.batch=2", "training.iterations=1", "training.threads=1")


def test_steps_fill_the_time_in_the_presets_proportions() -> None:
    phases = {
        name: PhaseSection(steps=count) for name, count in (("flow", 600), ("synthesis", 0), ("joint", 300))
    }
    each = {"flow": 0.1, "synthesis": 5.0, "joint": 0.2}
    steps = timed_training.fitting_steps(TrainingSection(**phases), each, 12.0)
    assert steps == {"flow": 60, "synthesis": 0, "joint": 30}


@pytest.mark.slow
def test_it_trains_on_drawings_for_the_steps_that_fit(
    sets: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[dict[str, float]] = []

    def few(_: TrainingSection, each: dict[str, float], seconds: float) -> dict[str, int]:
        assert 0 < seconds < 600
        asked.append(each)
        return {"flow": 2, "synthesis": 1, "joint": 1}

    monkeypatch.setattr(timed_training, "fitting_steps", few)
    monkeypatch.setattr(timed_training, "TRIED", 4)
    monkeypatch.setattr(timed_training, "VALIDATED", 1)
    monkeypatch.setattr(timed_training.os, "cpu_count", lambda: 1)
    folder = timed_training.train_for(sets / "book", tmp_path, 10.0, "cpu", SMALL)
    assert all(seconds > 0 for seconds in asked[0].values())
    assert folder.is_relative_to(tmp_path)
    for name in (BEST, LAST):
        load_light(folder / name)
    assert read_header(folder / LAST)["step"] == 4
    assert (folder / "training.html").is_file()


@pytest.mark.slow
def test_too_little_time_is_told(sets: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(timed_training, "TRIED", 4)
    monkeypatch.setattr(timed_training, "VALIDATED", 1)
    with pytest.raises(SystemExit, match="s are left to train; raise --minutes"):
        timed_training.train_for(sets / "book", tmp_path, 0.001, "cpu", SMALL)
