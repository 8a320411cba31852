"""Records of exports, so that a repeated export writes only what is missing or out of date.

One line per pair is appended. It tells that a folder is current without making its files again, and that it
may be replaced. Rewriting a whole file for each of 12,000 pairs would write gigabytes.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from animeinterp.configs.errors import CacheError
from animeinterp.configs.files import json_lines
from animeinterp.configs.names import name_of
from animeinterp.pipeline.store.fingerprints import canonical_digest

FOLDER = "exports"  # in the cache
LISTED = 3  # names of other files in a message

FileStates = Mapping[str, tuple[int, int]]
"""Length and modification time (ns) of each file of a folder."""


class ExportRecord:
    """Record of an export into one folder, pair by pair.

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
        self._folders: dict[str, tuple[str, FileStates]] = {}
        for line in json_lines(self._path):
            self._take(line)

    def owns(self, pair_id: str) -> bool:
        """Whether an export has written the pair's folder."""
        return pair_id in self._folders

    def is_current(self, pair_id: str, source: str) -> bool:
        """Whether the pair's folder is unchanged since an export from this source, given by a digest."""
        known, files = self._folders.get(pair_id, ("", {}))
        return known == source and files == file_states(self.root / name_of(pair_id), files)

    def finish(self, pair_id: str, source: str, files: FileStates) -> None:
        """Record that a pair's folder is written.

        Raises
        ------
        CacheError
            The cache cannot be written.
        """
        line = {"id": pair_id, "source": source, "files": files}
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            with self._path.open("a", encoding="utf-8") as file:
                if file.tell() == 0:
                    file.write(json.dumps({"folder": str(self.root)}))
                file.write(f"\n{json.dumps(line)}")  # a kill may have truncated the line before
        except OSError as error:
            raise CacheError(
                f"{self._path}: cannot be written ({error.strerror}); it records what was exported: "
                "make the cache writable, or make room"
            ) from None
        self._take(line)

    def _take(self, line: Mapping[str, Any]) -> None:
        with suppress(ValueError, KeyError, TypeError, AttributeError):  # the first line, or a damaged one
            files = {name: (size, modified) for name, (size, modified) in line.get("files", {}).items()}
            self._folders[line["id"]] = line.get("source", ""), files


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
    """Why an export must not write or replace a folder; None if it may."""
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
