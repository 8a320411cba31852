"""The index of `store.results`, by which later runs and checks find what is missing, damaged or out of date.

`<results>/.written.json` has for each file what it was made from, its digest and its state.
"""

from __future__ import annotations

import json
from dataclasses import astuple, dataclass, replace
from pathlib import Path

from animeinterp.configs.files import FileState, file_state, replace_file, sha256_of

INDEX_NAME = ".written.json"
SCORES_CSV, SCORES_PARQUET = "scores.csv", "scores.parquet"
FORMAT = 2  # before, it was a table of pairs, and nothing was known of their files

MISSING, OTHER = "is missing", "its digest differs"


@dataclass(frozen=True, slots=True)
class WrittenFile:
    """A file as it was written."""

    source: str
    """What it was made from."""
    digest: str
    """SHA-256 of its content."""
    state: FileState


class WrittenResults:
    """The index of a folder of results; a missing or damaged one has no files.

    Parameters
    ----------
    root
        The folder.
    """

    def __init__(self, root: Path) -> None:
        self.root = root
        self._files: dict[str, WrittenFile] = {}
        self._former: set[str] = set()  # pairs of an index of version 0.1
        self.knows_files = False
        """Whether there is an index that lists every file written."""
        try:
            content = json.loads((root / INDEX_NAME).read_text(encoding="utf-8"))
            if content.get("format") == FORMAT:
                self.knows_files = True
                for name, (source, digest, state) in content["files"].items():
                    length, modified, changed, inode = state
                    self._files[name] = WrittenFile(source, digest, (length, modified, changed, inode))
            elif "format" not in content:
                self._former = set(content)
        except (OSError, ValueError, KeyError, TypeError, AttributeError):
            return

    @property
    def names(self) -> list[str]:
        """Files, by their path in the folder."""
        return sorted(self._files)

    def is_current(self, name: str, source: str, *, contents: bool = False) -> bool:
        """Whether a file was made from this and is as it was written.

        Parameters
        ----------
        name, source
            Its path in the folder, and what it is to be made from.
        contents
            Whether to read it even if its state has not changed.
        """
        found = self._files.get(name)
        return found is not None and found.source == source and not self.trouble(name, contents=contents)

    def trouble(self, name: str, *, contents: bool = False) -> str:
        """What is wrong with a file that was written; empty if nothing is."""
        found, path = self._files[name], self.root / name
        try:
            state = file_state(path)
            if state == found.state and not contents:
                return ""
            if sha256_of(path) != found.digest:
                return OTHER
        except FileNotFoundError:
            return MISSING
        except OSError as error:
            return error.strerror or str(error)
        self._files[name] = replace(found, state=state)
        return ""

    def note(self, name: str, source: str, digest: str) -> None:
        """Note that a file has been written.

        Raises
        ------
        OSError
            It is not there.
        """
        self._files[name] = WrittenFile(source, digest, file_state(self.root / name))

    def forget(self, name: str) -> None:
        """Let a file be written again."""
        self._files.pop(name, None)

    @property
    def folders(self) -> set[str]:
        """Folders of pairs that have files."""
        return {name.partition("/")[0] for name in self._files if "/" in name} | self._former

    @property
    def is_empty(self) -> bool:
        """Whether nothing has been written."""
        return not self._files and not self._former

    def files_in(self, folder: str) -> list[str]:
        """Files of a pair's folder, by their path in the root."""
        return [name for name in self.names if name.startswith(f"{folder}/")]

    def forget_folder(self, folder: str) -> bool:
        """Forget all files of a pair's folder; whether there were any."""
        gone = self.files_in(folder)
        for name in gone:
            del self._files[name]
        known = folder in self._former or bool(gone)
        self._former.discard(folder)
        return known

    def save(self) -> None:
        """Write the index.

        Raises
        ------
        OSError
            The folder cannot be written.
        """
        files = {name: astuple(self._files[name]) for name in self.names}
        content = json.dumps({"format": FORMAT, "files": files}, indent=0)
        replace_file(self.root / INDEX_NAME, content.encode(), flush=True)
