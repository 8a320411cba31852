"""`precision = "auto"`: what it becomes, and that a cache keeps it."""

from __future__ import annotations

from pathlib import Path

import pytest

from animeinterp.configs.errors import CacheError
from animeinterp.configs.loading import load_config
from animeinterp.models.precision import Precision, native_precision
from animeinterp.pipeline.planning.precision import RECORD, decide_precision, undecided
from animeinterp.pipeline.planning.session import Session
from tests.pipeline.small_runs import small_settings

LIGHT = ["refinement.method=light", "synthesis.method=light"]


def bfloat16(device: str) -> Precision:
    return {"cpu": "bfloat16", "cuda": "float16"}[device]  # type: ignore[return-value]


def float32(device: str) -> Precision:
    return "float32"


def test_only_networks_need_a_decision(tmp_path: Path) -> None:
    config = load_config("paper", [f"store.cache={tmp_path}", "refinement.method=inverse_search"])
    assert undecided(config) == ()
    assert decide_precision(config, record=True, ask=bfloat16) is config
    assert not (tmp_path / RECORD).exists()
    for settings in ([], LIGHT):
        assert undecided(load_config("paper", settings)) == ("refinement", "synthesis")
    classical = ["features.method=vgg19", "refinement.method=inverse_search"]
    assert undecided(load_config("paper", classical)) == ("features",)
    assert undecided(load_config("paper", [*LIGHT, "refinement.precision=float32"])) == ("synthesis",)


def test_published_protocols_are_float32() -> None:
    settings = [f"{stage}.weights=x" for stage in ("features", "refinement", "synthesis")]
    for preset in ("released", "atd12k_test", "atd12k_train"):
        config = load_config(preset, settings)
        assert undecided(config) == ()
        assert config.features.precision == config.synthesis.precision == "float32"


def test_the_first_run_decides_for_all_later_commands(cartoons: Path, tmp_path: Path) -> None:
    config = load_config("demo", [*small_settings(cartoons, tmp_path), *LIGHT])
    looked = Session.open(config, look_only=True, ask=bfloat16)
    assert looked.config.refinement.precision == "bfloat16"
    assert not (tmp_path / RECORD).exists()
    first = Session.open(config, ask=bfloat16)
    assert first.fingerprints == looked.fingerprints
    for later in (Session.open(config, ask=float32), Session.open(config, look_only=True, ask=float32)):
        assert later.config.refinement.precision == later.config.synthesis.precision == "bfloat16"
        assert later.fingerprints == first.fingerprints
    elsewhere = load_config("demo", [*small_settings(cartoons, tmp_path / "other"), *LIGHT])
    assert Session.open(elsewhere, ask=float32).fingerprints["refinement"] != first.fingerprints["refinement"]


def test_a_device_has_its_own_decision(tmp_path: Path) -> None:
    settings = [*LIGHT, "features.method=vgg19", f"store.cache={tmp_path}"]
    on_cpu, on_gpu = (load_config("paper", [*settings, f"executor.device={d}"]) for d in ("cpu", "cuda"))
    assert decide_precision(on_cpu, record=True, ask=bfloat16).features.precision == "bfloat16"
    decided = decide_precision(on_gpu, record=True, ask=bfloat16)
    assert (decided.features.precision, decided.synthesis.precision) == ("float32", "float16")
    assert decide_precision(on_cpu, record=True, ask=float32).synthesis.precision == "bfloat16"


@pytest.mark.parametrize("content", ["", "[]", '{"cpu": "float8"}', "\0"])
def test_a_damaged_record_is_named(tmp_path: Path, content: str) -> None:
    (tmp_path / RECORD).write_text(content)
    config = load_config("paper", [*LIGHT, f"store.cache={tmp_path}"])
    with pytest.raises(CacheError, match=rf"{RECORD}: cannot be read .*remove it, and the next run"):
        decide_precision(config, record=True, ask=bfloat16)


def test_this_machine_has_an_answer() -> None:
    assert native_precision("cpu") in ("float32", "bfloat16")
    assert native_precision("cuda") == "float16"
