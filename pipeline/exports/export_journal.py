"""What was exported where: so that a second export writes only what is missing or out of date."""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from configs.errors import CacheError
from pipeline.store.fingerprints import canonical_digest

FOLDER = "exports"  # in the cache
LISTED = 3  # names of other files in a message

FileStates = Mapping[str, tuple[int, int]]
"""Length and modification time (ns) of each file of a folder."""


@dataclass(frozen=True, slots=True)
class ExportedFolder:
    """A folder as an export left it."""

    source: str
    """Digest of everything that its files were made from."""
    files: FileStates


class ExportRecord:
    """What was exported into one folder, pair by pair; kept in the cache, as the folder holds pairs only.

    Lines of JSON are appended as folders are finished, so that a killed export loses none of them. A pair
    has a line before its folder is written too: folders without any are not of our making.

    Parameters
    ----------
    cache
        The cache's folder.
    root
        Folder of the exported folders, absolute.
    """

    def __init__(self, cache: Path, root: Path) -> None:
        self.root = root
        self._path = cache / FOLDER / f"{canonical_digest(str(root))}.jsonl"
        self._folders: dict[str, ExportedFolder | None] = {}
        for line in self._lines():
            self._take(line)

    def owns(self, pair_id: str) -> bool:
        """Whether an export has begun, at least, to write the pair's folder."""
        return pair_id in self._folders

    def is_current(self, pair_id: str, source: str) -> bool:
        """Whether the pair's folder is as an export from this source left it."""
        folder = self._folders.get(pair_id)
        return (
            folder is not None
            and folder.source == source
            and folder.files == file_states(self.root / pair_id, folder.files)
        )

    def begin(self, pair_ids: Iterable[str]) -> None:
        """Note, safely on disk, that the folders of these pairs are about to be written."""
        self._append([{"id": pair_id} for pair_id in pair_ids if not self.owns(pair_id)], sync=True)

    def finish(self, pair_id: str, source: str, files: FileStates) -> None:
        """Note that a pair's folder is there."""
        self._append([{"id": pair_id, "source": source, "files": {k: list(v) for k, v in files.items()}}])

    def _lines(self) -> list[str]:
        try:
            return self._path.read_text(encoding="utf-8", errors="replace").splitlines()
        except OSError:
            return []

    def _take(self, line: str) -> None:
        try:
            content = json.loads(line)
            files = {name: (size, modified) for name, (size, modified) in content.get("files", {}).items()}
            source = content.get("source")
            self._folders[content["id"]] = ExportedFolder(source, files) if source else None
        except (ValueError, KeyError, TypeError, AttributeError):
            return  # the first line names the folder, the last one may be torn

    def _append(self, entries: Sequence[dict[str, Any]], *, sync: bool = False) -> None:
        if not entries:
            return
        lines = [json.dumps(entry) for entry in entries]
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            with self._path.open("a+b") as file:
                if file.tell() == 0:
                    lines.insert(0, json.dumps({"folder": str(self.root)}))
                else:
                    file.seek(-1, os.SEEK_END)
                    if file.read(1) != b"\n":
                        lines.insert(0, "")  # after a torn line
                file.write("".join(f"{line}\n" for line in lines).encode())
                file.flush()
                if sync:
                    os.fsync(file.fileno())
        except OSError as error:
            raise CacheError(
                f"{self._path}: cannot be written ({error.strerror}); it keeps note of what was exported: "
                "make the cache writable, or make room"
            ) from None
        for line in lines:
            self._take(line)


def file_states(folder: Path, names: Iterable[str]) -> FileStates:
    """Length and modification time of those of the files that are there."""
    states = {}
    for name in names:
        try:
            stat = (folder / name).stat()
        except OSError:
            continue
        states[name] = (stat.st_size, stat.st_mtime_ns)
    return states


def foreign_content(folder: Path, names: Iterable[str]) -> str | None:
    """Why a folder is not one that an export may write or replace; None when it may."""
    try:
        if folder.is_symlink():
            return "is a link"
        others = sorted({entry.name for entry in folder.iterdir()} - set(names))
    except FileNotFoundError:
        return None
    except NotADirectoryError:
        return "is a file" if folder.exists() else None
    except OSError as error:
        return f"cannot be listed ({error.strerror})"
    if not others:
        return None
    more = ", ..." if len(others) > LISTED else ""
    return f"holds other files ({', '.join(others[:LISTED])}{more})"
