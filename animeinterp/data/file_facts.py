"""Digest and size of each source file, remembered so that a second run need not read the files again."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from animeinterp.configs.errors import DataError
from animeinterp.configs.files import FileState, file_state, replace_file, sha256_of
from animeinterp.data.image_decoding import READING, read_header
from animeinterp.data.images import IMAGE_SUFFIXES

FORMAT = 3
FORMER_FORMAT = 2  # which knew neither inode nor time of change
UNKNOWN = -1
HASHING_THREADS = 8  # hashing and reading release the interpreter lock


@dataclass(frozen=True, slots=True)
class FileFact:
    """Facts of a file, valid while its state is unchanged."""

    length: int
    """Bytes; -1 when the file cannot be read."""
    modified: int
    """Modification time, ns."""
    changed: int
    """Time of the last change of content, name or rights, ns."""
    inode: int
    digest: str
    """SHA-256 of the content; of an image that version 0.1 read in another way, of that as well."""
    size: tuple[int, int] | None
    """Height and width; None if the file is not an image, or its header cannot be read."""

    @property
    def readable(self) -> bool:
        """Whether the file could be read."""
        return self.length >= 0

    @property
    def state(self) -> FileState:
        """Its state when it was looked into."""
        return self.length, self.modified, self.changed, self.inode


ABSENT = FileFact(-1, 0, 0, 0, hashlib.sha256(b"unreadable").hexdigest(), None)


class FileFacts:
    """Facts of source files, by path.

    Parameters
    ----------
    index
        JSON file that remembers them between runs; without it, or if it is damaged, the start is only slower.
    rehash
        Read every file once more, whatever is remembered.
    """

    def __init__(self, index: Path, *, rehash: bool = False) -> None:
        self._index = index
        self._facts = _read_index(index)
        self._doubted = set(self._facts) if rehash else set[str]()
        self._changed = False

    def __getitem__(self, path: Path) -> FileFact:
        return self._facts[_name(path)]

    def learn(self, paths: Iterable[Path]) -> None:
        """Read the files that are new or have changed since the last time."""
        stale = {_name(path): path for path in dict.fromkeys(paths) if not self._is_current(path)}
        former = [None if name in self._doubted else self._facts.get(name) for name in stale]
        with ThreadPoolExecutor(HASHING_THREADS) as pool:
            for name, fact in zip(stale, pool.map(_look_into, stale.values(), former), strict=True):
                self._facts[name] = fact
        self._doubted -= stale.keys()
        self._changed |= bool(stale)

    def save(self) -> None:
        """Save the facts; of two processes that save at once the last one wins, which is harmless.

        Raises
        ------
        OSError
            The index cannot be written.
        """
        if not self._changed:
            return
        rows = json.dumps({path: (*fact.state, fact.digest, fact.size) for path, fact in self._facts.items()})
        content = f'{{"format": {FORMAT}, "digest": "{_digest(rows)}", "files": {rows}}}'
        replace_file(self._index, content.encode())
        self._changed = False

    def _is_current(self, path: Path) -> bool:
        fact = self._facts.get(_name(path))
        if fact is None or _name(path) in self._doubted:
            return False
        try:
            return fact.state == file_state(path)
        except OSError:
            return not fact.readable


def _name(path: Path) -> str:
    return str(path.absolute())


def _read_index(index: Path) -> dict[str, FileFact]:
    try:
        content = json.loads(index.read_text(encoding="utf-8"))
        if content["digest"] != _digest(json.dumps(content["files"])):
            return {}
        unknown = {FORMAT: [], FORMER_FORMAT: [UNKNOWN, UNKNOWN]}[content["format"]]
        facts = {}
        for path, (*state, digest, size) in content["files"].items():
            length, modified, changed, inode = state + unknown
            facts[path] = FileFact(length, modified, changed, inode, digest, tuple(size) if size else None)
        return facts
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return {}


def _digest(rows: str) -> str:
    return hashlib.sha256(rows.encode()).hexdigest()


def _look_into(path: Path, former: FileFact | None) -> FileFact:
    """Facts of a file; only the header of one that an index of version 0.1 knows and that is as it was."""
    try:
        state = file_state(path)
        known = former is not None and former.state == (*state[:2], UNKNOWN, UNKNOWN)
        digest = former.digest if former is not None and known else sha256_of(path)
    except OSError:
        return ABSENT
    size = None
    if path.suffix.lower() in IMAGE_SUFFIXES:
        with suppress(DataError):
            header = read_header(path)
            size = header.size
            if not header.read_as_ever:
                digest = hashlib.sha256(digest.encode() + READING).hexdigest()
    return FileFact(*state, digest, size)
