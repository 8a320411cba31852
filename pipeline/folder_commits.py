"""Folders that others see whole or not at all: written under another name, flushed to disk, renamed."""

from __future__ import annotations

import errno
import os
import platform
import re
import shutil
import time
import uuid
from contextlib import suppress
from pathlib import Path

WIP_PREFIX = "wip-"
HIDDEN_WIP_PREFIX = ".wip-"  # in folders that others list
ABANDONED_AFTER = 24 * 3600.0  # seconds; the slowest folder is written within minutes


def unfinished_folder(path: Path, prefix: str = WIP_PREFIX) -> Path:
    """Name beside `path` under which its content is to be written; it tells the process that does."""
    return path.with_name(f"{prefix}{platform.node()}-{os.getpid()}-{uuid.uuid4().hex[:12]}")


def sync_tree(folder: Path) -> int:
    """Flush every file and folder to disk; return the bytes in them."""
    size = 0
    for directory, _, files in os.walk(folder):
        for name in files:
            size += _sync(Path(directory, name))
        _sync(Path(directory))
    return size


def _sync(path: Path) -> int:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
        return os.fstat(descriptor).st_size
    finally:
        os.close(descriptor)


def commit_folder(unfinished: Path, path: Path) -> None:
    """Give a finished folder its name; one that has it is replaced.

    Raises
    ------
    OSError
        No permission, or a file has the name.
    """
    aside = path.with_name(f"{unfinished.name}-replaced")
    while True:
        try:
            unfinished.rename(path)
            break
        except OSError as error:
            if error.errno not in (errno.ENOTEMPTY, errno.EEXIST):
                raise
            # A folder with content cannot be renamed over: an earlier result, or another writer's, goes.
            with suppress(FileNotFoundError):  # that other writer may be at this very point
                path.rename(aside)
            shutil.rmtree(aside, ignore_errors=True)
    _sync(path.parent)


def sweep_unfinished(folder: Path, prefix: str = WIP_PREFIX) -> int:
    """Delete what writers that died have left in a folder; return how many.

    A left-over goes when its owner was a process of this machine that is no more, or when nothing has
    changed in it for a day. What has no name of `unfinished_folder`'s making is left alone.
    """
    swept = 0
    for left_over in folder.glob(f"{prefix}*"):
        owner = re.fullmatch(rf"{re.escape(prefix)}(.+)-(\d+)-[0-9a-f]{{12}}(-replaced)?", left_over.name)
        if owner is None:
            continue
        try:
            orphan = owner[1] == platform.node() and not _is_alive(int(owner[2]))
            if orphan or time.time() - left_over.stat().st_mtime > ABANDONED_AFTER:
                shutil.rmtree(left_over)
                swept += 1
        except OSError:
            continue  # another process sweeps too
    return swept


def _is_alive(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True  # somebody else's
    return True
