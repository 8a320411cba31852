from __future__ import annotations

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from animeinterp.data.cutouts.layers import (
    GREATEST_GRADIENT,
    Layer,
    Motion,
    draw_layers,
    layer_flow,
    make_bend,
)
from animeinterp.data.cutouts.warping import BEND_STEP
from tests.drawn_cutouts import backdrop, patch

SIZE = (72, 96)


def _bend(layer: Layer, reach: float = 4.0, seed: int = 3) -> NDArray[np.float32]:
    return make_bend(*layer.picture.shape[:2], 4, reach, np.random.default_rng(seed))


def _bent(place: tuple[float, float], side: int = 40, **about: object) -> Layer:
    return patch(place, side, bend=_bend(patch(place, side)), **about)


def _rim(owners: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """255 within two pixels of the border between layers, where two motions mix."""
    return (cv2.morphologyEx(owners, cv2.MORPH_GRADIENT, np.ones((5, 5), np.uint8)) > 0).astype(
        np.uint8
    ) * 255


def _backwarped(image: NDArray[np.uint8], flow: NDArray[np.float32]) -> NDArray[np.float32]:
    x = flow[0] + np.arange(flow.shape[2], dtype=np.float32)
    y = flow[1] + np.arange(flow.shape[1], dtype=np.float32)[:, None]
    warped = cv2.remap(image.astype(np.float32), x, y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    return np.asarray(warped, np.float32)


def test_a_pure_shift_has_exactly_that_flow() -> None:
    layers = [backdrop(SIZE), patch((40.0, 30.0), own=Motion(shift=(7.25, -3.5)))]
    _, owners = draw_layers(layers, SIZE, 0)
    flow, _ = layer_flow(layers, owners, 0, 1)
    assert (owners == 1).sum() == 24 * 24
    assert (flow[0][owners == 1] == 7.25).all()
    assert (flow[1][owners == 1] == -3.5).all()
    assert (flow[:, owners == 0] == 0).all()
    _, owners1 = draw_layers(layers, SIZE, 1)
    back, _ = layer_flow(layers, owners1, 1, 0)
    assert (back[0][owners1 == 1] == -7.25).all()
    assert (back[1][owners1 == 1] == 3.5).all()


def test_no_motion_is_exactly_zero_and_the_same_picture_at_all_times() -> None:
    layers = [backdrop(SIZE), patch((40.3, 30.7), angle=0.4), patch((60.0, 50.0), seed=5)]
    frames = [draw_layers(layers, SIZE, t) for t in (0.0, 0.37, 1.0)]
    for frame, owners in frames:
        assert np.array_equal(frame, frames[0][0])
        assert np.array_equal(owners, frames[0][1])
    flow, occluded = layer_flow(layers, frames[0][1], 0, 1)
    assert not flow.any()
    assert not occluded.any()
    assert flow.dtype == np.float32


MOVES = {
    "shift": {"own": Motion(shift=(9.4, 4.7))},
    "turn": {"own": Motion(turn=0.5)},
    "growth": {"own": Motion(zoom=1.25)},
    "common": {"common": Motion((5.0, -6.0), 0.1, 1.1), "hub": (47.5, 35.5)},
    "all": {
        "own": Motion((-8.0, 5.5), -0.3, 0.85),
        "common": Motion((4.0, 1.0), 0.05, 1.05),
        "hub": (47.5, 35.5),
    },
}


@pytest.mark.parametrize("bent", [False, True], ids=["rigid", "bent"])
@pytest.mark.parametrize("move", MOVES)
def test_warping_back_gives_the_frame_outside_occlusion(move: str, bent: bool) -> None:
    make = _bent if bent else patch
    layers = [backdrop(SIZE, Motion((6.0, -4.0), 0.05, 1.06)), make((45.0, 36.0), 40, **MOVES[move])]
    (frame0, owners0), (frame1, owners1) = (draw_layers(layers, SIZE, t) for t in (0, 1))
    ways = ((frame0, frame1, owners0, owners1, (0, 1)), (frame1, frame0, owners1, owners0, (1, 0)))
    for source, target, owners, others, way in ways:
        flow, occluded = layer_flow(layers, owners, *way)
        wrong = np.abs(_backwarped(target, flow) - source).max(axis=2)
        rim = (_rim(owners) > 0) | (_backwarped(_rim(others), flow) > 0)
        seen = ~occluded & ~rim
        assert seen.mean() > 0.5
        assert np.percentile(wrong[seen], 99) < 2.5
        assert wrong[seen].max() < 6
        assert wrong[seen].mean() < 0.9
        assert np.abs(flow).max() > 2


def test_flows_of_both_ways_are_each_others_inverse() -> None:
    layers = [backdrop(SIZE), _bent((45.0, 36.0), own=Motion((6.0, 3.0), 0.2, 1.1))]
    (_, owners0), (_, owners1) = (draw_layers(layers, SIZE, t) for t in (0, 1))
    there, _ = layer_flow(layers, owners0, 0, 1)
    back, _ = layer_flow(layers, owners1, 1, 0)
    x = there[0] + np.arange(SIZE[1], dtype=np.float32)
    y = there[1] + np.arange(SIZE[0], dtype=np.float32)[:, None]
    inner = cv2.erode((owners0 == 1).astype(np.uint8), np.ones((7, 7))) > 0
    returned = np.stack([cv2.remap(way, x, y, cv2.INTER_LINEAR) for way in back])
    assert inner.sum() > 500
    assert np.abs(there + returned)[:, inner].max() < 0.05


def test_occlusion_is_where_another_layer_owns_the_pixel_or_the_frame_ends() -> None:
    layers = [
        backdrop(SIZE, Motion((4.0, 0.0))),
        patch((30.0, 36.0), 30, own=Motion((20.0, 0.0))),
        patch((60.0, 36.0), 30, seed=4, own=Motion((-6.0, 2.0))),
    ]
    (_, owners0), (_, owners1) = (draw_layers(layers, SIZE, t) for t in (0, 1))
    for here, there, way in ((owners0, owners1, (0, 1)), (owners1, owners0, (1, 0))):
        flow, occluded = layer_flow(layers, here, *way)
        assert occluded.any()
        for (y, x), number in np.ndenumerate(here):
            to_x, to_y = x + flow[0, y, x], y + flow[1, y, x]
            if not (-0.5 <= to_x < SIZE[1] - 0.5 and -0.5 <= to_y < SIZE[0] - 0.5):
                assert occluded[y, x]
            else:
                # All shifts are whole, so every pixel ends up on one of the other frame.
                assert occluded[y, x] == (there[round(to_y), round(to_x)] != number)


def test_the_topmost_layer_with_more_than_half_of_alpha_owns_a_pixel() -> None:
    glass = patch((40.0, 30.0), seed=2)
    glass = Layer(glass.picture * np.float32(0.4), glass.place)
    frame, owners = draw_layers([backdrop(SIZE), glass, patch((52.0, 30.0), seed=3)], SIZE, 0)
    assert set(np.unique(owners)) == {0, 2}
    without, _ = draw_layers([backdrop(SIZE)], SIZE, 0)
    changed = (frame != without).any(axis=2)
    assert changed[30, 32]
    assert not changed[5, 5]


def test_frames_near_the_ends_are_the_frames_at_the_ends() -> None:
    layers = [backdrop(SIZE, Motion((5.0, 3.0))), _bent((45.0, 36.0), own=Motion((9.0, 5.0), 0.3))]
    for end, near in ((0.0, 1e-7), (1.0, 1 - 1e-7)):
        gap = draw_layers(layers, SIZE, end)[0].astype(int) - draw_layers(layers, SIZE, near)[0]
        assert np.abs(gap).max() <= 1


def test_a_frame_in_between_lies_on_the_way() -> None:
    layers = [backdrop(SIZE), patch((40.0, 30.0), own=Motion(shift=(16.0, 8.0)))]
    first = draw_layers(layers, SIZE, 0.0)[1] == 1
    for t in (0.25, 0.5, 0.75):
        there = draw_layers(layers, SIZE, t)[1] == 1
        assert np.array_equal(there, np.roll(first, (round(8 * t), round(16 * t)), (0, 1)))


def test_layers_outside_of_the_frame_are_harmless() -> None:
    layers = [backdrop(SIZE), patch((-300.0, 30.0)), _bent((95.0, 500.0)), patch((2.0, 71.0))]
    frame, owners = draw_layers(layers, SIZE, 0.5)
    assert set(np.unique(owners)) == {0, 3}
    flow, occluded = layer_flow([*layers[:3]], np.zeros(SIZE, np.uint8), 0, 1)
    assert not flow.any()
    assert not occluded.any()
    assert frame.shape == (*SIZE, 3)


def test_bends_are_smooth_and_do_not_fold() -> None:
    bend = make_bend(80, 60, 5, 30.0, np.random.default_rng(0))
    assert bend.dtype == np.float32
    assert bend.shape == (80 // BEND_STEP + 2, 60 // BEND_STEP + 2, 2)
    steepest = max(np.abs(np.diff(bend, axis=axis)).max() for axis in (0, 1)) / BEND_STEP
    assert steepest == pytest.approx(GREATEST_GRADIENT, rel=1e-5)
    gentle = make_bend(80, 60, 3, 0.5, np.random.default_rng(0))
    assert 0 < np.abs(gentle).max() < 3
