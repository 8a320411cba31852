"""Files that others see whole or not at all, and what a file's content is known by."""

from __future__ import annotations

import hashlib
import os
import platform
import uuid
from pathlib import Path

HIDDEN_PREFIX = ".wip-"
"""Begins the names of files that are being written."""


def writer_tag() -> str:
    """Host, process and a number: what tells a writer at work from one that died and left its files."""
    return f"{platform.node()}-{os.getpid()}-{uuid.uuid4().hex[:12]}"


def replace_file(path: Path, content: bytes, *, flush: bool = False) -> None:
    """Write a file whole or not at all, making its folder; with `flush` it is on disk when this returns.

    Raises
    ------
    OSError
        No permission, disk full; a file that was there stays as it was.
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


def sha256_of(path: Path) -> str:
    """SHA-256 of a file, in hexadecimal.

    Raises
    ------
    OSError
        It cannot be read.
    """
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
