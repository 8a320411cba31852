"""Pairs listed in a file: images in any folders, each pair optionally with its own times.

`pairs.json`::

    {"name": "clip",
     "pairs": [{"id": "clip_000000_000002", "frames": ["../frames/000000.png", "../frames/000002.png"],
                "times": [0.25, 0.5, 0.75]}]}

Paths are relative to the file's folder. `truth` may name the frame in the middle; `times` defaults to those
of the settings. Ids of frames begin with `name`, so a frame in several lists is one frame.
"""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from pathlib import Path

from pydantic import BaseModel, ConfigDict, ValidationError, field_validator

from animeinterp.configs.errors import DataError
from animeinterp.configs.names import LONGEST_NAME, id_of
from animeinterp.configs.sections import check_times
from animeinterp.data.images import write_file
from animeinterp.data.manifest import FoundPair

PAIRS_FILE = "pairs.json"


class ListedPair(BaseModel):
    """A pair as in the file."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    id: str
    frames: tuple[str, str]
    truth: str | None = None
    times: tuple[float, ...] = ()

    @field_validator("id")
    @classmethod
    def _names_a_folder(cls, name: str) -> str:
        # Results are written to a folder of that name.
        if not name or name.startswith(".") or set("/\\\0") & set(name):
            raise ValueError(f"{name!r} cannot name a folder; use letters, digits, '_' and '-'")
        if not _encodable(name) or len(os.fsencode(name)) > LONGEST_NAME:
            raise ValueError(f"{name!r} cannot name a folder; use {LONGEST_NAME} bytes of UTF-8 at most")
        return name

    @field_validator("frames", "truth")
    @classmethod
    def _names_files(cls, paths: tuple[str, str] | str | None) -> tuple[str, str] | str | None:
        for path in (paths,) if isinstance(paths, str) else paths or ():
            if "\0" in path or not _encodable(path):
                raise ValueError(f"{path!r} cannot name a file")
        return paths

    @field_validator("times")
    @classmethod
    def _inside(cls, times: tuple[float, ...]) -> tuple[float, ...]:
        return check_times(times)


class PairList(BaseModel):
    """The file's content."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str = ""
    pairs: tuple[ListedPair, ...]


def read_pairs(root: Path) -> list[FoundPair]:
    """Pairs listed in a folder's `pairs.json`, in their order.

    Raises
    ------
    DataError
        The file is missing or malformed, or lists no pair.
    """
    path = root / PAIRS_FILE
    try:
        content = path.read_bytes()
        # Names that are not UTF-8 may stand in it as they are.
        text = content.decode(json.detect_encoding(content), "surrogateescape")
        listed = PairList.model_validate(json.loads(text))
    except OSError as error:
        raise DataError(
            f"{path}: cannot be read ({error.strerror}); data.layout = 'listed' needs this file, "
            "see docs/data.md"
        ) from None
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(map(str, first["loc"])) or "the whole"
        raise DataError(f"{path}: {where}: {first['msg']}; see docs/data.md for the format") from None
    except ValueError as error:
        raise DataError(f"{path}: not JSON ({error}); see docs/data.md for the format") from None
    if not listed.pairs:
        raise DataError(f"{path}: lists no pairs")
    return [_found(root, listed.name, pair) for pair in listed.pairs]


def _encodable(name: str) -> bool:
    """Whether a file system can have a name: JSON can hold halves of characters."""
    try:
        os.fsencode(name)
    except UnicodeEncodeError:
        return False
    return True


PairToList = tuple[str, tuple[Path, Path], tuple[float, ...]]  # id, frames, times


def write_pairs(root: Path, name: str, pairs: Sequence[PairToList]) -> None:
    """List pairs in a folder's `pairs.json`.

    Raises
    ------
    DataError
        The folder cannot be written.
    """
    listed = PairList(
        name=name,
        pairs=tuple(
            ListedPair(
                id=pair_id,
                frames=(os.path.relpath(frames[0], root), os.path.relpath(frames[1], root)),
                times=times,
            )
            for pair_id, frames, times in pairs
        ),
    )
    content = json.dumps(listed.model_dump(exclude_defaults=True), indent=1)
    write_file(root / PAIRS_FILE, content.encode())


def _found(root: Path, name: str, pair: ListedPair) -> FoundPair:
    # Normalised, so that a frame is the same file in every list.
    first, second = (Path(os.path.normpath(root / frame)) for frame in pair.frames)
    truth = None if pair.truth is None else Path(os.path.normpath(root / pair.truth))
    return FoundPair(id_of(pair.id), (first, second), truth, times=pair.times, frames_of=id_of(name))
