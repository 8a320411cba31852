"""Atomic files and folders: written under another name, flushed, renamed."""

from __future__ import annotations

import errno
import fcntl
import os
import platform
import re
import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from glob import escape
from pathlib import Path

from animeinterp.configs.files import HIDDEN_PREFIX, writer_tag
from animeinterp.configs.files import sync as sync
from animeinterp.configs.names import LONGEST_NAME

WIP_PREFIX = "wip-"
HIDDEN_WIP_PREFIX = HIDDEN_PREFIX  # in folders that other programs list
REPLACED = "-replaced-"  # between the name of the new folder and that of the old one
ASIDE = "aside-"  # prefix of the names of what was in the way of a folder
ABANDONED_AFTER = 24 * 3600.0  # seconds; the slowest folder is written within minutes


def unfinished_folder(path: Path, prefix: str = WIP_PREFIX) -> Path:
    """Name beside `path` under which to write its content; it identifies the writing process."""
    return path.with_name(f"{prefix}{writer_tag()}")


def sync_tree(folder: Path) -> int:
    """Flush every file and folder to disk; return the bytes in them."""
    size = 0
    for directory, _, files in os.walk(folder):
        for name in files:
            size += sync(Path(directory, name))
        sync(Path(directory))
    return size


def modified(path: Path) -> float:
    """When a file or folder was last written, seconds since the epoch; 0 if it is missing."""
    try:
        return path.stat().st_mtime
    except OSError:
        return 0.0


@contextmanager
def locked(folder: Path) -> Iterator[None]:
    """Make other processes that lock the same folder wait, if its file system supports locks.

    Without locks, of two processes that commit at the same moment one may lose its results, which are then
    computed again; nothing is ever half written.
    """
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        with suppress(OSError):
            fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


def commit_folder(unfinished: Path, path: Path) -> None:
    """Give a finished folder its final name, replacing an existing folder.

    Raises
    ------
    OSError
        No permission, or a file has the name.

    Notes
    -----
    A folder with content cannot be renamed over, so the earlier one is first renamed to a name that includes
    its own: if the process dies before the new one is there, `restore_replaced` restores it. If that name is
    too long, it is moved to a folder.
    """
    aside = path.with_name(f"{unfinished.name}{REPLACED}{path.name}")
    if len(os.fsencode(aside.name)) > LONGEST_NAME:
        aside = path.with_name(f"{unfinished.name}{REPLACED}") / path.name
        aside.parent.mkdir(exist_ok=True)
    while True:
        try:
            unfinished.rename(path)
            break
        except OSError as error:
            if error.errno not in (errno.ENOTEMPTY, errno.EEXIST):
                raise
            with suppress(FileNotFoundError):  # another writer may be at this point too
                path.rename(aside)
    sync(path.parent)
    with suppress(OSError):  # nothing was replaced
        # Under this name nobody restores it, should this process die before all of it is deleted.
        (aside if aside.parent == path.parent else aside.parent).rename(unfinished)
        shutil.rmtree(unfinished, ignore_errors=True)


def put_aside(path: Path) -> None:
    """Rename a file or a dangling link that is in the way of a folder; it is not deleted.

    Raises
    ------
    OSError
        It cannot be renamed.
    """
    if os.path.lexists(path) and not path.is_dir():
        path.rename(path.with_name(f"{ASIDE}{writer_tag()}-{path.name}"))


def restore_replaced(folder: Path, prefix: str = WIP_PREFIX) -> None:
    """Restore folders that writers which died in `commit_folder` had renamed, if nothing has their name."""
    for aside in folder.glob(f"{escape(prefix)}*{REPLACED}*"):
        with suppress(OSError):  # its writer is alive and has finished, or the folder is read-only
            name = aside.name.partition(REPLACED)[2]
            for old in (aside,) if name else aside.iterdir():
                path = folder / (name or old.name)
                if not path.exists():
                    old.rename(path)


def unfinished_in(folder: Path, prefix: str = WIP_PREFIX) -> list[Path]:
    """Unfinished folders of active or dead writers in a folder, and unfinished files of `replace_file`."""
    return sorted({*folder.glob(f"{escape(prefix)}*"), *folder.glob(f"{HIDDEN_WIP_PREFIX}*")})


def sweep_unfinished(folder: Path, prefix: str = WIP_PREFIX) -> int:
    """Delete leftover files of dead writers in a folder; return how many."""
    restore_replaced(folder, prefix)
    swept = 0
    for left_over in unfinished_in(folder, prefix):
        try:
            if is_abandoned(left_over, prefix):
                delete(left_over)
                swept += 1
        except OSError:
            continue  # another process sweeps too
    return swept


def delete(path: Path) -> None:
    """Delete a file, or a folder with its content.

    Raises
    ------
    OSError
        It cannot be deleted, or does not exist.
    """
    if path.is_dir():
        shutil.rmtree(path)
    else:
        path.unlink()


def is_abandoned(unfinished: Path, prefix: str = WIP_PREFIX) -> bool:
    """Whether the writer of an unfinished folder has died.

    It has if it was a process of this machine that no longer exists, or if nothing in the folder has changed
    for a day. Names that `unfinished_folder` did not make are left alone.

    Raises
    ------
    OSError
        It no longer exists.
    """
    owner = re.fullmatch(
        rf"({re.escape(prefix)}|{re.escape(HIDDEN_WIP_PREFIX)})(.+)-(\d+)-[0-9a-f]{{12}}({re.escape(REPLACED)}.*)?",
        unfinished.name,
        re.DOTALL,
    )
    if owner is None:
        return False
    orphan = owner[2] == platform.node() and not _is_alive(int(owner[3]))
    return orphan or time.time() - unfinished.stat().st_mtime > ABANDONED_AFTER


def _is_alive(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True  # not ours
    return True
