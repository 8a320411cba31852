"""Compiling the loops over pixels that arrays of NumPy make awkward."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

from numba import njit

Function = TypeVar("Function", bound=Callable[..., Any])


def compiled(function: Function) -> Function:
    """Compile a function with Numba at its first call.

    Notes
    -----
    The machine code is kept beside the module or in the user's cache folder (`NUMBA_CACHE_DIR` overrides
    both). Where neither can be written, as in a read-only installation without a home folder, Numba would
    refuse to import the module; here every process then compiles for itself, which takes some seconds.
    """
    try:
        cached: Function = njit(cache=True)(function)
    except RuntimeError:
        uncached: Function = njit(function)
        return uncached
    return cached
