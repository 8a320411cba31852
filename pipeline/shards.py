"""One shard: arrays and a manifest, committed by a rename; read item by item, digests checked."""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Literal

import numpy as np
import zarr

from configs.errors import CacheError
from pipeline.fingerprints import DIGEST_LENGTH, canonical_digest
from pipeline.folder_commits import commit_folder, sync_tree, unfinished_folder
from pipeline.shard_arrays import OpenShard, open_shard, write_variable
from pipeline.variables import VARIABLES, Array

MANIFEST_NAME = "manifest.json"
MANIFEST_FORMAT = 1

ItemStatus = Literal["ok", "failed", "skipped"]


@dataclass(frozen=True, slots=True)
class ItemRecord:
    """What a shard's manifest says of one item."""

    id: str
    status: ItemStatus
    """`failed`: the item's own fault; `skipped`: nothing to do, or what it needs has failed."""
    input: str = ""
    """Digest of everything the item was computed from, but for what the fingerprint covers."""
    output: dict[str, str] = field(default_factory=dict)
    """Digest of each array of an item that is ok."""
    reason: str = ""
    """Why it failed or was skipped."""
    seconds: float = 0.0
    """Time spent computing it."""

    @property
    def output_digest(self) -> str:
        """One digest of all arrays; what the stages that read this item take as their input."""
        return canonical_digest(self.output)


@dataclass(frozen=True, slots=True)
class ShardManifest:
    """What a committed shard holds."""

    stage: str
    fingerprint: str
    shard: str
    items: tuple[ItemRecord, ...]
    seconds: float
    """From the first read to the commit."""
    peak_memory: int
    """Largest resident size of the worker so far, bytes."""
    versions: dict[str, str]

    def row(self, item_id: str) -> int | None:
        """Position of an item, or None."""
        return next((row for row, item in enumerate(self.items) if item.id == item_id), None)


def array_digest(array: Array) -> str:
    """Digest of an array's data type, shape and values: the first 128 bits of SHA-256."""
    digest = hashlib.sha256(f"{array.dtype.str}{array.shape}".encode())
    digest.update(np.ascontiguousarray(array).data)
    return digest.hexdigest()[:DIGEST_LENGTH]


def read_manifest(path: Path) -> ShardManifest | None:
    """Manifest of a committed shard; None where there is none that can be read."""
    try:
        content = json.loads((path / MANIFEST_NAME).read_text(encoding="utf-8"))
        if content.pop("format") != MANIFEST_FORMAT:
            return None
        items = tuple(ItemRecord(**item) for item in content.pop("items"))
        return ShardManifest(items=items, **content)
    except (OSError, ValueError, KeyError, TypeError):
        return None


def write_shard(path: Path, manifest: ShardManifest, items: Sequence[Mapping[str, Array] | None]) -> int:
    """Write a shard and commit it: others see all of it or none.

    Parameters
    ----------
    path
        Final folder, `<shard>.zarr`; one that is there is replaced.
    manifest
        Its records, one an item.
    items
        Arrays of each item that is ok, None for the others.

    Returns
    -------
    int
        Bytes written.

    Raises
    ------
    OSError
        Disk full, no permission; nothing is left half done under `path`.
    """
    unfinished = unfinished_folder(path)
    try:
        group = zarr.create_group(unfinished, zarr_format=3, attributes={"stage": manifest.stage})
        for variable in VARIABLES[manifest.stage]:
            write_variable(group, variable, [None if item is None else item[variable.name] for item in items])
        content = {"format": MANIFEST_FORMAT, **asdict(manifest)}
        (unfinished / MANIFEST_NAME).write_text(json.dumps(content, indent=1), encoding="utf-8")
        size = sync_tree(unfinished)
        commit_folder(unfinished, path)
    finally:
        shutil.rmtree(unfinished, ignore_errors=True)
    return size


def read_item(
    path: Path, manifest: ShardManifest, row: int, names: Sequence[str] | None = None
) -> dict[str, Array]:
    """Read one item's arrays and check them against the digests of the manifest.

    Raises
    ------
    CacheError
        The item is not ok, or its data are damaged or missing.
    """
    record = manifest.items[row]
    if record.status != "ok":
        raise CacheError(f"{path}: item {record.id!r} holds no data ({record.status}: {record.reason})")
    wanted = [v for v in VARIABLES[manifest.stage] if names is None or v.name in names]
    arrays: dict[str, Array] = {}
    for variable in wanted:
        try:
            array = _open(path).read(variable, row)
        except Exception as error:  # noqa: BLE001 - Zarr and its codecs raise whatever a damaged file provokes
            raise _damaged(path, variable.name, record.id, str(error)) from None
        if array_digest(array) != record.output[variable.name]:
            raise _damaged(path, variable.name, record.id, "its digest differs")
        arrays[variable.name] = array
    return arrays


def item_shape(path: Path, row: int, name: str) -> tuple[int, ...]:
    """Shape of one item's part of an array that is not ragged; empty when it cannot be read."""
    try:
        return _open(path).shape(name, row)
    except Exception:  # noqa: BLE001 - as above
        return ()


def _open(path: Path) -> OpenShard:
    stat = (path / MANIFEST_NAME).stat()
    return open_shard(path, (stat.st_mtime_ns, stat.st_ino))


def _damaged(path: Path, array: str, item: str, why: str) -> CacheError:
    return CacheError(
        f"{path}: array {array!r} of item {item!r} is damaged ({why}); "
        f"delete this folder, or run again with --force {path.parent.parent.name}"
    )
