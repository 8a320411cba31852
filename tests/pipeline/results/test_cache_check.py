from __future__ import annotations

import platform
from pathlib import Path

import pytest

from animeinterp.pipeline.results.cache_check import CheckReport, check_shards, check_surroundings, shards_in
from animeinterp.pipeline.results.cache_contents import fingerprint_folders
from animeinterp.pipeline.store.commits import unfinished_folder
from animeinterp.pipeline.store.shard_manifest import read_manifest


def check(cache: Path) -> CheckReport:
    report, folders = CheckReport(), list(fingerprint_folders(cache))
    check_surroundings(folders, report)
    assert sorted(check_shards(shards_in(folders), report)) == sorted(shards_in(folders))
    return report


def test_a_sound_cache(finished_cache: Path) -> None:
    report = check(finished_cache)
    assert report.sound
    assert not report.left_over
    shards = list(finished_cache.glob("*/*/*.zarr"))
    assert report.shards == len(shards)
    assert report.size == sum(manifest.size for path in shards if (manifest := read_manifest(path)))


@pytest.mark.usefixtures("finished")
def test_everything_that_is_wrong_is_in_the_report(tmp_path: Path) -> None:
    cache = tmp_path / "cache"
    shards = shards_in(list(fingerprint_folders(cache)))
    victims = {shards[0], shards[-1]}
    for victim in victims:
        (victim / "zarr.json").unlink()
    folder = shards[3].parent
    (folder / "stage.json").write_text("{}")
    live = unfinished_folder(folder / "shard")
    dead = f"wip-{platform.node()}-999999999-abcdef012345"
    left = [folder / dead, folder.parent / dead]
    for path in (live, *left):
        path.mkdir()
    report = check(cache)
    assert not report.sound
    assert report.damaged.keys() == victims
    assert report.descriptions == [f"{folder / 'stage.json'}: damaged"]
    assert report.left_over == left
