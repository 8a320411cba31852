"""Finds files by patterns: `*`, `?` and `[...]` as in shells, `%04d` as in FFmpeg, `####` as in Nuke."""

from __future__ import annotations

import os
import re
from collections.abc import Sequence
from fnmatch import fnmatchcase
from glob import has_magic
from pathlib import Path

from animeinterp.data.name_order import path_order

NUMBER = re.compile(r"%(?:0(\d+))?d|(#{2,})")
"""Placeholder of a number: `%d`, or `%04d` or `####` for at least four digits."""
LAST_NUMBER = re.compile(r"(.*?)(\d+)(\D*)", re.DOTALL)
RANGE = re.compile(r"(\d+)-(\d+)(?:x([1-9]\d*))?")
"""First and last number, and perhaps the step: `1001-1048`, `1001-1048x2`."""


def numbered(pattern: str, number: int) -> str:
    """A name with a number in place of its placeholder."""
    return NUMBER.sub(lambda found: f"{number:0{_digits(found)}d}", pattern)


def frame_numbers(paths: Sequence[Path]) -> list[int]:
    """The last number in each name; none at all if the names differ in more than it."""
    found = [LAST_NUMBER.fullmatch(path.name) for path in paths]
    parts = [(match[1], match[3], int(match[2])) for match in found if match is not None]
    alike = len(parts) == len(paths) and len({(before, after) for before, after, _ in parts}) == 1
    return [number for _, _, number in parts] if alike else []


def numbers_in(wanted: str) -> range:
    """Numbers of a `RANGE`, which the text must be."""
    first, last, step = re.fullmatch(RANGE, wanted).groups()  # type: ignore[union-attr]
    return range(int(first), int(last) + 1, int(step or 1))


def _digits(found: re.Match[str]) -> int:
    return len(found[2]) if found[2] else int(found[1] or 1)


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
        like = re.compile(f"{before}[0-9]{{{_digits(number)},}}{after}")
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
