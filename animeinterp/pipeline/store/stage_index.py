"""Index of the items of a stage in all committed shards of its fingerprint."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from animeinterp.pipeline.store.array_specs import Array
from animeinterp.pipeline.store.commits import WIP_PREFIX, restore_replaced
from animeinterp.pipeline.store.shard_manifest import (
    MANIFEST_NAME,
    ItemRecord,
    ShardManifest,
    changed_files,
    foreign_to,
    read_damage,
    read_manifest,
)
from animeinterp.pipeline.store.shards import item_shape, read_item

OTHER_SHARDS = 32  # without an item of interest, remembered for their times and sizes


@dataclass(frozen=True, slots=True)
class Location:
    """An item in a committed shard."""

    path: Path
    """Folder of the shard."""
    manifest: ShardManifest
    row: int

    @property
    def record(self) -> ItemRecord:
        """The item's record in the shard's manifest."""
        return self.manifest.items[self.row]

    def read(self, names: Sequence[str] | None = None) -> dict[str, Array]:
        """Arrays of the item, all by default.

        Raises
        ------
        CacheError
            The item is not ok, or its data are damaged or missing.
        """
        return read_item(self.path, self.manifest, self.row, names)

    def shape(self, name: str) -> tuple[int, ...]:
        """Shape of one of the item's arrays; empty when the array is damaged or missing."""
        return item_shape(self.path, self.row, name)


class StageIndex:
    """Items of all shards in a fingerprint's folder.

    An item is looked up in every shard, not only in the one that it would be written to, so results stay
    valid if the division into shards changes, by a setting or because pairs were added or removed. Damaged
    results count as missing: shards without a readable manifest or with missing or truncated files, and items
    that a reader has found damaged. Contents are not read here; readers check them.

    Parameters
    ----------
    folder
        The fingerprint's folder; may be absent.
    restore
        Restore shards that a dead writer had renamed; otherwise nothing is written.
    items
        Ids of the items that may be looked up; None = all. Only a few shards without any of them are
        remembered, so that a part of a long clip does not hold all the others in memory.
    """

    def __init__(self, folder: Path, *, restore: bool = True, items: Collection[str] | None = None) -> None:
        self._items = items
        self._shards: dict[Path, ShardManifest] = {}
        self._locations: dict[str, list[Location]] = {}
        self._damage: dict[Path, Mapping[str, str]] = {}
        self._others = 0
        if restore:
            restore_replaced(folder)
        # Latest first: if two shards hold an item, the later one was computed for a reason.
        for path in sorted(folder.glob("*.zarr"), key=_age):
            self._add(path, first=False)

    def __contains__(self, item_id: str) -> bool:
        return bool(self._locations.get(item_id))

    def find(self, item_id: str, input_digest: str) -> Location | None:
        """Location of an item that was computed from these inputs."""
        locations = self._locations.get(item_id, ())
        return next((location for location in locations if location.record.input == input_digest), None)

    def latest(self, item_id: str) -> Location | None:
        """Location of the latest ok result of an item, from any inputs."""
        locations = self._locations.get(item_id, ())
        return next((location for location in locations if location.record.status == "ok"), None)

    def newest(self) -> dict[str, Location]:
        """Every item once: the latest ok result, else the latest."""
        return {
            item: self.latest(item) or locations[0]
            for item, locations in sorted(self._locations.items())
            if locations
        }

    def last(self, item_id: str) -> Location | None:
        """Location of the latest result of an item, from any inputs and with any outcome."""
        return next(iter(self._locations.get(item_id, ())), None)

    @property
    def shards(self) -> Mapping[Path, ShardManifest]:
        """Manifests of all undamaged committed shards, by folder."""
        return self._shards

    def shard(self, path: Path) -> ShardManifest | None:
        """Manifest of a committed shard."""
        return self._shards.get(path)

    def damage(self, item_id: str) -> str | None:
        """The damage of an item, if any."""
        return next((items[item_id] for items in self._damage.values() if item_id in items), None)

    def discard(self, path: Path, items: Mapping[str, str]) -> None:
        """Treat items of a shard, given with their damage, as missing from now on."""
        self._damage[path] = {**self._damage.get(path, {}), **items}
        for item in items:
            kept = [location for location in self._locations.get(item, ()) if location.path != path]
            self._locations[item] = kept

    def refresh(self, path: Path) -> None:
        """Read a shard again that has just been committed."""
        former = self._shards.pop(path, None)
        self._damage.pop(path, None)
        for record in () if former is None else former.items:
            kept = [location for location in self._locations.get(record.id, ()) if location.path != path]
            self._locations[record.id] = kept
        self._add(path, first=True)

    def _add(self, path: Path, *, first: bool) -> None:
        manifest, changed = _look_at(path)
        if manifest is None:
            return
        if changed and path.name.startswith(WIP_PREFIX):
            return  # renamed, about to be deleted
        if changed:
            name, why = next(iter(changed.items()))
            self._damage[path] = dict.fromkeys((record.id for record in manifest.items), f"{name}: {why}")
            return
        if self._items is not None and not any(record.id in self._items for record in manifest.items):
            if self._others < OTHER_SHARDS:
                self._others += 1
                self._shards[path] = manifest
            return
        self._shards[path] = manifest
        for row, record in enumerate(manifest.items):
            locations = self._locations.setdefault(record.id, [])
            locations.insert(0 if first else len(locations), Location(path, manifest, row))
        damaged = read_damage(path)
        if damaged:
            self.discard(path, damaged)


def _look_at(path: Path) -> tuple[ShardManifest | None, Mapping[str, str]]:
    """Manifest of a shard, and the files that differ from it."""
    manifest = read_manifest(path)
    while manifest is not None:
        # A shard moved here from elsewhere may be undamaged but has other settings.
        foreign = foreign_to(path, manifest)
        changed = {MANIFEST_NAME: foreign} if foreign else changed_files(path, manifest, contents=False)
        # Perhaps it was only replaced between reading the manifest and checking the files.
        before, manifest = manifest, read_manifest(path) if changed else manifest
        if manifest == before:
            return manifest, changed
    return None, {}


def _age(path: Path) -> tuple[int, str]:
    try:
        return -(path / MANIFEST_NAME).stat().st_mtime_ns, path.name
    except OSError:
        return 0, path.name
