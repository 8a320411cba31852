"""Disks in memory that tests mount."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def mounted(folder: Path, options: str) -> Iterator[None]:
    """A disk in place of a folder."""
    _mount(folder, options)
    try:
        yield
    finally:
        subprocess.run(["umount", "--lazy", str(folder)], check=True)


def remount(folder: Path, option: str) -> None:
    """Change an option of such a disk."""
    _mount(folder, f"remount,{option}")


def _mount(folder: Path, options: str) -> None:
    # With the device named, mount adds no options of its own, which a user namespace may not set.
    subprocess.run(["mount", "-t", "tmpfs", "-o", options, "tmpfs", str(folder)], check=True)
