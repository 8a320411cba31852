"""Atomic files, and digests of files."""

from __future__ import annotations

import errno
import hashlib
import json
import os
import platform
import uuid
from contextlib import suppress
from pathlib import Path
from typing import Any

HIDDEN_PREFIX = ".wip-"
"""Prefix of the names of files that are being written."""

FOLDER_EXPECTED = {errno.EEXIST, errno.ENOTDIR}
FILE_EXPECTED = {errno.EISDIR, errno.EEXIST, errno.ENOTEMPTY}

FileState = tuple[int, int, int, int]
"""Length, modification time, time of change (ns), inode: one of them changes whenever a file does, even where
its modification time is set back."""


def writer_tag() -> str:
    """Host, process and a number, which distinguish an active writer from a dead one with leftover files."""
    return f"{platform.node()}-{os.getpid()}-{uuid.uuid4().hex[:12]}"


def replace_file(path: Path, content: bytes, *, flush: bool = False) -> None:
    """Write a file atomically, making its folder; with `flush` it is on disk when this returns.

    Raises
    ------
    OSError
        No permission, disk full; an existing file is unchanged.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    unfinished = path.with_name(f"{HIDDEN_PREFIX}{writer_tag()}")
    try:
        with unfinished.open("wb") as file:
            file.write(content)
            if flush:
                file.flush()
                os.fsync(file.fileno())
        unfinished.replace(path)
    finally:
        unfinished.unlink(missing_ok=True)
    if flush:
        sync(path.parent)


def sync(path: Path) -> int:
    """Flush a file or folder to disk; return its bytes."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
        return os.fstat(descriptor).st_size
    finally:
        os.close(descriptor)


def json_lines(path: Path) -> list[dict[str, Any]]:
    """The objects in a file of one JSON object per line; lines that a kill has truncated are left out."""
    found = []
    with suppress(OSError):
        for line in path.read_text(encoding="utf-8", errors="replace").split("\n"):
            with suppress(ValueError, TypeError):
                found.append(dict(json.loads(line)))
    return found


def sha256_of(path: Path) -> str:
    """SHA-256 of a file, in hexadecimal.

    Raises
    ------
    OSError
        It cannot be read.
    """
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def file_state(path: Path) -> FileState:
    """State of a file, without reading it.

    Raises
    ------
    OSError
        There is none, or its folder cannot be read.
    """
    stat = path.stat()
    return stat.st_size, stat.st_mtime_ns, stat.st_ctime_ns, stat.st_ino


def obstacle(error: OSError) -> str:
    """Why a file or folder could not be written: what is in its way, by name, or else the system's reason."""
    path = Path(error.filename2 or error.filename or "")
    for place in (*reversed(path.parents), path):
        if (
            os.path.lexists(place)
            and not place.is_dir()
            and (place != path or error.errno in FOLDER_EXPECTED)
        ):
            kind = "a file" if place.exists() else "a dangling link"
            return f"{place} is {kind} where a folder belongs: move it away"
    if error.errno in FILE_EXPECTED and path.is_dir():
        return f"{path} is a folder where a file belongs: move it away"
    return error.strerror or str(error)
