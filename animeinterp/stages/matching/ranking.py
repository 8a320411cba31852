"""Ranks of candidates: 0 for the one with the greatest affinity, 1 for the next."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from animeinterp.models.compiled import compiled


def rank_rows(affinity: NDArray[np.float32]) -> NDArray[Any]:
    """Rank the entries of each row.

    Parameters
    ----------
    affinity : (n, m) float32
        Finite, without -0.

    Returns
    -------
    (n, m) uint16, or uint32 where a row is too long for it
        The rank of each entry in its row, 0 = greatest; the first of equal ones comes first.
    """
    entries = _entries(np.ascontiguousarray(affinity).view(np.int32))
    entries.sort(axis=1)
    ranks = np.empty(affinity.shape, rank_type(affinity.shape[1]))
    _number(entries, ranks)
    return ranks


def rank_type(count: int) -> type[np.uint16] | type[np.uint32]:
    """The type that holds the ranks of `count` candidates."""
    return np.uint16 if count <= 1 << 16 else np.uint32


@compiled
def _entries(bits: NDArray[np.int32]) -> NDArray[np.uint64]:
    """Affinities, given as their bits, as integers that are all different and sort in the order of ranks.

    The upper half decreases as the affinity increases, the lower half is the place in the row. Read as
    integers, the bits of positive floats increase with the float, so they are inverted. Those of negative
    floats, read without a sign, are greater than all of these and already decrease.
    """
    entries = np.empty(bits.shape, np.uint64)
    for i in range(len(bits)):
        for j in range(bits.shape[1]):
            falling = np.uint32(bits[i, j] if bits[i, j] < 0 else bits[i, j] ^ np.int32(0x7FFFFFFF))
            entries[i, j] = (np.uint64(falling) << np.uint64(32)) | np.uint64(j)
    return entries


@compiled
def _number(entries: NDArray[np.uint64], ranks: NDArray[Any]) -> None:
    """Write the rank of each sorted entry to its place in the row."""
    for i in range(len(entries)):
        for rank in range(entries.shape[1]):
            ranks[i, np.uint32(entries[i, rank])] = rank
