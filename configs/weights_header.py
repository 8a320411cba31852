"""What a weights file written by this program says of itself, read without the libraries of networks."""

from __future__ import annotations

import json
from functools import lru_cache
from pathlib import Path
from typing import Any

HEADER = "animeinterp"
"""Entry of a safetensors file's metadata that holds the header, as JSON: several entries would have no fixed
order, and the file no fixed digest."""
LIGHT = "light"
"""The variant of the light networks."""


def stated_variant(path: Path) -> str:
    """The variant in a file's header; empty if it has none or cannot be read."""
    try:
        return _variant(path, path.stat().st_mtime_ns)
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return ""


@lru_cache
def _variant(path: Path, changed: int) -> str:  # noqa: ARG001 - a changed file is read anew
    return str(_metadata(path)["variant"])


def _metadata(path: Path) -> dict[str, Any]:
    with path.open("rb") as file:
        length = int.from_bytes(file.read(8), "little")
        if length > path.stat().st_size:  # no safetensors file
            return {}
        header = json.loads(file.read(length))
    found: dict[str, Any] = json.loads(header["__metadata__"][HEADER])
    return found
