"""Why pieces move or stay; a file of its own, as readers of results need these names and nothing else."""

from __future__ import annotations

from enum import IntEnum


class PieceFate(IntEnum):
    """Why a piece moves or stays; of several reasons to stay the first in this order."""

    MOVED = 0
    NOT_MUTUAL = 1
    """The rank sum of its match is too high."""
    TOO_FAR = 2
    """Its match is too far away."""
    TOO_SMALL = 3
    TOO_LARGE = 4
    AREA_RATIO = 5
    """Its match is much larger or smaller."""
    NO_OVERLAP = 6
    """Moved by the flow found, it does not cover its match."""
