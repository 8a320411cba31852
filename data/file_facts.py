"""Digest and size of each source file, remembered so that a second run need not read the files again."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from configs.errors import DataError
from configs.files import replace_file, sha256_of
from data.images import IMAGE_SUFFIXES, image_size

FORMAT = 2
HASHING_THREADS = 8  # hashing and reading release the interpreter lock


@dataclass(frozen=True, slots=True)
class FileFact:
    """Facts of a file, valid while its length and modification time are unchanged."""

    length: int
    """Bytes; -1 when the file cannot be read."""
    modified: int
    """Modification time, ns."""
    digest: str
    """SHA-256 of the content."""
    size: tuple[int, int] | None
    """Height and width; None if the file is not an image, or its header cannot be read."""

    @property
    def readable(self) -> bool:
        """Whether the file could be read."""
        return self.length >= 0


class FileFacts:
    """Facts of source files, by path.

    Parameters
    ----------
    index
        JSON file that remembers them between runs; without it, or if it is damaged, the start is only slower.
    """

    def __init__(self, index: Path) -> None:
        self._index = index
        self._facts = _read_index(index)
        self._changed = False

    def __getitem__(self, path: Path) -> FileFact:
        return self._facts[str(path.absolute())]

    def learn(self, paths: Iterable[Path]) -> None:
        """Read the files that are new or have changed since the last time."""
        stale = [path for path in dict.fromkeys(paths) if not self._is_current(path)]
        with ThreadPoolExecutor(HASHING_THREADS) as pool:
            for path, fact in zip(stale, pool.map(_look_into, stale), strict=True):
                self._facts[str(path.absolute())] = fact
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
        rows = json.dumps({path: (f.length, f.modified, f.digest, f.size) for path, f in self._facts.items()})
        content = f'{{"format": {FORMAT}, "digest": "{_digest(rows)}", "files": {rows}}}'
        replace_file(self._index, content.encode())
        self._changed = False

    def _is_current(self, path: Path) -> bool:
        fact = self._facts.get(str(path.absolute()))
        if fact is None:
            return False
        try:
            stat = path.stat()
        except OSError:
            return fact.length == -1
        return (fact.length, fact.modified) == (stat.st_size, stat.st_mtime_ns)


def _read_index(index: Path) -> dict[str, FileFact]:
    try:
        content = json.loads(index.read_text(encoding="utf-8"))
        if content["format"] != FORMAT or content["digest"] != _digest(json.dumps(content["files"])):
            return {}
        return {
            path: FileFact(length, modified, digest, tuple(size) if size else None)
            for path, (length, modified, digest, size) in content["files"].items()
        }
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return {}


def _digest(rows: str) -> str:
    return hashlib.sha256(rows.encode()).hexdigest()


def _look_into(path: Path) -> FileFact:
    try:
        stat = path.stat()
        digest = sha256_of(path)
    except OSError:
        return FileFact(-1, 0, hashlib.sha256(b"unreadable").hexdigest(), None)
    try:
        size = image_size(path) if path.suffix.lower() in IMAGE_SUFFIXES else None
    except DataError:
        size = None
    return FileFact(stat.st_size, stat.st_mtime_ns, digest, size)
