from __future__ import annotations

import numpy as np

from animeinterp.data.cutouts.backdrops import enlarge_drawing, paint_backdrop, paint_gradient
from tests.drawn_cutouts import cutout


def test_backdrops_have_the_size_of_the_frame_and_its_margin() -> None:
    for seed in range(12):
        painted, again = (
            paint_backdrop((40, 56), 5, [cutout(0)], np.random.default_rng(seed)) for _ in range(2)
        )
        assert painted.shape == (50, 66, 3)
        assert painted.dtype == np.float32
        assert painted.min() >= 0
        assert painted.max() <= 255
        assert np.array_equal(painted, again)


def test_without_drawings_there_are_still_backdrops() -> None:
    for seed in range(6):
        assert paint_backdrop((16, 16), 0, [], np.random.default_rng(seed)).shape == (16, 16, 3)


def test_gradients_are_neither_plain_nor_wild() -> None:
    for seed in range(6):
        gradient = paint_gradient((64, 80), np.random.default_rng(seed))
        assert gradient.std() > 1
        assert np.abs(np.diff(gradient, axis=0)).mean() < 25


def test_an_enlarged_drawing_covers_part_of_the_backdrop() -> None:
    drawing = np.full((60, 40, 4), 255, np.uint8)
    drawing[..., :3] = (200, 10, 10)
    for side in (24, 90):  # shrunk and enlarged
        laid = enlarge_drawing(drawing, (side, side), np.random.default_rng(1))
        assert laid.shape == (side, side, 3)
        assert laid.min() >= 0
        assert laid.max() <= 255.01
