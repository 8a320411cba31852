"""Folders where files belong, and files or dangling links where folders do: named, or put aside."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest

from animeinterp.configs.errors import CacheError
from tests.pipeline.small_runs import Runner


def put_in_the_way(cache: Path, what: str) -> Path:
    """Put a folder where a file belongs, or a file or a dangling link where a folder does; return it."""
    shard = sorted(cache.glob("matching/*/*.zarr"))[0]
    place = {"shard": shard, "fingerprint": shard.parent, "stage": shard.parent.parent}.get(
        what.partition(" ")[0]
    )
    if place is None:
        place = {"source_files.json": cache / what, "stage.json": shard.parent / what}[what]
        place.unlink()
        (place / "kept").mkdir(parents=True)
    else:
        shutil.rmtree(place)
        if what.endswith("link"):
            place.symlink_to("nowhere")
        else:
            place.write_text("kept")
    return place


@pytest.mark.parametrize(
    "what", ["stage file", "stage link", "fingerprint file", "fingerprint link", "stage.json"]
)
def test_what_is_in_the_way_of_a_stage_is_named_and_the_others_go_on(
    finished: None, run: Runner, tmp_path: Path, what: str
) -> None:
    place = put_in_the_way(tmp_path / "cache", what)
    kind = "a dangling link" if what.endswith("link") else "a file"
    said = (
        f"{place} is a folder where a file belongs"
        if what == "stage.json"
        else f"{place} is {kind} where a folder"
    )
    for _ in range(2):
        report = run(force=frozenset({"matching"}))
        assert not report.succeeded
        assert any(said in line and "move it away" in line for line in report.broken), report.broken
    assert not [path for path in (tmp_path / "cache").rglob("*") if "wip-" in path.name]
    assert os.path.lexists(place)
    place.rename(tmp_path / "moved away")
    assert run().succeeded


@pytest.mark.parametrize("what", ["shard file", "shard link"])
def test_what_is_in_the_way_of_a_shard_is_put_aside(
    finished: None, run: Runner, tmp_path: Path, what: str
) -> None:
    place = put_in_the_way(tmp_path / "cache", what)
    assert run().succeeded
    assert run().computed.total() == 0
    (aside,) = place.parent.glob("aside-*")
    assert aside.is_symlink() or aside.read_text() == "kept"


def test_a_folder_in_place_of_the_index_of_sources_is_named(
    finished: None, run: Runner, tmp_path: Path
) -> None:
    place = put_in_the_way(tmp_path / "cache", "source_files.json")
    for _ in range(2):
        with pytest.raises(
            CacheError, match=r"source_files\.json is a folder where a file belongs: move it away"
        ):
            run()
    assert not list((tmp_path / "cache").glob(".wip-*"))
    assert (place / "kept").is_dir()
