"""The arrays of a shard: storing items of unequal size in Zarr arrays, and reading them."""

from __future__ import annotations

import warnings
from collections.abc import Mapping, Sequence
from functools import cache, lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import zarr
from zarr.codecs import BloscCodec, BloscShuffle, Crc32cCodec, ZstdCodec

from animeinterp.configs.errors import ConfigError
from animeinterp.pipeline.store.array_specs import ARRAY_SPECS, Array, ArraySpec

# By measurement (docs/performance.md): higher levels cost much time for little space.
PLAIN_LEVEL = 3
SHUFFLED_LEVEL = 2
OPEN_SHARDS = 8  # kept open in a process: those that the items of one shard read
RAGGED_ROWS = 256  # rows per chunk of a ragged array: a frame has some hundred pieces
SMALL = 1 << 14  # bytes; smaller ragged arrays, such as scores and matches, are read whole

OFFSETS = "offsets"
"""Attribute of a ragged array: where each item begins, and where the last ends."""
SETTINGS = "the environment variables ZARR_*, or the files in ~/.config/zarr"

ID = "id"
"""Array of the items' ids, and the dimension along which items lie."""

SHAPES = "shapes"
"""Attribute of the others: the shape of each item, zeros where there is none."""


@cache
def check_zarr() -> None:
    """Make sure that Zarr writes and reads with the settings that its environment gives it.

    Raises
    ------
    ConfigError
        It does not, such as where a codec pipeline is named that is not installed.
    """
    variables = [*ARRAY_SPECS["segmentation"], *ARRAY_SPECS["coarse_flow"]]
    try:
        store = zarr.storage.MemoryStore()
        group = zarr.create_group(store, zarr_format=3)
        for variable in variables:
            written = np.ones((2,) * len(variable.dims), variable.dtypes[0])
            write_array(group, variable, [written])
        shard = OpenShard(store)
        same = all((shard.read(variable, 0) == 1).all() for variable in variables)
    except Exception as error:  # noqa: BLE001 - whatever a wrong setting provokes
        raise ConfigError(
            f"Zarr rejects its settings ({type(error).__name__}: {error}); correct {SETTINGS}"
        ) from None
    if not same:
        raise ConfigError(f"Zarr reads other values than it has written; see {SETTINGS}")


def write_arrays(
    path: Path, stage: str, ids: Sequence[str], items: Sequence[Mapping[str, Array] | None]
) -> None:
    """Write all arrays of a shard.

    Parameters
    ----------
    path
        Its folder.
    stage
        Its stage.
    ids
        Of its items; kept as an array as well, by which xarray finds them.
    items
        The arrays of each item, None where there are none.
    """
    group = zarr.create_group(path, zarr_format=3, attributes={"stage": stage})
    for variable in ARRAY_SPECS[stage]:
        write_array(group, variable, [None if item is None else item.get(variable.name) for item in items])
    named = group.create_array(ID, shape=(len(ids),), dtype=str, dimension_names=(ID,))
    named[...] = np.array(ids)
    _describe_arrays(path)


def write_array(group: zarr.Group, variable: ArraySpec, items: Sequence[Array | None]) -> None:
    """Write one array of a shard.

    Parameters
    ----------
    group
        The shard.
    variable
        Spec of the array.
    items
        The array of each item, None where there is none. Sizes may differ from item to item.
    """
    present = [item for item in items if item is not None]
    if variable.ragged:
        _write_ragged(group, variable, items)
        return
    if not present:
        return
    # Frames of one shard may differ in size: the array has the largest, its attribute the valid part.
    largest = tuple(max(sizes) for sizes in zip(*(item.shape for item in present), strict=True))
    values = np.zeros((len(items), *largest), present[0].dtype)
    shapes = np.zeros((len(items), len(largest)), np.int32)
    for row, item in enumerate(items):
        if item is not None:
            values[row][tuple(slice(0, n) for n in item.shape)] = item
            shapes[row] = item.shape
    _write_array(group, variable, values, (1, *largest), {SHAPES: shapes.tolist()})


def _write_ragged(group: zarr.Group, variable: ArraySpec, items: Sequence[Array | None]) -> None:
    offsets = np.cumsum([0, *(0 if item is None else len(item) for item in items)])
    if offsets[-1]:
        values = np.concatenate([item for item in items if item is not None])
        chunk = (min(RAGGED_ROWS, len(values)), *values.shape[1:])
        _write_array(group, variable, values, chunk, {OFFSETS: offsets.tolist()})


def _write_array(
    group: zarr.Group, variable: ArraySpec, values: Array, chunk: tuple[int, ...], extent: dict[str, Any]
) -> None:
    shard = (-(-values.shape[0] // chunk[0]) * chunk[0], *values.shape[1:])
    array = group.create_array(
        variable.name,
        shape=values.shape,
        dtype=values.dtype,
        chunks=chunk,
        shards=shard,
        compressors=_compressors(variable, values.dtype.itemsize),
        attributes={**variable.attributes, **extent},
        dimension_names=variable.dimensions if variable.ragged else (ID, *variable.dimensions),
    )
    array[...] = values


def _compressors(variable: ArraySpec, itemsize: int) -> list[Any]:
    if variable.shuffle is None:
        return [ZstdCodec(level=PLAIN_LEVEL), Crc32cCodec()]
    shuffle = BloscShuffle.shuffle if variable.shuffle == "byte" else BloscShuffle.bitshuffle
    codec = BloscCodec(cname="zstd", clevel=SHUFFLED_LEVEL, shuffle=shuffle, typesize=itemsize)
    return [codec, Crc32cCodec()]


def _describe_arrays(path: Path) -> None:
    """Describe all arrays of a shard in its group, so that whoever opens it need not list its folder.

    Zarr would meet the manifest there, take it for a foreign object, and warn of it.
    """
    with warnings.catch_warnings():
        warnings.simplefilter(
            "ignore", zarr.errors.ZarrUserWarning
        )  # it is no part of the format's version 3
        zarr.consolidate_metadata(path, zarr_format=3)


class OpenShard:
    """A committed shard, its arrays opened when first asked for."""

    def __init__(self, path: Path | zarr.storage.MemoryStore) -> None:
        self._group = zarr.open_group(path, mode="r")
        self._arrays: dict[str, zarr.Array[Any] | None] = {}
        self._whole: dict[str, Array] = {}

    def read(self, variable: ArraySpec, row: int) -> Array:
        """One item's part of an array."""
        array = self._array(variable.name)
        if variable.ragged:
            if array is None:
                return np.zeros((0,) * len(variable.dims), variable.dtypes[0])
            start, stop = _extents(array, OFFSETS)[row : row + 2]
            if array.nbytes <= SMALL:
                return self._small(array)[start:stop].copy()
            return np.asarray(array[start:stop])
        if array is None:
            raise KeyError(variable.name)
        return np.asarray(array[row])[tuple(slice(0, n) for n in _extents(array, SHAPES)[row])]

    def shape(self, name: str, row: int) -> tuple[int, ...]:
        """Shape of one item's part of an array that is not ragged."""
        array = self._array(name)
        if array is None:
            raise KeyError(name)
        return tuple(_extents(array, SHAPES)[row])

    def _array(self, name: str) -> zarr.Array[Any] | None:
        if name not in self._arrays:
            found = self._group.get(name)
            self._arrays[name] = found if isinstance(found, zarr.Array) else None
        return self._arrays[name]

    def _small(self, array: zarr.Array[Any]) -> Array:
        """A small array, read once and kept: each read takes a millisecond."""
        if array.name not in self._whole:
            self._whole[array.name] = np.asarray(array[...])
        return self._whole[array.name]


def _extents(array: zarr.Array[Any], name: str) -> list[Any]:
    # JSON content is not trusted: a wrong value fails here or in the digest of what is read.
    extents: list[Any] = array.metadata.attributes[name]  # type: ignore[assignment]
    return extents


@lru_cache(OPEN_SHARDS)
def open_shard(path: Path, committed: tuple[int, int]) -> OpenShard:  # noqa: ARG001
    """Open a committed shard, or return the open one.

    Parameters
    ----------
    path
        Folder of the shard.
    committed
        Modification time and inode of its manifest: a rewritten shard is opened again.
    """
    return OpenShard(path)
