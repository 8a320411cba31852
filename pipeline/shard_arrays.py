"""The arrays of a shard: how items of unequal size stand in Zarr arrays, and how one is read back."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import zarr
from zarr.codecs import BloscCodec, BloscShuffle, Crc32cCodec, ZstdCodec

from pipeline.variables import Array, Variable

COMPRESSION_LEVEL = 3  # zstd's default: higher levels cost much time for little space on label maps and flows
OPEN_SHARDS = 8  # kept open in a process: those that the items of one shard read from
RAGGED_ROWS = 256  # rows a chunk of a ragged array: a frame holds some hundred pieces


def write_variable(group: zarr.Group, variable: Variable, items: Sequence[Array | None]) -> None:
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
    # Frames of one shard may differ in size: the array has the largest, `<name>_shape` which part counts.
    largest = tuple(max(sizes) for sizes in zip(*(item.shape for item in present), strict=True))
    values = np.zeros((len(items), *largest), present[0].dtype)
    shapes = np.zeros((len(items), len(largest)), np.int32)
    for row, item in enumerate(items):
        if item is not None:
            values[row][tuple(slice(0, n) for n in item.shape)] = item
            shapes[row] = item.shape
    _write_array(group, variable, values, chunk=(1, *largest))
    _write_plain(group, f"{variable.name}_shape", shapes)


def _write_ragged(group: zarr.Group, variable: Variable, items: Sequence[Array | None]) -> None:
    present = [item for item in items if item is not None]
    lengths = [0 if item is None else len(item) for item in items]
    _write_plain(group, f"{variable.name}_offsets", np.cumsum([0, *lengths], dtype=np.int64))
    if sum(lengths):
        values = np.concatenate(present)
        _write_array(group, variable, values, chunk=(min(RAGGED_ROWS, len(values)), *values.shape[1:]))


def _write_array(group: zarr.Group, variable: Variable, values: Array, chunk: tuple[int, ...]) -> None:
    shard = (-(-values.shape[0] // chunk[0]) * chunk[0], *values.shape[1:])
    array = group.create_array(
        variable.name,
        shape=values.shape,
        dtype=values.dtype,
        chunks=chunk,
        shards=shard,
        compressors=_compressors(variable, values.dtype.itemsize),
        attributes={"meaning": variable.meaning},
        dimension_names=("row" if variable.ragged else "item", *variable.dims[1 if variable.ragged else 0 :]),
    )
    array[...] = values


def _compressors(variable: Variable, itemsize: int) -> list[Any]:
    if variable.shuffled:
        codec: Any = BloscCodec(
            cname="zstd", clevel=COMPRESSION_LEVEL, shuffle=BloscShuffle.shuffle, typesize=itemsize
        )
    else:
        codec = ZstdCodec(level=COMPRESSION_LEVEL)
    return [codec, Crc32cCodec()]


def _write_plain(group: zarr.Group, name: str, values: Array) -> None:
    array = group.create_array(
        name,
        shape=values.shape,
        dtype=values.dtype,
        chunks=values.shape,
        compressors=[ZstdCodec(), Crc32cCodec()],
    )
    array[...] = values


class OpenShard:
    """A committed shard, its arrays opened when first asked for."""

    def __init__(self, path: Path) -> None:
        self._group = zarr.open_group(path, mode="r")
        self._arrays: dict[str, zarr.Array[Any] | None] = {}
        self._whole: dict[str, Array] = {}

    def read(self, variable: Variable, row: int) -> Array:
        """One item's part of an array."""
        array = self._array(variable.name)
        if variable.ragged:
            start, stop = (int(n) for n in self._small(f"{variable.name}_offsets")[row : row + 2])
            if array is None:
                return np.zeros((0,) * len(variable.dims), variable.dtypes[0])
            return np.asarray(array[start:stop])
        if array is None:
            raise KeyError(variable.name)
        return np.asarray(array[row])[tuple(slice(0, n) for n in self.shape(variable.name, row))]

    def shape(self, name: str, row: int) -> tuple[int, ...]:
        """Shape of one item's part of an array that is not ragged."""
        return tuple(int(n) for n in self._small(f"{name}_shape")[row])

    def _array(self, name: str) -> zarr.Array[Any] | None:
        if name not in self._arrays:
            found = self._group.get(name)
            self._arrays[name] = found if isinstance(found, zarr.Array) else None
        return self._arrays[name]

    def _small(self, name: str) -> Array:
        """A small array that every item is read by: kept whole."""
        if name not in self._whole:
            array = self._array(name)
            if array is None:
                raise KeyError(name)
            self._whole[name] = np.asarray(array[...])
        return self._whole[name]


@lru_cache(OPEN_SHARDS)
def open_shard(path: Path, committed: tuple[int, int]) -> OpenShard:  # noqa: ARG001
    """Open a committed shard, or hand out the one that is open.

    Parameters
    ----------
    path
        Folder of the shard.
    committed
        Modification time and inode of its manifest: a shard written anew is opened anew.
    """
    return OpenShard(path)
