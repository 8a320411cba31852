"""What a weights file written by this program says of itself, read without the libraries of networks."""

from __future__ import annotations

import json
from functools import lru_cache
from pathlib import Path
from typing import Any

from animeinterp.configs.names import utf8_path

HEADER = "animeinterp"
"""Entry of a safetensors file's metadata that holds the header, as JSON: several entries would have no fixed
order, and the file no fixed digest."""
LIGHT = "light"
"""The variant of the light networks."""


def read_metadata(path: Path) -> dict[str, Any]:
    """The header of a safetensors file; empty if it was not written here.

    Raises
    ------
    SafetensorError, OSError, ValueError, TypeError
        It is no such file, or damaged.
    """
    from safetensors import safe_open

    with utf8_path(path) as readable, safe_open(readable, framework="np") as file:
        return dict(json.loads((file.metadata() or {}).get(HEADER, "{}")))


def variant_in(path: Path) -> str:
    """The variant in a file's header; empty if it has none or cannot be read."""
    from safetensors import SafetensorError

    try:
        return _variant(path, path.stat().st_mtime_ns)
    except (SafetensorError, OSError, ValueError, TypeError):
        return ""


@lru_cache
def _variant(path: Path, changed: int) -> str:  # noqa: ARG001 - a changed file is read anew
    return str(read_metadata(path).get("variant", ""))
