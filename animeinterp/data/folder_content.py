"""Lists a folder: images in order, folders, other files, and files that systems leave behind."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from animeinterp.data.images import IMAGE_SUFFIXES
from animeinterp.data.name_order import natural_order
from animeinterp.data.not_frames import is_of_system


@dataclass(frozen=True, slots=True)
class FolderContent:
    """What a folder holds. Hidden files and folders are only in `names`."""

    images: tuple[Path, ...]
    """In natural order."""
    folders: tuple[Path, ...]
    """By name; with links that lead nowhere."""
    others: tuple[str, ...]
    """Names of other files."""
    of_systems: tuple[str, ...]
    """Names that operating systems and other programs give to their own files, hidden ones included; `._*`
    for those that macOS puts beside each file."""
    names: frozenset[str]
    """All names."""


def is_image(path: Path) -> bool:
    """Whether a file is an image, by its suffix."""
    return path.suffix.lower() in IMAGE_SUFFIXES


def list_folder(folder: Path) -> FolderContent:
    """List a folder.

    Raises
    ------
    OSError
        The folder cannot be read.
    """
    images, folders, others = [], [], []
    of_systems, names = set(), set()
    with os.scandir(folder) as entries:
        for entry in entries:
            names.add(entry.name)
            path, kind = folder / entry.name, _kind(entry)
            if is_of_system(entry.name):
                of_systems.add("._*" if entry.name.startswith("._") else entry.name)
            elif entry.name.startswith("."):
                continue
            elif is_image(path) and kind in ("file", "broken link"):
                images.append(path)
            elif kind in ("folder", "broken link"):
                folders.append(path)
            else:
                others.append(entry.name)
    return FolderContent(
        tuple(sorted(images, key=lambda path: natural_order(path.name))),
        tuple(sorted(folders)),
        tuple(sorted(others)),
        tuple(sorted(of_systems)),
        frozenset(names),
    )


def _kind(entry: os.DirEntry[str]) -> Literal["file", "folder", "broken link", "other"]:
    try:
        if entry.is_dir():
            return "folder"
        if entry.is_file():
            return "file"
    except OSError:  # links in a circle
        return "broken link"
    return "broken link" if entry.is_symlink() else "other"
