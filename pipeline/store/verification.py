"""Reading shards whole, to find what is damaged, and taking note of it where every later run sees it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from pipeline.store.array_specs import ARRAY_SPECS
from pipeline.store.shard_manifest import (
    MANIFEST_NAME,
    ShardManifest,
    changed_files,
    foreign_to,
    note_damage,
    read_damage,
    read_manifest,
)
from pipeline.store.shards import DamagedShardError, read_item

NO_MANIFEST = "is missing or damaged"


@dataclass(frozen=True, slots=True)
class ShardState:
    """What reading a shard has found."""

    items: Mapping[str, str] = field(default_factory=dict)
    """Damaged items, with array and what was found."""
    files: Mapping[str, str] = field(default_factory=dict)
    """Files that are not as they were written, with what was found."""
    readable: bool = True
    """Whether there is a sound manifest of this place; without one nothing in the shard is used."""
    size: int = 0
    """Bytes read."""
    noted: bool = True
    """Whether later runs will know of the damaged items."""

    @property
    def sound(self) -> bool:
        """Whether nothing is wrong."""
        return self.readable and not self.items and not self.files


def verify_shard(path: Path) -> ShardState:
    """Read a shard whole and compare it with its manifest.

    Notes
    -----
    Files are compared by length and CRC-32C, which no change of a few bytes escapes. Where one has changed,
    items are read too, to tell which of them are damaged. Where none shows it, such as in the description of
    an array, all items count as damaged: the shard is then written anew. So do those of a shard that stands
    under another's name. What a reader has noted as damaged counts as damaged until it has been computed
    again, even if its files are as they were written.
    """
    while True:
        manifest = read_manifest(path)
        state = _compare(path, manifest)
        # Perhaps only replaced or deleted while it was being read.
        if state.sound or not path.exists() or read_manifest(path) == manifest:
            return state if path.exists() else ShardState()


def _compare(path: Path, manifest: ShardManifest | None) -> ShardState:
    if manifest is None:
        return ShardState({}, {MANIFEST_NAME: NO_MANIFEST}, readable=False)
    foreign = foreign_to(path, manifest)
    if foreign is not None:
        return ShardState({}, {MANIFEST_NAME: foreign}, readable=False)
    if manifest.shard != path.stem:
        why = f"is of shard {manifest.shard}"
        return ShardState(_all(manifest, f"{MANIFEST_NAME}: {why}"), {MANIFEST_NAME: why})
    files = changed_files(path, manifest, contents=True)
    own = {record.id for record in manifest.items}
    items = {item: why for item, why in read_damage(path).items() if item in own}
    if files:
        items |= _damaged_items(path, manifest)
    hidden = [f"{name}: {why}" for name, why in files.items() if name in manifest.files]
    if hidden and not items:
        items = _all(manifest, hidden[0])
    return ShardState(items, files, size=manifest.size)


def verify_and_note(path: Path) -> ShardState:
    """Verify a shard, and note beside it which of its items are damaged where that can be written."""
    state = verify_shard(path)
    if state.items:
        try:
            note_damage(path, state.items)
        except OSError:  # a read-only cache: whoever asked has the answer all the same
            return ShardState(state.items, state.files, state.readable, state.size, noted=False)
    return state


def _damaged_items(path: Path, manifest: ShardManifest) -> dict[str, str]:
    """Items that cannot be read, with every array of theirs that is damaged."""
    items = {}
    for row, record in enumerate(manifest.items):
        if record.status != "ok":
            continue
        found = []
        for variable in ARRAY_SPECS[manifest.stage]:
            try:
                read_item(path, manifest, row, [variable.name])
            except DamagedShardError as error:
                found.append(error.why.partition(". ")[0])  # codecs go on with the bytes they found
        if found:
            items[record.id] = "; ".join(found)
    return items


def _all(manifest: ShardManifest, why: str) -> dict[str, str]:
    return dict.fromkeys((record.id for record in manifest.items), why)
