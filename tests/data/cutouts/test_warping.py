from __future__ import annotations

import numpy as np

from animeinterp.data.cutouts.layers import make_bend
from animeinterp.data.cutouts.warping import BEND_STEP, FIXED_POINT_STEPS, follow, hide, paint
from tests.drawn_cutouts import cutout, patch, soft_picture

SAME = np.eye(2, 3)
NOTHING = np.zeros((2, 2, 2), np.float32)


def _shift(x: float, y: float) -> np.ndarray:
    return np.array([[1, 0, x], [0, 1, y]], np.float64)


def test_whole_pixels_are_copied_exactly() -> None:
    picture = patch((0, 0), 20).picture
    frame, owner = np.zeros((24, 24, 3), np.float32), np.zeros((24, 24), np.uint8)
    paint(frame, owner, 3, picture, SAME, NOTHING, 0.0, (0, 24, 0, 24), False)
    assert np.array_equal(frame[2:-2, 2:-2], picture[2:-2, 2:-2, :3])
    assert (owner[2:-2, 2:-2] == 3).all()
    assert owner.sum() == 3 * 20 * 20


def test_premultiplied_colours_leave_no_fringe() -> None:
    picture = np.zeros((24, 24, 4), np.float32)
    picture[6:18, 6:18] = 255  # white on white stays white, whatever was below the transparent part
    frame, owner = np.full((24, 24, 3), 255, np.float32), np.zeros((24, 24), np.uint8)
    paint(frame, owner, 1, picture, _shift(0.37, -0.81), NOTHING, 0.0, (0, 24, 0, 24), False)
    assert np.abs(frame - 255).max() < 1e-3


def test_a_solid_layer_goes_on_beyond_its_edges() -> None:
    picture = soft_picture((8, 8))
    frame, owner = np.zeros((8, 20, 3), np.float32), np.ones((8, 20), np.uint8)
    paint(frame, owner, 0, picture, SAME, NOTHING, 0.0, (0, 8, 0, 20), True)
    assert not owner.any()
    assert np.allclose(frame[:, 8:], picture[:, 7:8, :3], atol=1e-3)


def test_only_the_box_is_touched() -> None:
    frame, owner = np.zeros((24, 24, 3), np.float32), np.zeros((24, 24), np.uint8)
    paint(frame, owner, 1, patch((0, 0), 20).picture, SAME, NOTHING, 0.0, (5, 9, 4, 8), False)
    assert owner.sum() == 16
    assert not frame[:5].any()


def test_following_inverts_the_drawing_of_a_bend() -> None:
    """Plain fixed-point iteration until it stands still, in float64 for one pixel after the other."""
    bend = make_bend(40, 40, 4, 4.0, np.random.default_rng(2))

    def at(x: float, y: float) -> np.ndarray:
        x, y = (float(np.clip(v / BEND_STEP, 0, n - 1)) for v, n in ((x, bend.shape[1]), (y, bend.shape[0])))
        i, j = min(int(x), bend.shape[1] - 2), min(int(y), bend.shape[0] - 2)
        upper = bend[j, i] * (1 - (x - i)) + bend[j, i + 1] * (x - i)
        lower = bend[j + 1, i] * (1 - (x - i)) + bend[j + 1, i + 1] * (x - i)
        return upper * (1 - (y - j)) + lower * (y - j)

    owner = np.ones((40, 40), np.uint8)
    flow = np.zeros((2, 40, 40), np.float32)
    follow(flow, owner, 1, SAME, _shift(3.0, -2.0), bend, (-0.5, 0.5), (0, 40, 0, 40))
    for y, x in ((5, 7), (20, 20), (33, 12), (39, 39)):
        rest = np.array([x, y]) + 0.5 * at(x, y)
        point = rest
        for _ in range(20 * FIXED_POINT_STEPS):
            point = rest + 0.5 * at(*point)
        assert np.abs(flow[:, y, x] - (point + np.array([3.0 - x, -2.0 - y]))).max() < 0.02


def test_following_leaves_pixels_of_other_layers_alone() -> None:
    owner = np.zeros((10, 10), np.uint8)
    owner[2, 3] = 1
    flow = np.full((2, 10, 10), 9, np.float32)
    follow(flow, owner, 1, SAME, _shift(1.5, 0.0), NOTHING, (0.0, 0.0), (0, 10, 0, 10))
    assert flow[0, 2, 3] == 1.5
    assert (flow == 9).sum() == 198


def test_hiding_looks_exactly_where_a_pixel_ends_up() -> None:
    picture = patch((0, 0), 10).picture  # solid from 1.5 to 11.5
    flow = np.zeros((2, 14, 30), np.float32)
    flow[0] = -8.3
    hidden, owner = np.zeros((14, 30), np.bool_), np.zeros((14, 30), np.uint8)
    hide(hidden, flow, owner, 1, picture, SAME, NOTHING, 0.0, (0, 14, 0, 14))
    columns = np.flatnonzero(hidden[7])
    assert list(columns) == list(range(10, 20))  # 1.5 < x - 8.3 < 11.5
    hidden[:] = False
    hide(hidden, flow, np.full_like(owner, 1), 1, picture, SAME, NOTHING, 0.0, (0, 14, 0, 14))
    assert not hidden.any()


def test_colours_never_exceed_their_alpha() -> None:
    picture = cutout(0).astype(np.float32)
    picture[..., :3] *= picture[..., 3:] / 255
    frame, owner = np.zeros((72, 60, 3), np.float32), np.zeros((72, 60), np.uint8)
    paint(frame, owner, 1, picture, _shift(0.4, 0.3), NOTHING, 0.0, (0, 72, 0, 60), False)
    assert frame.min() >= 0
    assert frame.max() <= 255
