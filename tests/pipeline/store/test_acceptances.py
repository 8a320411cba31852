from __future__ import annotations

import json
import logging
from pathlib import Path

import pytest

from animeinterp.configs.errors import CacheError
from animeinterp.configs.loading import load_config
from animeinterp.pipeline.planning.describe_stages import describe_stages
from animeinterp.pipeline.store.acceptances import (
    ACCEPTED_NAME,
    Acceptance,
    Acceptances,
    read_acceptances,
    write_acceptance,
)
from animeinterp.pipeline.store.stage_descriptions import StageDescription, write_description


@pytest.fixture
def kept(tmp_path: Path) -> StageDescription:
    """Matching, with its folder in the cache."""
    found = describe_stages(load_config("paper"), "evaluation", lambda _, own: own)["matching"]
    folder = tmp_path / "matching" / found.fingerprint
    folder.mkdir(parents=True)
    write_description(folder, found)
    return found


def acceptance(kept: str, fingerprint: str = "new") -> Acceptance:
    return Acceptance(
        "matching", fingerprint, kept, ("matching.area_penalty: 1 -> 2",), "2026-01-02T03:04:05Z"
    )


def test_what_is_recorded_is_read_and_resolved(tmp_path: Path, kept: StageDescription) -> None:
    entry = acceptance(kept.fingerprint)
    path = write_acceptance(tmp_path, entry)
    assert path == tmp_path / "matching" / ACCEPTED_NAME
    assert json.loads(path.read_text()) == {
        "new": {"kept": kept.fingerprint, "changes": list(entry.changes), "time": entry.time}
    }
    found = read_acceptances(tmp_path, ("features", "matching"))
    assert found.find("matching", "new") == entry
    assert found.resolve("matching", "new") == kept.fingerprint
    assert found.resolve("matching", "other") == "other"
    assert found.resolve("features", "new") == "new"
    assert str(entry) == (
        f"matching: results from {kept.fingerprint[:8]} accepted on 2026-01-02 in spite of "
        "matching.area_penalty: 1 -> 2"
    )


def test_several_stand_side_by_side_and_one_is_taken_back(tmp_path: Path, kept: StageDescription) -> None:
    first, second = (acceptance(kept.fingerprint, name) for name in ("one", "two"))
    write_acceptance(tmp_path, first)
    write_acceptance(tmp_path, second)
    write_acceptance(tmp_path, first, keep=False)
    found = read_acceptances(tmp_path, ("matching",))
    assert found.find("matching", "one") is None
    assert found.find("matching", "two") == second


def test_results_that_have_gone_are_kept_no_more(tmp_path: Path, kept: StageDescription) -> None:
    write_acceptance(tmp_path, acceptance(kept.fingerprint))
    (tmp_path / "matching" / kept.fingerprint / "stage.json").unlink()
    assert read_acceptances(tmp_path, ("matching",)).find("matching", "new") is None


@pytest.mark.parametrize(
    "text",
    ["{", "[]", '{"new": 1}', '{"new": {"kept": "old"}}', '{"new": {"kept": "o", "changes": 1, "time": ""}}'],
)
def test_a_damaged_file_is_ignored_with_a_warning_and_not_written_over(
    tmp_path: Path, kept: StageDescription, caplog: pytest.LogCaptureFixture, text: str
) -> None:
    path = write_acceptance(tmp_path, acceptance(kept.fingerprint))
    path.write_text(text)
    with caplog.at_level(logging.WARNING):
        assert read_acceptances(tmp_path, ("matching",)).resolve("matching", "new") == "new"
    assert f"ignored: {path}: damaged" in caplog.text
    with pytest.raises(CacheError, match=f"{ACCEPTED_NAME}: damaged .*; repair or delete it"):
        write_acceptance(tmp_path, acceptance(kept.fingerprint))
    assert path.read_text() == text


def test_a_cache_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    with pytest.raises(CacheError, match=f"{ACCEPTED_NAME}: cannot be written"):
        write_acceptance(tmp_path / "nowhere", acceptance("old"))


def test_changes_can_be_tried_without_writing(tmp_path: Path) -> None:
    entry = acceptance("old")
    none = Acceptances()
    tried = none.with_change(entry, keep=True)
    assert tried.resolve("matching", "new") == "old"
    assert none.resolve("matching", "new") == "new"
    assert tried.with_change(entry, keep=False).resolve("matching", "new") == "new"
