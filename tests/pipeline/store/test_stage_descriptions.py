from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from animeinterp.configs.loading import load_config
from animeinterp.pipeline.compute.registry import STAGES, binding_of
from animeinterp.pipeline.planning.describe_stages import describe_stages
from animeinterp.pipeline.store.stage_descriptions import (
    DESCRIPTION_NAME,
    StageDescription,
    own_differences,
    read_description,
    write_description,
)


def as_it_is(_stage: str, fingerprint: str) -> str:
    return fingerprint


def described(*settings: str) -> dict[str, StageDescription]:
    return describe_stages(load_config("paper", settings), "evaluation", as_it_is)


def differences(stage: str, *settings: str) -> list[str]:
    return [str(found) for found in own_differences(described(*settings)[stage], described()[stage])]


def test_every_stage_is_described_in_order() -> None:
    found = described()
    assert list(found) == list(STAGES)
    for name, description in found.items():
        assert description.fingerprint == description.own
        reads = binding_of(name, load_config("paper")).reads
        assert description.reads == {read: found[read].fingerprint for read in reads}


def test_results_kept_for_another_fingerprint_leave_later_stages_as_they_were() -> None:
    before, changed = described(), described("matching.area_penalty=7")
    kept = {changed["matching"].own: before["matching"].own}
    found = describe_stages(
        load_config("paper", ["matching.area_penalty=7"]), "evaluation", lambda _, own: kept.get(own, own)
    )
    assert found["matching"].own == changed["matching"].own
    assert {name: each.fingerprint for name, each in found.items()} == {
        name: each.fingerprint for name, each in before.items()
    }


def test_a_description_survives_the_file(tmp_path: Path) -> None:
    description = described("synthesis.times=[0.25, 0.5]")["synthesis"]
    folder = tmp_path / description.fingerprint
    folder.mkdir()
    write_description(folder, description)
    found = read_description(folder)
    assert found is not None
    assert list(own_differences(description, found)) == []
    assert found.reads == description.reads


def test_a_description_that_is_there_stays_and_a_damaged_one_is_written_anew(tmp_path: Path) -> None:
    description = described()["matching"]
    folder = tmp_path / "matching" / description.fingerprint
    folder.mkdir(parents=True)
    write_description(folder, description)
    before = (folder / DESCRIPTION_NAME).stat()
    write_description(folder, description)
    assert (folder / DESCRIPTION_NAME).stat() == before
    (folder / DESCRIPTION_NAME).write_text("{")
    assert read_description(folder) is None
    write_description(folder, description)
    assert read_description(folder) is not None


def test_nothing_is_said_of_results_that_were_accepted(tmp_path: Path) -> None:
    folder = tmp_path / "matching" / "kept"
    folder.mkdir(parents=True)
    write_description(folder, replace(described()["matching"], fingerprint="kept"))
    assert list(folder.iterdir()) == []


@pytest.mark.parametrize("text", ["", "[]", '{"stage": "matching"}'])
def test_what_is_no_description_is_none(tmp_path: Path, text: str) -> None:
    (tmp_path / DESCRIPTION_NAME).write_text(text)
    assert read_description(tmp_path) is None
    assert read_description(tmp_path / "nowhere") is None


def test_the_description_of_another_fingerprint_is_none(tmp_path: Path) -> None:
    write_description(tmp_path, described()["matching"])
    assert json.loads((tmp_path / DESCRIPTION_NAME).read_text())["stage"] == "matching"
    assert read_description(tmp_path) is None


def test_differences_name_setting_old_and_new() -> None:
    assert differences("matching") == []
    assert differences("matching", "matching.area_penalty=7", "matching.keep_affinity=true") == [
        "matching.area_penalty: 20.0 -> 7.0",
        "matching.keep_affinity: false -> true",
    ]
    assert differences("segmentation", "segmentation.anime.high=30") == [
        "segmentation.anime.high: 20.0 -> 30.0"
    ]
    assert differences("synthesis", "synthesis.times=[0.25]") == ["synthesis.times: [0.5] -> [0.25]"]


def test_of_another_method_only_the_method_is_named() -> None:
    assert differences("coarse_flow", "coarse_flow.method=zero") == ["coarse_flow.method: sgm -> zero"]


def test_version_and_weights_are_differences() -> None:
    now = described()["features"]
    former = replace(now, version=now.version + 1, weights="0123456789abcdef")
    assert [str(found) for found in own_differences(now, former)] == [
        f"features: version of its code: {now.version + 1} -> {now.version}",
        "features.weights: file of digest 01234567 -> no file",
    ]


def test_a_setting_that_is_new_is_named_where_nothing_else_differs() -> None:
    now = described()["matching"]
    section = {key: value for key, value in now.section.items() if key != "area_penalty"}
    (found,) = own_differences(now, replace(now, section=section))
    assert str(found) == "matching.area_penalty: not used -> 20.0"
