"""Versions of the libraries that results depend on."""

from __future__ import annotations

import platform
from functools import cache
from importlib.metadata import version

RECORDED_LIBRARIES = (
    "animeinterp",
    "numpy",
    "opencv-python-headless",
    "torch",
    "numba",
    "zarr",
)


@cache
def library_versions() -> dict[str, str]:
    """Versions of Python and of the libraries that results depend on."""
    return {"python": platform.python_version(), **{name: version(name) for name in RECORDED_LIBRARIES}}
