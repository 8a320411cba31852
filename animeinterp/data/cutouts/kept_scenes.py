"""Reading a training set of cut-out scenes, scene by scene in any order."""

from __future__ import annotations

import hashlib
import json
import os
from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from zipfile import BadZipFile, ZipFile

import numpy as np
from numpy.typing import NDArray

from animeinterp.configs.errors import DataError
from animeinterp.data.cutouts.training_set import DIGESTS, RECORD, SET_VERSION, SetSettings, shard_path

STORED = ("frames", "flows", "occluded", "facts")
"""Arrays of a scene."""
OPEN_SHARDS = 64
"""Files a process keeps open; their tables of contents need not be read again."""


@dataclass(frozen=True, slots=True)
class KeptScene:
    """A stored scene."""

    frames: NDArray[np.uint8]
    """(3, H, W, 3) RGB: frame 0, the one at `t`, frame 1."""
    flows: NDArray[np.floating[Any]]
    """(2, 2, H, W): from frame 0 to 1 and from 1 to 0, x then y in pixels, in steps of 1/16 px at 64 to
    128 px, of twice that above, and so on."""
    occluded: NDArray[np.bool_]
    """(2, H, W): pixels of frame 0 unseen in frame 1, and of frame 1 unseen in frame 0."""
    t: float
    """Time of the frame between, in (0, 1)."""
    seed: int
    """Of `data.cutouts.draw_scene`, with the set's size and split."""
    degraded: bool
    """Whether frames are degraded."""


class TrainingSet:
    """A complete training set; it may be sent to other processes, which open its files anew.

    Parameters
    ----------
    root
        Folder that `write_training_set` has finished.

    Raises
    ------
    configs.errors.DataError
        The folder holds no training set, an unfinished one, one of another version, or a damaged record.
    """

    exact = True
    """Its flows are the true ones."""

    def __init__(self, root: Path) -> None:
        self.root = root
        remedy = "write the set, or resume an interrupted one"
        try:
            record, digests = (root / RECORD).read_bytes(), (root / DIGESTS).read_bytes()
            about, listed = json.loads(record), json.loads(digests)
            version, kept = about["versions"]["set"], dict(about["settings"])
            self.settings = SetSettings(**(kept | {"size": tuple(kept["size"])}))
            same = listed["record"] == hashlib.sha256(record).hexdigest()
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise DataError(
                f"{root}: no complete training set ({error!r}); expected {RECORD} and {DIGESTS}; {remedy}"
            ) from None
        if version != SET_VERSION:
            raise DataError(f"{root}: version {version}, expected {SET_VERSION}; write the set again")
        if not same:
            raise DataError(f"{root / RECORD}: not the record that {DIGESTS} belongs to; write the set again")
        self.digest = hashlib.sha256(digests).hexdigest()
        """As `write_training_set` returned it."""
        self.smallest = self.settings.size
        """Height and width of the frames, px."""
        self._open: OrderedDict[int, ZipFile] = OrderedDict()
        self._process = os.getpid()

    def __len__(self) -> int:
        return self.settings.count

    def __getstate__(self) -> dict[str, object]:
        return self.__dict__ | {"_open": OrderedDict()}

    def scene(self, position: int) -> KeptScene:
        """Read a scene.

        Parameters
        ----------
        position
            From 0 up to the number of scenes.

        Raises
        ------
        IndexError
            There is no such scene.
        configs.errors.DataError
            Its file is missing or damaged.
        """
        if not 0 <= position < len(self):
            raise IndexError(f"scene {position} of a training set of {len(self)}")
        shard = position // self.settings.shard
        path = shard_path(self.root, shard)
        try:
            archive = self._archive(shard)
            arrays = {name: _member(archive, f"{position:07d}_{name}") for name in STORED}
        except (OSError, KeyError, ValueError, EOFError, BadZipFile) as error:
            raise DataError(
                f"{path}: scene {position} cannot be read ({error}); remove the file and write the set again"
            ) from error
        return unpacked(arrays)

    def close(self) -> None:
        """Close the files; a later reading opens them again."""
        while self._open:
            self._open.popitem()[1].close()

    def _archive(self, shard: int) -> ZipFile:
        if self._process != os.getpid():
            # A forked process shares its parent's place in each file; both would read nonsense.
            self.close()
            self._process = os.getpid()
        if shard in self._open:
            self._open.move_to_end(shard)
        else:
            self._open[shard] = ZipFile(shard_path(self.root, shard))
            if len(self._open) > OPEN_SHARDS:
                self._open.popitem(last=False)[1].close()
        return self._open[shard]


def unpacked(arrays: Mapping[str, NDArray[Any]]) -> KeptScene:
    """A scene from its arrays as they are stored."""
    frames, flows, packed, facts = (arrays[name] for name in STORED)
    shape = 2, *frames.shape[1:3]
    occluded = np.unpackbits(packed, count=int(np.prod(shape))).view(np.bool_).reshape(shape)
    return KeptScene(frames, flows, occluded, float(facts[0]), int(facts[1]), bool(facts[2]))


def _member(archive: ZipFile, name: str) -> NDArray[Any]:
    """An array of an open `.npz`; its checksum is looked at on the way."""
    with archive.open(f"{name}.npy") as stream:
        array: NDArray[Any] = np.lib.format.read_array(stream, allow_pickle=False)
    return array
