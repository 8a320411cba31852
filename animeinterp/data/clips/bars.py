"""Black bars: rows and columns along the edges that are black in every frame."""

from __future__ import annotations

import cv2
import numpy as np
import numpy.typing as npt

from animeinterp.data.images import Frame

Bars = tuple[int, int, int, int]

BLACK_MEAN = 20.0
"""Grey levels up to which the mean of a black row or column lies: black of limited range is 16."""
BLACK_MOST = 44.0
"""The lightest pixel in a bar: compression lets the picture ring into the bar."""
MOST_OF_SIDE = 0.45
"""Share of height or width from which a bar counts as a dark part of the picture."""


class BarFinder:
    """Finds rows and columns that are black in all frames; all-black frames are ignored."""

    def __init__(self) -> None:
        self._black: list[npt.NDArray[np.bool_]] | None = None

    def add(self, frame: Frame) -> None:
        """Add a frame, RGB uint8 (H, W, 3)."""
        gray = cv2.cvtColor(frame, cv2.COLOR_RGB2GRAY)
        if self._black is None or [len(line) for line in self._black] != list(gray.shape):
            self._black = [np.ones(length, np.bool_) for length in gray.shape]
        for axis, black in enumerate(self._black):
            mean = cv2.reduce(gray, 1 - axis, cv2.REDUCE_AVG, dtype=cv2.CV_32F).ravel()
            most = cv2.reduce(gray, 1 - axis, cv2.REDUCE_MAX).ravel()
            black &= (mean <= BLACK_MEAN) & (most <= BLACK_MOST)

    def bars(self) -> Bars:
        """Rows above and below, columns left and right; none on a side where they would be too many."""
        if self._black is None:
            return (0, 0, 0, 0)
        lengths = [length for black in self._black for length in (_run(black), _run(black[::-1]))]
        sides = [len(black) for black in self._black for _ in range(2)]
        kept = [n if n <= MOST_OF_SIDE * side else 0 for n, side in zip(lengths, sides, strict=True)]
        return kept[0], kept[1], kept[2], kept[3]


def _run(black: npt.NDArray[np.bool_]) -> int:
    """How many are black from the start."""
    return len(black) if black.all() else int(np.argmin(black))
