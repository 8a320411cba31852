"""Finds files by patterns: `*`, `?` and `[...]` as in shells, `%04d` as in FFmpeg."""

from __future__ import annotations

import os
import re
from fnmatch import fnmatchcase
from glob import has_magic
from pathlib import Path

from data.name_order import path_order

NUMBER = re.compile(r"%(?:0(\d+))?d")
"""Placeholder of a number: `%d`, or `%04d` for at least four digits."""


def is_pattern(path: Path) -> bool:
    """Whether the part of a path that does not exist literally has wildcards or a placeholder."""
    missing = [path]
    while not os.path.lexists(missing[-1].parent):
        missing.append(missing[-1].parent)
    return any(has_magic(part.name) or NUMBER.search(part.name) for part in missing)


def matches(pattern: Path) -> list[Path]:
    """Files and folders that match a pattern, in natural order.

    A part of the pattern that exists is taken literally, such as a folder called `[Group] show`. Wildcards do
    not match hidden names.
    """
    found = [Path(pattern.anchor)]
    for part in pattern.relative_to(pattern.anchor).parts:
        found = [hit for folder in found for hit in _fitting(folder, part)]
    return sorted(found, key=path_order)


def _fitting(folder: Path, part: str) -> list[Path]:
    if part == ".." or os.path.lexists(folder / part):
        return [folder / part]
    number = NUMBER.search(part)
    if number is not None:
        before, after = (re.escape(part[: number.start()]), re.escape(part[number.end() :]))
        like = re.compile(f"{before}[0-9]{{{int(number[1] or 1)},}}{after}")
        return [folder / name for name in _names(folder) if like.fullmatch(name)]
    return [
        folder / name
        for name in _names(folder)
        if fnmatchcase(name, part) and (part.startswith(".") or not name.startswith("."))
    ]


def _names(folder: Path) -> list[str]:
    try:
        return [path.name for path in folder.iterdir()]
    except OSError:
        return []
