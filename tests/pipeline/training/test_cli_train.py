from __future__ import annotations

from pathlib import Path

import pytest
from typer.testing import CliRunner

from animeinterp.configs.errors import ConfigError
from animeinterp.pipeline.cli.app import app


def test_trains_and_goes_on(sets: Path, tmp_path: Path) -> None:
    settings = {
        "training.scenes": sets / "training",
        "training.validation_scenes": sets / "validation",
        "training.crop": 32,
        "training.batch": 2,
        "training.iterations": 1,
        "training.flow.steps": 3,
        "training.synthesis.steps": 0,
        "training.joint.steps": 1,
        "training.log_steps": 100,
        "store.cache": tmp_path / "cache",
    }
    words = [part for name, value in settings.items() for part in ("--set", f"{name}={value}")]
    first = CliRunner().invoke(app, ["train", "train_light", "--minutes", "1e-9", *words])
    assert first.exit_code == 0, first.output
    assert "1 of 4 steps done: run the same command again" in first.output
    assert "held-out scenes: end-point error" in first.output
    second = CliRunner().invoke(app, ["train", "train_light", *words])
    assert second.exit_code == 0, second.output
    assert "step 4/4 joint" in second.output
    assert "trained; weights:" in second.output
    assert len(list((tmp_path / "cache" / "training").glob("*/best.safetensors"))) == 1


def test_says_what_is_missing() -> None:
    result = CliRunner().invoke(app, ["train", "train_light"])
    assert isinstance(result.exception, ConfigError)
    with pytest.raises(ConfigError, match="training.scenes is not set"):
        raise result.exception
