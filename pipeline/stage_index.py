"""Where the items of a stage are kept: every committed shard under its fingerprint, by item."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from pipeline.shards import ItemRecord, ShardManifest, item_shape, read_item, read_manifest
from pipeline.variables import Array


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

    Parameters
    ----------
    folder
        The fingerprint's folder; may be absent.
    """

    def __init__(self, folder: Path) -> None:
        self._shards: dict[Path, ShardManifest] = {}
        self._locations: dict[str, list[Location]] = {}
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

    def shard(self, path: Path) -> ShardManifest | None:
        """Manifest of a committed shard."""
        return self._shards.get(path)

    def refresh(self, path: Path) -> None:
        """Look again at a shard that has just been committed."""
        former = self._shards.pop(path, None)
        for record in () if former is None else former.items:
            kept = [location for location in self._locations[record.id] if location.path != path]
            self._locations[record.id] = kept
        self._add(path, first=True)

    def _add(self, path: Path, *, first: bool) -> None:
        manifest = read_manifest(path)
        if manifest is None:
            return
        self._shards[path] = manifest
        for row, record in enumerate(manifest.items):
            locations = self._locations.setdefault(record.id, [])
            locations.insert(0 if first else len(locations), Location(path, manifest, row))


def _age(path: Path) -> tuple[int, str]:
    try:
        return -path.stat().st_mtime_ns, path.name
    except OSError:
        return 0, path.name
