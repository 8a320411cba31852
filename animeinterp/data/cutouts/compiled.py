"""Loops over pixels as machine code."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

from numba import njit

Function = TypeVar("Function", bound=Callable[..., Any])


def compiled(function: Function) -> Function:
    """Compile a function with Numba at its first call and keep the machine code where that is possible.

    Where neither the module's folder nor the user's can be written, Numba refuses to keep it; every
    process then compiles for itself.
    """
    try:
        kept: Function = njit(cache=True, nogil=True)(function)
    except RuntimeError:
        forgotten: Function = njit(nogil=True)(function)
        return forgotten
    return kept
