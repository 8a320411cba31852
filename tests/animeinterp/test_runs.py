from __future__ import annotations

from pathlib import Path

import pytest

import animeinterp
from animeinterp.configs.errors import ConfigError
from animeinterp.configs.loading import load_config
from animeinterp.pipeline.store.run_records import read_runs


@pytest.fixture
def settings(cartoons: Path, tmp_path: Path) -> dict[str, object]:
    return {
        "data": {"root": cartoons},
        "store": {"cache": tmp_path / "cache", "results": None},
        "executor": {"kind": "inline"},
        "coarse_flow": {"method": "zero"},
        "synthesis": {"times": [0.25, 0.5]},
    }


def test_a_run_gives_its_results(settings: dict[str, object], tmp_path: Path) -> None:
    results = animeinterp.run("demo", settings, last="refinement", limit=2, quiet=True)
    assert [len(results[stage].ids) for stage in results] == [2, 2]
    assert results.failures().empty
    assert repr(results).splitlines() == [
        f"Results in {tmp_path / 'cache'}",
        "  coarse_flow   2 pairs, 2 ok",
        "  refinement    2 pairs, 2 ok",
    ]
    assert repr(results["refinement"]).startswith("<StageResults of refinement: 2 pairs, 2 ok; /")
    again = animeinterp.open_results("demo", settings)
    assert again["refinement"].ids == results["refinement"].ids
    assert again["synthesis"].counts == "0 pairs"
    ((_, record),) = read_runs(tmp_path / "cache")
    assert record.state == "finished"
    assert record.config["synthesis"]["times"] == [0.25, 0.5]


def test_failed_items_are_in_the_results(settings: dict[str, object], spoilt: str, tmp_path: Path) -> None:
    key, _, root = spoilt.partition("=")
    assert key == "data.root"
    settings |= {"data": {"root": root.strip("'")}}
    results = animeinterp.run("demo", settings, quiet=True)
    failures = results.failures()
    assert len(failures) >= 1
    assert set(failures.columns) == {"stage", "id", "reason"}
    assert "failed" in repr(results)


def test_results_of_another_config_are_replaced_when_asked(
    settings: dict[str, object], tmp_path: Path
) -> None:
    settings |= {"store": {"cache": tmp_path / "cache", "results": tmp_path / "results"}}
    animeinterp.run("demo", settings, limit=1, quiet=True)
    settings |= {"synthesis": {"times": [0.5]}}
    with pytest.raises(ConfigError, match="holds results of another config"):
        animeinterp.run("demo", settings, limit=1, quiet=True)
    animeinterp.run("demo", settings, limit=1, replace_results=True, quiet=True)
    assert [path.name for path in (tmp_path / "results").glob("*/*.png")] == ["frame_t0.5.png"]


def test_what_cannot_run_is_refused(settings: dict[str, object]) -> None:
    with pytest.raises(ConfigError, match="stage 'flow' is unknown"):
        animeinterp.run("demo", settings, last="flow")


def test_values_by_section_and_key_are_settings(tmp_path: Path) -> None:
    given = {
        "data": {"root": tmp_path / "2024", "style": "disney"},
        "store": {"results": None},
        "features.layers": ["relu1_1"],
        "matching": {"distance_limit": 0.2, "keep_affinity": True},
    }
    config = load_config("paper", given)
    assert config.data.root == tmp_path / "2024"
    assert (config.data.style, config.store.results) == ("disney", None)
    assert config.features.layers == ("relu1_1",)
    assert (config.matching.distance_limit, config.matching.keep_affinity) == (0.2, True)
