"""Reading shards whole, to find what is damaged, and taking note of it where every later run sees it."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from pipeline.shard_manifest import ShardManifest, changed_files, note_damage, read_manifest
from pipeline.shards import DamagedShardError, read_item

NO_MANIFEST = "manifest.json is missing or damaged"


@dataclass(frozen=True, slots=True)
class ShardState:
    """What reading a shard has found."""

    items: Mapping[str, str] = field(default_factory=dict)
    """Damaged items, with array and what was found."""
    files: Mapping[str, str] = field(default_factory=dict)
    """Files that are not as they were written, with what was found."""
    readable: bool = True
    """Whether there is a sound manifest; without one nothing in the shard is used."""

    @property
    def sound(self) -> bool:
        """Whether nothing is wrong."""
        return self.readable and not self.items and not self.files


def verify_shard(path: Path) -> ShardState:
    """Read a shard whole and compare it with its manifest.

    Notes
    -----
    Where a file is damaged in a way that no item shows, such as in the description of an array, all items
    count as damaged: the shard is then written anew.
    """
    manifest = read_manifest(path)
    if manifest is None:
        return ShardState({}, {"manifest.json": NO_MANIFEST}, readable=False)
    if manifest.shard != path.stem or manifest.stage != path.parent.parent.name:
        why = f"belongs to shard {manifest.shard} of {manifest.stage}"
        return ShardState(_all(manifest, f"manifest.json: {why}"), {"manifest.json": why})
    files = changed_files(path, manifest, contents=True)
    if not files:
        return ShardState()
    items = {}
    for row, record in enumerate(manifest.items):
        try:
            if record.status == "ok":
                read_item(path, manifest, row)
        except DamagedShardError as error:
            items[record.id] = error.why
    hidden = [f"{name}: {why}" for name, why in files.items() if name in manifest.files]
    if not items and hidden:
        items = _all(manifest, hidden[0])
    return ShardState(items, files)


def verify_and_note(path: Path) -> ShardState:
    """Verify a shard, and note beside it which of its items are damaged where that can be written."""
    state = verify_shard(path)
    if state.items:
        with suppress(OSError):  # a read-only cache: whoever asked has the answer all the same
            note_damage(path, state.items)
    return state


def _all(manifest: ShardManifest, why: str) -> dict[str, str]:
    return dict.fromkeys((record.id for record in manifest.items), why)
