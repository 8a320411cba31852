from __future__ import annotations

import numpy as np

from animeinterp.data.cutouts.layers import BORDER
from animeinterp.data.cutouts.staging import SCALES, UNIT, fit_drawing, stage_scene
from tests.drawn_cutouts import cutout

SIZE = (64, 80)


def test_fitting_shrinks_without_aliasing_and_mirrors() -> None:
    stripes = np.full((160, 160, 4), 255, np.uint8)
    stripes[:, ::2, :3] = 0
    small = fit_drawing(stripes, 20)[BORDER:-BORDER, BORDER:-BORDER]
    assert small.shape == (20, 20, 4)
    assert np.abs(small[..., 0] - 127.5).max() <= 1
    drawing = cutout(0)
    assert np.array_equal(fit_drawing(drawing, 72, True), fit_drawing(drawing, 72)[:, ::-1])
    assert np.array_equal(fit_drawing(drawing, 72)[BORDER:-BORDER, BORDER:-BORDER], drawing)
    large = fit_drawing(drawing, 200)
    assert large.shape == (200 + 2 * BORDER, 167 + 2 * BORDER, 4)
    assert (large[..., :3] <= large[..., 3:]).all()
    assert not large[:BORDER].any()


def test_scenes_vary_within_their_bounds() -> None:
    drawings = [cutout(seed) for seed in range(4)]
    held = bent = moving = upright = backdrops_move = 0
    for seed in range(40):
        backdrop, *cutouts = stage_scene(drawings, SIZE, np.random.default_rng(seed))
        assert backdrop.solid
        assert len(cutouts) == 4
        backdrops_move += not backdrop.still
        for layer in cutouts:
            longest = max(layer.picture.shape[:2]) - 2 * BORDER
            assert SCALES[0] * UNIT * 64 - 1 <= longest <= SCALES[1] * UNIT * 64 + 1
            assert np.hypot(*layer.own.shift) <= 0.25 * 64
            assert 0 <= layer.place[0] <= 79
            assert 0 <= layer.place[1] <= 63
            held += layer.own.shift == (0.0, 0.0)
            bent += layer.bend is not None
            moving += not layer.still
            upright += abs(layer.angle) < 0.4
    assert 20 < held < 65
    assert 40 < bent < 110
    assert moving < 160
    assert 110 < upright < 155
    assert 5 < backdrops_move < 35


def test_small_drawings_are_not_enlarged_beyond_twice_their_size() -> None:
    small = cutout(0)[20:44, 18:42]
    for seed in range(20):
        for layer in stage_scene([small] * 2, (480, 480), np.random.default_rng(seed))[1:]:
            assert max(layer.picture.shape[:2]) <= 2 * 24 + 2 * BORDER


def test_the_backdrop_reaches_beyond_the_frame_at_all_times() -> None:
    for seed in range(20):
        backdrop = stage_scene([cutout(0)], SIZE, np.random.default_rng(seed))[0]
        height, width = backdrop.picture.shape[:2]
        corners = np.array([[0, 79, 0, 79], [0, 0, 63, 63], [1, 1, 1, 1]])
        for t in (0.0, 0.5, 1.0):
            x, y, _ = backdrop.inverse(t) @ corners
            assert x.min() >= 0
            assert y.min() >= 0
            assert x.max() <= width - 1
            assert y.max() <= height - 1
