"""Output files and folders of a clip: temporary names beside the final ones, and errors."""

from __future__ import annotations

import errno
import os
import shutil
from pathlib import Path

from animeinterp.configs.errors import DataError
from animeinterp.configs.names import LONGEST_NAME, fitting
from animeinterp.pipeline.store.commits import sweep_unfinished, unfinished_folder

LONGEST_PREFIX = 150
"""Bytes of an output's name in that of its unfinished file, which tells machine and process, too."""


def unfinished(path: Path) -> Path:
    """Hidden name beside `path` under which its content is written."""
    return unfinished_folder(path, _prefix(path))


def prepare_place(path: Path) -> None:
    """Make the folder of `path`, and delete leftover files of its dead writers.

    Raises
    ------
    OSError
        The folder cannot be made.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    sweep_unfinished(path.parent, _prefix(path))


def _prefix(path: Path) -> str:
    return fitting(f".{path.name}", "-", LONGEST_PREFIX)


def cannot_write(path: Path, error: OSError, place: str = "output") -> DataError:
    """The error for a file that cannot be written, and of which place the user may name another."""
    try:
        free = f"; {shutil.disk_usage(path.parent).free / 1e9:.1f} GB free"
    except OSError:
        free = ""
    remedy = "name" if error.errno == errno.ENAMETOOLONG else "make room or name"
    return DataError(
        f"{path}: cannot be written ({error.strerror or error}{free}); {remedy} another "
        f"{place}, and run the same command again"
    )


def check_name(path: Path) -> None:
    """Make sure that a file system can have the name of `path`.

    Raises
    ------
    DataError
        It is too long.
    """
    length = len(os.fsencode(path.name))
    if length > LONGEST_NAME:
        raise DataError(
            f"{path}: the name has {length} bytes; file systems allow {LONGEST_NAME}; choose a shorter one"
        )


def check_folder(path: Path) -> None:
    """Make sure that a file or folder can be made at `path`, whose parents need not exist yet.

    Raises
    ------
    DataError
        It cannot.
    """
    check_name(path)
    folder = path.parent
    while not folder.exists() and folder != folder.parent:
        folder = folder.parent
    if not folder.is_dir():
        raise DataError(f"{path}: {folder} is a file, not a folder; name another output")
    if not os.access(folder, os.W_OK | os.X_OK):
        raise DataError(f"{path}: the folder {folder} cannot be written (no permission); name another output")
