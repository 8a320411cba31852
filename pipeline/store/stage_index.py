"""Where the items of a stage are kept: every committed shard under its fingerprint, by item."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from pipeline.store.array_specs import Array
from pipeline.store.commits import WIP_PREFIX, restore_replaced
from pipeline.store.shard_manifest import (
    MANIFEST_NAME,
    ItemRecord,
    ShardManifest,
    changed_files,
    foreign_to,
    read_damage,
    read_manifest,
)
from pipeline.store.shards import item_shape, read_item

OTHER_SHARDS = 32  # with no item of interest, kept for what they tell of times and sizes


@dataclass(frozen=True, slots=True)
class Location:
    """An item in a committed shard."""

    path: Path
    """Folder of the shard."""
    manifest: ShardManifest
    row: int

    @property
    def record(self) -> ItemRecord:
        """What the shard's manifest says of the item."""
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

    An item is looked for in every shard, not only in the one that it would be written to: results stay
    valid when the division into shards changes, by a setting or because pairs were added or removed.

    What is damaged counts as missing: a shard without a sound manifest or with files missing or cut short,
    and items that a reader has found damaged. Contents are not read here; whoever reads them checks them.

    Parameters
    ----------
    folder
        The fingerprint's folder; may be absent.
    restore
        Put back shards that a writer which died had put aside; otherwise nothing is written.
    items
        Ids of the items that may be asked for; None = all. Of shards that hold none of them only a few are
        kept in mind: a part of a long clip need not carry all the others about.
    """

    def __init__(self, folder: Path, *, restore: bool = True, items: Collection[str] | None = None) -> None:
        self._items = items
        self._shards: dict[Path, ShardManifest] = {}
        self._locations: dict[str, list[Location]] = {}
        self._damage: dict[Path, Mapping[str, str]] = {}
        self._others = 0
        if restore:
            restore_replaced(folder)
        # Latest first: where two shards hold an item, the later one was asked for with reason.
        for path in sorted(folder.glob("*.zarr"), key=_age):
            self._add(path, first=False)

    def __contains__(self, item_id: str) -> bool:
        return bool(self._locations.get(item_id))

    def find(self, item_id: str, input_digest: str) -> Location | None:
        """Location of an item that was computed from these inputs."""
        locations = self._locations.get(item_id, ())
        return next((location for location in locations if location.record.input == input_digest), None)

    def latest(self, item_id: str) -> Location | None:
        """Location of an item that is ok, computed last, from whatever inputs."""
        locations = self._locations.get(item_id, ())
        return next((location for location in locations if location.record.status == "ok"), None)

    def newest(self) -> dict[str, Location]:
        """Every item: of those that are there several times the latest that is ok, else the latest."""
        return {
            item: self.latest(item) or locations[0]
            for item, locations in sorted(self._locations.items())
            if locations
        }

    def last(self, item_id: str) -> Location | None:
        """Location of an item, computed last, from whatever inputs and with whatever outcome."""
        return next(iter(self._locations.get(item_id, ())), None)

    @property
    def shards(self) -> Mapping[Path, ShardManifest]:
        """Manifests of all committed shards that are whole, by folder."""
        return self._shards

    def shard(self, path: Path) -> ShardManifest | None:
        """Manifest of a committed shard."""
        return self._shards.get(path)

    def damage(self, item_id: str) -> str | None:
        """What is wrong with an item that is there but damaged."""
        return next((items[item_id] for items in self._damage.values() if item_id in items), None)

    def discard(self, path: Path, items: Mapping[str, str]) -> None:
        """Take items of a shard, given with what is wrong with them, for missing from now on."""
        self._damage[path] = {**self._damage.get(path, {}), **items}
        for item in items:
            kept = [location for location in self._locations.get(item, ()) if location.path != path]
            self._locations[item] = kept

    def refresh(self, path: Path) -> None:
        """Look again at a shard that has just been committed."""
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
            return  # put aside, and about to be deleted
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
    """Manifest of a shard, and which of its files are not as it has them."""
    manifest = read_manifest(path)
    while manifest is not None:
        # One that was moved here from elsewhere may be whole, and is of other settings all the same.
        foreign = foreign_to(path, manifest)
        changed = {MANIFEST_NAME: foreign} if foreign else changed_files(path, manifest, contents=False)
        # Perhaps only replaced between the look at the manifest and the look at the files.
        before, manifest = manifest, read_manifest(path) if changed else manifest
        if manifest == before:
            return manifest, changed
    return None, {}


def _age(path: Path) -> tuple[int, str]:
    try:
        return -(path / MANIFEST_NAME).stat().st_mtime_ns, path.name
    except OSError:
        return 0, path.name
