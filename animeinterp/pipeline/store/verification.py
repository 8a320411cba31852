"""Verify shards by reading them whole, and record damage where later runs see it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from animeinterp.pipeline.store.array_specs import ARRAY_SPECS
from animeinterp.pipeline.store.shard_manifest import (
    MANIFEST_NAME,
    ShardManifest,
    changed_files,
    foreign_to,
    note_damage,
    read_damage,
    read_manifest,
)
from animeinterp.pipeline.store.shards import DamagedShardError, read_item

NO_MANIFEST = "is missing or damaged"


@dataclass(frozen=True, slots=True)
class ShardState:
    """The result of reading a shard."""

    items: Mapping[str, str] = field(default_factory=dict)
    """Damaged items, with array and reason."""
    files: Mapping[str, str] = field(default_factory=dict)
    """Files that differ from what was written, with the reason."""
    readable: bool = True
    """Whether there is a valid manifest for this place; without one nothing in the shard is used."""
    size: int = 0
    """Bytes read."""
    noted: bool = True
    """Whether the damage is recorded for later runs."""

    @property
    def sound(self) -> bool:
        """Whether nothing is damaged."""
        return self.readable and not self.items and not self.files


def verify_shard(path: Path) -> ShardState:
    """Read a shard whole and compare it with its manifest.

    Notes
    -----
    Files are compared by length and CRC-32C, which detects any change of a few bytes. If a file has changed,
    items are read to find the damaged ones. If no item shows the damage, such as in the description of an
    array, all items count as damaged, and the shard is rewritten. The same applies to a shard under a wrong
    name. Items that a reader has recorded as damaged count as damaged until recomputed, even if their files
    are unchanged.
    """
    while True:
        manifest = read_manifest(path)
        state = _compare(path, manifest)
        # Perhaps it was only replaced or deleted while being read.
        if state.sound or not path.exists() or read_manifest(path) == manifest:
            return state if path.exists() else ShardState()


def _compare(path: Path, manifest: ShardManifest | None) -> ShardState:
    if manifest is None:
        return ShardState({}, {MANIFEST_NAME: NO_MANIFEST}, readable=False)
    foreign = foreign_to(path, manifest)
    if foreign is not None:
        return ShardState({}, {MANIFEST_NAME: foreign}, readable=False)
    if manifest.shard != path.stem:
        why = f"belongs to shard {manifest.shard}"
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
    """Verify a shard, and record its damaged items beside it if possible."""
    state = verify_shard(path)
    if state.items:
        try:
            note_damage(path, state.items)
        except OSError:  # a read-only cache: the caller has the result all the same
            return ShardState(state.items, state.files, state.readable, state.size, noted=False)
    return state


def _damaged_items(path: Path, manifest: ShardManifest) -> dict[str, str]:
    """Items that cannot be read, with all their damaged arrays."""
    items = {}
    for row, record in enumerate(manifest.items):
        if record.status != "ok":
            continue
        found = []
        for variable in ARRAY_SPECS[manifest.stage]:
            try:
                read_item(path, manifest, row, [variable.name])  # nothing, if its method makes no such array
            except DamagedShardError as error:
                found.append(error.why.partition(". ")[0])  # codecs continue with wrong bytes
        if found:
            items[record.id] = "; ".join(found)
    return items


def _all(manifest: ShardManifest, why: str) -> dict[str, str]:
    return dict.fromkeys((record.id for record in manifest.items), why)
