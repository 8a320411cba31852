"""One shard: arrays and a manifest, committed by a rename; read item by item, digests checked."""

from __future__ import annotations

import hashlib
import json
import os
import platform
import re
import shutil
import time
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Literal

import numpy as np
import zarr

from configs.errors import CacheError
from pipeline.fingerprints import DIGEST_LENGTH, canonical_digest
from pipeline.shard_arrays import open_shard, write_variable
from pipeline.variables import VARIABLES, Array

MANIFEST_NAME = "manifest.json"
MANIFEST_FORMAT = 1
WIP_PREFIX = "wip-"
ABANDONED_AFTER = 24 * 3600.0  # seconds; the slowest shard is written within minutes

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
    unfinished = path.with_name(f"{WIP_PREFIX}{platform.node()}-{os.getpid()}-{uuid.uuid4().hex[:12]}")
    try:
        group = zarr.create_group(unfinished, zarr_format=3, attributes={"stage": manifest.stage})
        for variable in VARIABLES[manifest.stage]:
            write_variable(group, variable, [None if item is None else item[variable.name] for item in items])
        content = {"format": MANIFEST_FORMAT, **asdict(manifest)}
        (unfinished / MANIFEST_NAME).write_text(json.dumps(content, indent=1), encoding="utf-8")
        size = _sync_tree(unfinished)
        _commit(unfinished, path)
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
            stat = (path / MANIFEST_NAME).stat()
            array = open_shard(path, (stat.st_mtime_ns, stat.st_ino)).read(variable, row)
        except Exception as error:  # noqa: BLE001 - Zarr and its codecs raise whatever a damaged file provokes
            raise _damaged(path, variable.name, record.id, str(error)) from None
        if array_digest(array) != record.output[variable.name]:
            raise _damaged(path, variable.name, record.id, "its digest differs")
        arrays[variable.name] = array
    return arrays


def _damaged(path: Path, array: str, item: str, why: str) -> CacheError:
    return CacheError(
        f"{path}: array {array!r} of item {item!r} is damaged ({why}); "
        f"delete this folder, or run again with --force {path.parent.parent.name}"
    )


def _sync_tree(folder: Path) -> int:
    """Flush every file and folder to disk; return the bytes in them."""
    size = 0
    for directory, _, files in os.walk(folder):
        for name in files:
            size += _sync(Path(directory, name))
        _sync(Path(directory))
    return size


def _sync(path: Path) -> int:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
        return os.fstat(descriptor).st_size
    finally:
        os.close(descriptor)


def _commit(unfinished: Path, path: Path) -> None:
    aside = path.with_name(f"{unfinished.name}-replaced")
    while True:
        try:
            unfinished.rename(path)
            break
        except OSError:
            # A folder with content cannot be renamed over: an earlier result, or another writer's, goes.
            if not path.exists():
                raise
            path.rename(aside)
            shutil.rmtree(aside, ignore_errors=True)
    _sync(path.parent)


def sweep_unfinished(folder: Path) -> int:
    """Delete what writers that died have left in a fingerprint's folder; return how many.

    A left-over goes when its owner was a process of this machine that is no more, or when nothing has
    changed in it for a day.
    """
    swept = 0
    for left_over in folder.glob(f"{WIP_PREFIX}*"):
        try:
            if _is_orphan(left_over.name) or time.time() - left_over.stat().st_mtime > ABANDONED_AFTER:
                shutil.rmtree(left_over)
                swept += 1
        except OSError:
            continue  # another process sweeps too
    return swept


def _is_orphan(name: str) -> bool:
    owner = re.fullmatch(rf"{WIP_PREFIX}(.+)-(\d+)-[0-9a-f]+(-replaced)?", name)
    if owner is None or owner[1] != platform.node():
        return False
    try:
        os.kill(int(owner[2]), 0)
    except ProcessLookupError:
        return True
    except PermissionError:
        return False  # somebody else's, and alive
    return False
