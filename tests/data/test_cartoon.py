from __future__ import annotations

from dataclasses import fields

import cv2
import numpy as np
import pytest

from animeinterp.configs.errors import DataError
from animeinterp.data.cartoon import CartoonTriplet, draw_triplet
from animeinterp.data.cartoon.motion import Affine, Chain, Move, Shear, Wave
from animeinterp.data.cartoon.staging import stage_scene
from animeinterp.stages.composite import Composite

SIZE = (135, 240)


@pytest.fixture(scope="module")
def triplets() -> list[CartoonTriplet]:
    return [draw_triplet(seed, SIZE) for seed in range(12)]


def test_same_seed_gives_same_triplet() -> None:
    first, second, other = (draw_triplet(seed, SIZE) for seed in (7, 7, 8))
    for field in fields(CartoonTriplet):
        a, b = getattr(first, field.name), getattr(second, field.name)
        assert np.array_equal(a, b) if isinstance(a, np.ndarray) else a == b
    assert not np.array_equal(first.frame0, other.frame0)


@pytest.mark.parametrize("size", [(16, 16), (16, 40), (61, 33), SIZE])
def test_shapes_and_types(size: tuple[int, int]) -> None:
    drawn = draw_triplet(1, size)
    for frame in (drawn.frame0, drawn.middle, drawn.frame1):
        assert frame.shape == (*size, 3)
        assert frame.dtype == np.uint8
    for flow in (drawn.flow01, drawn.flow10):
        assert flow.shape == (2, *size)
        assert flow.dtype == np.float32
        assert np.isfinite(flow).all()
    for mask in (drawn.occluded01, drawn.occluded10):
        assert mask.shape == size
        assert mask.dtype == np.bool_
    for pieces in (drawn.pieces0, drawn.pieces1):
        assert pieces.shape == size
        assert pieces.dtype == np.int32


def _inside(drawn: CartoonTriplet, margin: int) -> np.ndarray:
    """Pixels whose whole neighbourhood is one piece, unoccluded."""
    kernel = np.ones((2 * margin + 1, 2 * margin + 1), np.uint8)
    pieces = drawn.pieces0.astype(np.float32)
    flat = cv2.dilate(pieces, kernel) == cv2.erode(pieces, kernel)
    return flat & (cv2.dilate(drawn.occluded01.astype(np.uint8), kernel) == 0)


def test_flow_warps_frame1_onto_frame0(triplets: list[CartoonTriplet]) -> None:
    for drawn in triplets:
        grid_x, grid_y = np.meshgrid(
            np.arange(SIZE[1], dtype=np.float32), np.arange(SIZE[0], dtype=np.float32)
        )
        warped = cv2.remap(drawn.frame1, grid_x + drawn.flow01[0], grid_y + drawn.flow01[1], cv2.INTER_LINEAR)
        error = np.abs(warped.astype(int) - drawn.frame0).max(axis=2)
        # A piece has two flat colours, its own and its outline's; between them antialiasing is resampled.
        kernel = np.ones((3, 3), np.uint8)
        flat = (cv2.dilate(drawn.frame0, kernel) == cv2.erode(drawn.frame0, kernel)).all(axis=2)
        figures = _inside(drawn, 1) & (drawn.pieces0 > 0) & flat
        assert figures.sum() > 300
        assert np.mean(error[figures] <= 3) > 0.97, drawn.id
        background = _inside(drawn, 2) & (drawn.pieces0 == 0)
        # At this size a blade of grass is one pixel wide, and a pan by part of a pixel blurs it.
        assert error[background].mean() < 3, drawn.id


def test_pieces_keep_their_numbers_along_the_flow(triplets: list[CartoonTriplet]) -> None:
    for drawn in triplets:
        y, x = np.nonzero(_inside(drawn, 1) & (drawn.pieces0 > 0))
        to_x, to_y = (
            np.rint(x + drawn.flow01[0, y, x]).astype(int),
            np.rint(y + drawn.flow01[1, y, x]).astype(int),
        )
        known = (to_x >= 0) & (to_x < SIZE[1]) & (to_y >= 0) & (to_y < SIZE[0])
        same = drawn.pieces1[to_y[known], to_x[known]] == drawn.pieces0[y, x][known]
        assert same.mean() > 0.97, drawn.id


def test_flows_undo_each_other_where_nothing_is_hidden(triplets: list[CartoonTriplet]) -> None:
    for drawn in triplets:
        y, x = np.nonzero(~drawn.occluded01 & _inside(drawn, 1))
        to_x, to_y = x + drawn.flow01[0, y, x], y + drawn.flow01[1, y, x]
        near_x, near_y = np.rint(to_x).astype(int), np.rint(to_y).astype(int)
        known = (near_x >= 0) & (near_x < SIZE[1]) & (near_y >= 0) & (near_y < SIZE[0])
        near_x, near_y, x, y = near_x[known], near_y[known], x[known], y[known]
        back = drawn.flow10[:, near_y, near_x]
        rest = np.hypot(near_x + back[0] - x, near_y + back[1] - y)
        # Rounding the target costs up to 0.71 px, times the shrinking on the way back.
        assert np.quantile(rest, 0.97) < 1.3, drawn.id


def test_still_scene_has_no_flow_and_hides_nothing() -> None:
    drawn = draw_triplet(3, SIZE, max_shift=0.0)
    assert np.abs(drawn.flow01).max() < 1e-6
    assert np.array_equal(drawn.frame0, drawn.frame1)
    assert np.array_equal(drawn.frame0, drawn.middle)
    assert not drawn.occluded01.any()
    assert not drawn.occluded10.any()


def test_occlusion_marks_what_leaves_and_what_is_covered(triplets: list[CartoonTriplet]) -> None:
    for drawn in triplets:
        y, x = np.mgrid[: SIZE[0], : SIZE[1]]
        to_x, to_y = x + drawn.flow01[0], y + drawn.flow01[1]
        gone = (to_x < -0.51) | (to_x > SIZE[1] - 0.49) | (to_y < -0.51) | (to_y > SIZE[0] - 0.49)
        assert drawn.occluded01[gone].all()
        near_x, near_y = np.rint(to_x).astype(int), np.rint(to_y).astype(int)
        inside = (near_x >= 0) & (near_x < SIZE[1]) & (near_y >= 0) & (near_y < SIZE[0])
        figure = np.zeros(SIZE, bool)
        wide = cv2.erode((drawn.pieces1 > 0).astype(np.uint8), np.ones((3, 3), np.uint8)) > 0
        figure[inside] = wide[near_y[inside], near_x[inside]]
        assert drawn.occluded01[figure & (drawn.pieces0 == 0)].all()
    assert max(drawn.occluded01.mean() for drawn in triplets) > 0.05


def test_middle_frame_is_on_the_path_but_not_half_way() -> None:
    for seed in range(8):
        scene = stage_scene(seed, SIZE, None, "translation", None)
        for cast in scene.casts:
            assert 0.2 < cast.middle < 0.45 or 0.55 < cast.middle < 0.8
        lead = scene.casts[scene.lead]
        point = np.array([lead.figure.pivot])
        start, middle, end = (lead.maps(s)["root"].forward(point)[0] for s in (0.0, lead.middle, 1.0))
        share = (middle[0] - start[0]) / (end[0] - start[0])
        assert 0 < share < 1
        assert abs(share - 0.5) > 0.03


def test_middle_frame_is_half_way_when_asked_for() -> None:
    """A translation: the middle of the moving pixels lies between those of both ends."""
    eased, even = (draw_triplet(5, SIZE, motion="translation", even_timing=even) for even in (False, True))
    np.testing.assert_array_equal(even.frame0, eased.frame0)
    np.testing.assert_array_equal(even.frame1, eased.frame1)
    np.testing.assert_array_equal(even.flow01, eased.flow01)
    assert (even.middle != eased.middle).any()
    drawn = Composite(even.frame0, even.frame1, even.flow01, even.flow10).frame(0.5) * 255
    assert np.abs(drawn - even.middle).mean() < np.abs(drawn - eased.middle).mean()


def test_middle_frame_differs_from_both(triplets: list[CartoonTriplet]) -> None:
    for drawn in triplets:
        assert not np.array_equal(drawn.middle, drawn.frame0)
        assert not np.array_equal(drawn.middle, drawn.frame1)


def test_seeds_in_a_row_show_everything(triplets: list[CartoonTriplet]) -> None:
    types = {drawn.annotation["general_motion_type"] for drawn in triplets[:4]}
    assert types == {"translation", "rotation", "scaling", "deformation"}
    assert {drawn.id.split("_")[0] for drawn in triplets[:6]} == {"Japan", "Disney"}
    largest = [float(np.hypot(*drawn.flow01).max()) * 540 / SIZE[0] for drawn in triplets]
    assert min(largest) < 25
    assert max(largest) > 70
    assert max(largest) <= 155
    assert {drawn.annotation["level"] for drawn in triplets} == {0, 1, 2}


@pytest.mark.parametrize("max_shift", [1.5, 6.0])
def test_max_shift_is_kept(max_shift: float) -> None:
    for seed in range(6):
        drawn = draw_triplet(seed, SIZE, max_shift=max_shift)
        for flow in (drawn.flow01, drawn.flow10):
            assert np.hypot(flow[0], flow[1]).max() <= max_shift


@pytest.mark.parametrize("motion", ["translation", "rotation", "scaling", "deformation"])
@pytest.mark.parametrize("style", ["Japan", "Disney"])
def test_style_and_motion_can_be_chosen(style: str, motion: str) -> None:
    drawn = draw_triplet(12, (54, 96), style=style, motion=motion)  # type: ignore[arg-type]
    assert drawn.id == f"{style}_drawn_000012_s2"
    assert drawn.annotation["general_motion_type"] == motion


def test_annotation_is_as_in_atd12k(triplets: list[CartoonTriplet]) -> None:
    for drawn in triplets:
        notes = drawn.annotation
        assert set(notes) == {"level", "motion_RoI", "general_motion_type", "behavior", "image_size"}
        assert notes["level"] in (0, 1, 2)
        assert notes["image_size"] == [SIZE[1], SIZE[0]]
        assert notes["behavior"]
        box = notes["motion_RoI"]
        assert min(box["width"], box["height"]) > 0
        assert min(box["x"], box["y"]) >= 0
        assert box["x"] + box["width"] <= SIZE[1]
        assert box["y"] + box["height"] <= SIZE[0]


def test_a_frame_has_many_pieces() -> None:
    pieces, areas = np.unique(draw_triplet(0).pieces0, return_counts=True)
    assert 40 <= np.sum((areas >= 50) & (pieces > 0)) <= 250


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"seed": -1}, "seed: found -1"),
        ({"size": (15, 40)}, "size: found 15x40"),
        ({"style": "Paris"}, "style: found 'Paris'"),
        ({"motion": "flicker"}, "motion: found 'flicker'"),
        ({"max_shift": -2.0}, r"max_shift: found -2\.0"),
        ({"max_shift": float("nan")}, "max_shift: found nan"),
    ],
)
def test_wrong_arguments_are_named(change: dict[str, object], message: str) -> None:
    with pytest.raises(DataError, match=message):
        draw_triplet(**({"seed": 0, "size": (16, 16)} | change))  # type: ignore[arg-type]


def test_maps_are_undone_exactly() -> None:
    rng = np.random.default_rng(0)
    move = Move(
        angle=0.7,
        stretch=(0.3, -0.2),
        shift=(40, -9),
        lift=(0, 5),
        waves=(Wave(0, 200, growth=60), Wave(1, 90, 4, 9)),
    )
    placement = Affine(np.array([[2.0, 0.3], [0.1, 1.5]]), np.array([5.0, -7.0]))
    chain = Chain((*move.at(0.6, 1.2, (10.0, 20.0)), placement))
    points = rng.uniform(-300, 300, (500, 2))
    assert np.abs(chain.inverse(chain.forward(points)) - points).max() < 1e-9


def test_wave_leaves_its_anchor_where_it_is() -> None:
    shear = Shear(axis=0, amplitude=12.0, wave_number=0.05, phase=0.3, anchor=40.0)
    assert np.allclose(shear.forward(np.array([[7.0, 40.0]])), [[7.0, 40.0]])


def test_move_at_zero_gain_is_still() -> None:
    move = Move(angle=1.0, stretch=(0.5, 0.5), shift=(9, 9), waves=(Wave(0, 100, growth=20),))
    points = np.array([[3.0, 4.0], [-60.0, 120.0]])
    assert np.allclose(Chain(move.at(1.0, 0.0, (1.0, 2.0))).forward(points), points)
