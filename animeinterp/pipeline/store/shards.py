"""One shard: arrays and a manifest, committed by a rename; read item by item, digests checked.

Zarr is imported when arrays are first needed: what looks at manifests alone does without it.
"""

from __future__ import annotations

import hashlib
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from animeinterp.configs.errors import CacheError
from animeinterp.configs.names import own_command, shown
from animeinterp.pipeline.store.array_specs import ARRAY_SPECS, Array
from animeinterp.pipeline.store.commits import commit_folder, locked, put_aside, sync_tree, unfinished_folder
from animeinterp.pipeline.store.fingerprints import DIGEST_LENGTH
from animeinterp.pipeline.store.shard_manifest import (
    MANIFEST_NAME,
    ShardManifest,
    file_states,
    read_manifest,
    write_manifest,
)

if TYPE_CHECKING:
    from animeinterp.pipeline.store.shard_arrays import OpenShard


class ChangedCacheError(CacheError):
    """The cache has changed since the work was planned; plan again."""


class DamagedShardError(ChangedCacheError):
    """An item's data differ from what was committed.

    Parameters
    ----------
    path
        Folder of the shard.
    array, item
        Which array of which item.
    why
        The problem.
    """

    def __init__(self, path: Path, array: str, item: str, why: str) -> None:
        super().__init__(path, array, item, why)  # all of them, so that it can travel between processes
        self.path, self.item, self.why = path, item, f"array {array!r}: {why}"

    def __str__(self) -> str:
        path, array, item, why = self.args
        return shown(
            f"{path}: array {array!r} of item {item!r} is damaged ({why}); a run recomputes it, and "
            f"'{own_command('cache', 'verify')}' finds further damage"
        )


class ShardCommittedError(ChangedCacheError):
    """Another process has committed the shard in the meantime."""


def array_digest(array: Array) -> str:
    """Digest of an array's data type, shape and values: the first 128 bits of SHA-256."""
    digest = hashlib.sha256(f"{array.dtype.str}{array.shape}".encode())
    digest.update(np.ascontiguousarray(array).data)
    return digest.hexdigest()[:DIGEST_LENGTH]


def write_shard(
    path: Path,
    manifest: ShardManifest,
    items: Sequence[Mapping[str, Array] | None],
    replaces: ShardManifest | None = None,
) -> int:
    """Write a shard and commit it atomically.

    Parameters
    ----------
    path
        Final folder, `<shard>.zarr`; replaced if it exists.
    manifest
        Its records, one per item; the files are filled in here.
    items
        Arrays of each item that is ok, None for the others.
    replaces
        Manifest of the existing shard when the work began.

    Returns
    -------
    int
        Bytes written.

    Raises
    ------
    ShardCommittedError
        The existing shard is not the one to be replaced; it has been left alone.
    ConfigError
        Zarr does not work with its settings.
    OSError
        Disk full, no permission; nothing incomplete is left at `path`.
    """
    from animeinterp.pipeline.store.shard_arrays import check_zarr, write_arrays

    check_zarr()
    unfinished = unfinished_folder(path)
    try:
        write_arrays(unfinished, manifest.stage, [record.id for record in manifest.items], items)
        write_manifest(unfinished, replace(manifest, files=file_states(unfinished)))
        size = sync_tree(unfinished)
        with locked(path.parent):
            if read_manifest(path) != replaces:
                raise ShardCommittedError(f"{path}: another process has written this shard")
            put_aside(path)
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
        The item is not ok; `DamagedShardError` if its data are damaged or missing.
    ConfigError
        Zarr does not work with its settings.
    """
    from animeinterp.pipeline.store.shard_arrays import check_zarr

    check_zarr()  # otherwise sound data would count as damaged
    record = manifest.items[row]
    if record.status != "ok":
        raise CacheError(f"{path}: item {record.id!r} has no data ({record.status}: {record.reason})")
    made = record.output if names is None else record.output.keys() & names
    wanted = [v for v in ARRAY_SPECS[manifest.stage] if v.name in made]
    arrays: dict[str, Array] = {}
    for variable in wanted:
        try:
            array = _open(path).read(variable, row)
        except MemoryError:
            raise  # a problem of the machine, not of the data
        except Exception as error:  # noqa: BLE001 - Zarr and its codecs raise whatever a damaged file provokes
            raise DamagedShardError(path, variable.name, record.id, str(error)) from None
        if array_digest(array) != record.output[variable.name]:
            raise DamagedShardError(path, variable.name, record.id, "its digest differs")
        arrays[variable.name] = array
    return arrays


def item_shape(path: Path, row: int, name: str) -> tuple[int, ...]:
    """Shape of one item's part of an array that is not ragged; empty when it cannot be read."""
    try:
        return _open(path).shape(name, row)
    except Exception:  # noqa: BLE001 - as above
        return ()


def _open(path: Path) -> OpenShard:
    from animeinterp.pipeline.store.shard_arrays import open_shard

    stat = (path / MANIFEST_NAME).stat()
    return open_shard(path, (stat.st_mtime_ns, stat.st_ino))
