from __future__ import annotations

import json
from pathlib import Path

import pytest

from animeinterp.pipeline.store.shard_manifest import (
    FileState,
    ItemRecord,
    ShardManifest,
    changed_files,
    file_states,
    note_damage,
    read_damage,
    read_manifest,
    write_manifest,
)

ITEMS = (
    ItemRecord("ä", "ok", "in", {"frame0": "f"}, {"scores": "out"}, seconds=1.5),
    ItemRecord("b", "failed"),
)


@pytest.fixture
def shard(tmp_path: Path) -> Path:
    path = tmp_path / "shard.zarr"
    (path / "scores" / "c").mkdir(parents=True)
    (path / "zarr.json").write_text("{}")
    (path / "scores" / "c" / "0").write_bytes(b"0123456789" * 300_000)
    manifest = ShardManifest("evaluation", "f", "shard", ITEMS, 2.5, 1000, {"python": "3"}, file_states(path))
    write_manifest(path, manifest)
    return path


def known(path: Path) -> ShardManifest:
    manifest = read_manifest(path)
    assert manifest is not None
    return manifest


def test_manifest_comes_back_as_it_was(shard: Path) -> None:
    manifest = known(shard)
    assert manifest.items == ITEMS
    assert (manifest.stage, manifest.seconds, manifest.versions) == ("evaluation", 2.5, {"python": "3"})
    assert manifest.files.keys() == {"zarr.json", "scores/c/0"}
    assert manifest.files["scores/c/0"].length == 3_000_000
    assert manifest.size == 3_000_002
    assert json.loads((shard / "manifest.json").read_text())["format"] == 2


def test_checksums_are_those_of_crc32c(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"123456789")
    assert file_states(tmp_path) == {"file": FileState(9, 0xE3069283)}  # the check value of its definition


def test_no_byte_of_a_manifest_can_change(shard: Path) -> None:
    path = shard / "manifest.json"
    content = path.read_bytes()
    for position in range(0, len(content), 7):
        path.write_bytes(content[:position] + bytes([content[position] ^ 1]) + content[position + 1 :])
        assert read_manifest(shard) is None
    for cut in (0, 1, len(content) // 2, len(content) - 1):
        path.write_bytes(content[:cut])
        assert read_manifest(shard) is None


@pytest.mark.parametrize("content", [None, "", "{", '{"format": 0}', '{"format": 2, "items": [{}]}', "[]"])
def test_unreadable_manifest_is_no_shard(shard: Path, content: str | None) -> None:
    path = shard / "manifest.json"
    if content is None:
        path.unlink()
    else:
        path.write_text(content)
    assert read_manifest(shard) is None


def test_changed_files_are_named_with_what_is_wrong(shard: Path) -> None:
    manifest = known(shard)
    for contents in (False, True):
        assert changed_files(shard, manifest, contents=contents) == {}
    data = shard / "scores" / "c" / "0"
    whole = data.read_bytes()
    data.write_bytes(whole[:-1] + b"x")
    assert changed_files(shard, manifest, contents=False) == {}
    assert changed_files(shard, manifest, contents=True) == {"scores/c/0": "its checksum differs"}
    data.write_bytes(whole[:10])
    assert changed_files(shard, manifest, contents=False) == {"scores/c/0": "has 10 bytes instead of 3000000"}
    data.unlink()
    assert changed_files(shard, manifest, contents=False) == {"scores/c/0": "No such file or directory"}
    data.write_bytes(whole)
    (shard / "stray").write_text("")
    assert changed_files(shard, manifest, contents=True) == {"stray": "does not belong to the shard"}


def test_damage_is_noted_beside_the_data_and_adds_up(shard: Path) -> None:
    assert read_damage(shard) == {}
    note_damage(shard, {"a": "its digest differs"})
    note_damage(shard, {"b": "lost"})
    assert read_damage(shard) == {"a": "its digest differs", "b": "lost"}
    assert changed_files(shard, known(shard), contents=True) == {}
    (shard / "damaged.json").write_text("{")
    assert read_damage(shard) == {}
