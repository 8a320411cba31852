"""Similarity of two drawings: low across a cut, high if things or the camera move."""

from __future__ import annotations

import cv2
import numpy as np
import numpy.typing as npt

from animeinterp.data.clips.sketch import Sketch

ROWS = 27
"""Rows of the picture in which patches are searched: coarse, since drawings need only agree roughly."""
PATCH = 6
"""Cells along a patch's side."""
REACH = (0.2, 0.35)
"""Search range of a patch, as a share of height and width: the camera may pan, and figures move far between
drawings on threes."""
NOT_FOUND = 30.0
"""Root mean square of the difference, grey levels over all planes, from which a patch is not found at all."""
COLORS = 8
"""Steps of each plane in the histogram of colours."""
UNLIKE_FROM = 4.0
"""Mean difference in grey levels below which two sketches show the same, and need no closer look."""


def unlikeness(first: Sketch, second: Sketch) -> float:
    """Dissimilarity of two drawings: 0 = the same, 1 = nothing in common.

    Two thirds are the patches of each that are not found nearby in the other; one third is the share of the
    picture whose colours the other lacks.

    Notes
    -----
    Patches may move independently, so pans, zooms and figures that move far keep most of them. Colours alone
    would miss cuts within a place; patches alone lack texture in skies and walls.
    """
    a, b = (_thumbnail(sketch) for sketch in (first, second))
    if float(np.abs(a - b).mean()) < UNLIKE_FROM:
        return 0.0
    missing = (_not_found(a, b) + _not_found(b, a)) / 2
    foreign = float(np.abs(_colors(a) - _colors(b)).sum()) / 2
    return (2 * missing + foreign) / 3


def _thumbnail(sketch: Sketch) -> Sketch:
    height, width = sketch.shape[:2]
    rows = min(ROWS, height)
    size = (max(PATCH, round(width * rows / height)), max(PATCH, rows))
    return np.asarray(cv2.resize(sketch[:, :, :3], size, interpolation=cv2.INTER_AREA), np.float32)


def _not_found(source: Sketch, target: Sketch) -> float:
    height, width = source.shape[:2]
    up, left = (int(reach * length) for reach, length in zip(REACH, (height, width), strict=True))
    missing = []
    for y in range(0, height - PATCH + 1, PATCH):
        for x in range(0, width - PATCH + 1, PATCH):
            window = target[max(0, y - up) : y + PATCH + up, max(0, x - left) : x + PATCH + left]
            errors = cv2.matchTemplate(window, source[y : y + PATCH, x : x + PATCH], cv2.TM_SQDIFF)
            missing.append(np.sqrt(max(float(errors.min()), 0.0)) / PATCH)
    return float(np.clip(np.array(missing) / NOT_FOUND, 0, 1).mean())


def _colors(thumbnail: Sketch) -> npt.NDArray[np.float64]:
    steps = np.clip(thumbnail * (COLORS / 256), 0, COLORS - 1).astype(np.int64)
    places = (steps[..., 0] * COLORS + steps[..., 1]) * COLORS + steps[..., 2]
    return np.asarray(np.bincount(places.ravel(), minlength=COLORS**3) / places.size, np.float64)
