from __future__ import annotations

import numpy as np

from data.cutouts.backdrops import crop_picture, enlarge_drawing, paint_backdrop, paint_gradient
from tests.drawn_cutouts import cutout


def test_backdrops_have_the_size_of_the_frame_and_its_margin() -> None:
    drawing, picture = cutout(0), np.full((30, 90, 3), 77, np.uint8)
    for seed in range(12):
        pictures = [picture] if seed % 2 else []
        painted, again = (
            paint_backdrop((40, 56), 5, [drawing], pictures, np.random.default_rng(seed)) for _ in range(2)
        )
        assert painted.shape == (50, 66, 3)
        assert painted.dtype == np.float32
        assert painted.min() >= 0
        assert painted.max() <= 255
        again = paint_backdrop(
            (40, 56), 5, [drawing], [picture] if seed % 2 else [], np.random.default_rng(seed)
        )
        assert np.array_equal(painted, again)


def test_without_drawings_there_are_still_backdrops() -> None:
    for seed in range(6):
        assert paint_backdrop((16, 16), 0, [], [], np.random.default_rng(seed)).shape == (16, 16, 3)


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


def test_a_picture_is_cropped_not_stretched() -> None:
    x = np.broadcast_to(np.arange(200, dtype=np.uint8)[None, :, None], (100, 200, 3))
    part = crop_picture(np.ascontiguousarray(x), (50, 50), np.random.default_rng(0))
    assert part.shape == (50, 50, 3)
    slope = np.abs(np.diff(part[25, 5:-5, 0]))
    assert 1.0 < slope.mean() < 2.2  # 60 to 100 columns within 50
    small = crop_picture(np.full((3, 5, 3), 9, np.uint8), (40, 40), np.random.default_rng(0))
    assert (small == 9).all()
