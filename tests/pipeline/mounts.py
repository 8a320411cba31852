"""Disks that tests mount."""

from __future__ import annotations

import subprocess
from pathlib import Path


def remount(folder: Path, option: str) -> None:
    subprocess.run(["mount", "-o", f"remount,{option}", str(folder)], check=True)
