"""Compiling the loops that arrays of NumPy and Torch make awkward, and sharing them out among threads."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise
from typing import Any, TypeVar

import torch
from numba import njit

Function = TypeVar("Function", bound=Callable[..., Any])

REASSOCIATE = {"reassoc", "contract", "nsz"}
"""What lets a sum be vectorised: its terms may be added in another order, the same in every run."""


def compiled(function: Function) -> Function:
    """Compile a function with Numba at its first call; other Python threads go on while it works.

    Notes
    -----
    The machine code is kept beside the module or in the user's cache folder (`NUMBA_CACHE_DIR` overrides
    both). Where neither can be written, as in a read-only installation without a home folder, Numba would
    refuse to import the module; here every process then compiles for itself, which takes some seconds.
    """
    return _compile(function)


def compiled_sum(function: Function) -> Function:
    """As `compiled`, for dot products: the order of additions is the compiler's choice."""
    return _compile(function, fastmath=REASSOCIATE)


def in_bands(work: Callable[..., None], count: int, *arguments: Any) -> None:
    """Call `work(*arguments, start, stop)` on parts of `range(count)`, one for each of Torch's threads.

    `work` must write to places of its own in each part, so that the number of threads changes nothing.
    """
    parts = min(torch.get_num_threads(), count)
    if parts <= 1:
        work(*arguments, 0, count)
        return
    borders = [count * part // parts for part in range(parts + 1)]
    with ThreadPoolExecutor(parts) as threads:
        for done in [threads.submit(work, *arguments, *band) for band in pairwise(borders)]:
            done.result()


def _compile(function: Function, **options: Any) -> Function:
    try:
        cached: Function = njit(cache=True, nogil=True, **options)(function)
    except RuntimeError:
        uncached: Function = njit(nogil=True, **options)(function)
        return uncached
    return cached
