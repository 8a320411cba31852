"""Shards as a bad disk leaves them."""

from __future__ import annotations

from pathlib import Path


def damage(shard: Path, array: str) -> None:
    for file in (shard / array / "c").rglob("*"):
        if file.is_file():
            file.write_bytes(b"\0" * file.stat().st_size)
