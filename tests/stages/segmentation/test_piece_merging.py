from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from animeinterp.configs.sections import ContourPreset
from animeinterp.data.cartoon import draw_triplet
from animeinterp.stages.segmentation.contours import draw_contours, find_inside
from animeinterp.stages.segmentation.piece_merging import merge_fills
from animeinterp.stages.segmentation.trapped_ball import fill_pieces
from tests.plain import segmentation as plain


def test_golden(golden_case):
    for name, frame in zip(("frame1", "frame3"), golden_case.frames, strict=True):
        merged = merge_fills(golden_case.segmentation[f"{name}_fillmap"], frame)
        np.testing.assert_array_equal(merged, golden_case.segmentation[f"{name}_merged"])


@pytest.mark.parametrize("style", ["Japan", "Disney"])
def test_drawn_cartoon_as_plain_version(style):
    frame = draw_triplet(3, (72, 96), style=style).frame0
    fill_map = fill_pieces(find_inside(draw_contours(frame, ContourPreset())))
    np.testing.assert_array_equal(merge_fills(fill_map, frame), plain.merge_fills(fill_map, frame))


def random_case(
    seed: int, height: int, width: int, seeds: int, colours: int
) -> tuple[np.ndarray, np.ndarray]:
    """Areas of very unequal size around points, gaps in the numbers, some lines, noisy flat colours."""
    rng = np.random.default_rng(seed)
    points = rng.random((seeds, 2)) * (height, width)
    grid = np.stack(np.mgrid[:height, :width], axis=-1)
    distance = ((grid[:, :, None] - points) ** 2).sum(-1) - rng.exponential(100, seeds)
    fill_map = 1 + 2 * np.argmin(distance, axis=2).astype(np.int32)
    palette = rng.integers(0, 230, (colours, 3))
    frame = palette[(fill_map * 7) % colours] + rng.integers(0, rng.integers(1, 25), (height, width, 3))
    fill_map[rng.random((height, width)) < rng.choice([0, 0.1, 0.3])] = 0
    return fill_map, frame.astype(np.uint8)


@settings(max_examples=60, derandomize=True)
@given(
    seed=st.integers(0, 2**32 - 1),
    height=st.integers(1, 60),
    width=st.integers(1, 60),
    seeds=st.integers(1, 60),
    colours=st.integers(1, 6),
    rounds=st.integers(0, 10),
)
def test_noise_as_plain_version(seed, height, width, seeds, colours, rounds):
    fill_map, frame = random_case(seed, height, width, seeds, colours)
    before = fill_map.copy()
    merged = merge_fills(fill_map, frame, rounds=rounds)
    np.testing.assert_array_equal(merged, plain.merge_fills(fill_map, frame, rounds))
    np.testing.assert_array_equal(fill_map, before)
    assert merged.dtype == np.int32


def strip_case(area: int, contact: int, likeness: float | None) -> tuple[np.ndarray, np.ndarray]:
    """Fill 1, a strip of one colour, and one or two large neighbours.

    Fill 2 is as alike as can be and touches it by `contact` pixels. Fill 3, there unless `likeness` is None,
    touches it by one; that share of its 1,000 pixels has the middle value of its range.
    """
    fill_map = np.zeros((10, 500), np.int32)
    fill_map[4, :area] = 1
    fill_map[5, :contact] = fill_map[7:9] = 2
    frame = np.full((10, 500, 3), 77, np.uint8)
    if likeness is not None:
        fill_map[:2] = 3
        fill_map[1, 0], fill_map[3, 0] = 0, 3
        shades = np.zeros(1000, np.uint8)
        shades[:500] = 24
        shades[: round(1000 * likeness)] = 12
        frame[fill_map == 3] = shades[:, None]
    return fill_map, frame


@pytest.mark.parametrize(
    ("area", "contact", "likeness", "merges"),
    [
        # One neighbour: below 300 px, or below 500 px with more than 2 px of border.
        (299, 1, None, True),
        (300, 2, None, False),
        (300, 3, None, True),
        (499, 3, None, True),
        (500, 9, None, False),
        # Two, the last unlike: below 50 px.
        (49, 1, 0.1, True),
        (50, 40, 0.1, False),
        # Two: below 150 px, likeness above 0.2, more than 1 px of border.
        (149, 2, 0.205, True),
        (149, 1, 0.205, False),
        (149, 2, 0.195, False),
        (150, 2, 0.205, False),
        # Two: below 250 px, likeness above 0.25, more than 8 px of border.
        (249, 9, 0.255, True),
        (249, 8, 0.255, False),
        (249, 9, 0.245, False),
        (250, 9, 0.255, False),
    ],
)
def test_limits(area, contact, likeness, merges):
    fill_map, frame = strip_case(area, contact, likeness)
    merged = merge_fills(fill_map, frame)
    assert (merged[fill_map == 1] == (2 if merges else 1)).all()
    np.testing.assert_array_equal(merged, plain.merge_fills(fill_map, frame))


def test_rounding_decides_between_neighbours_equally_alike():
    # A grey fill between two of the same colours, channels swapped: equal but for the order of adding up.
    fill_map = np.full((30, 61), 2, np.int32)
    fill_map[:, 31:] = 3
    fill_map[:, 30] = 0
    fill_map[12:18, 27:34] = 1
    chosen = set()
    for seed in range(30):
        rng = np.random.default_rng(seed)
        frame = np.zeros((30, 61, 3), np.uint8)
        frame[:, :30] = rng.integers(rng.integers(100, size=3), 256, (30, 30, 3))
        frame[:, 31:] = frame[:, 29::-1, ::-1]
        frame[fill_map == 1] = rng.integers(0, 256, (42, 1))
        merged = merge_fills(fill_map, frame)
        np.testing.assert_array_equal(merged, plain.merge_fills(fill_map, frame))
        chosen.add(int(merged[15, 30]))
    assert chosen == {2, 3}


def test_goes_to_the_neighbour_most_alike():
    fill_map = np.full((40, 60), 1, np.int32)
    fill_map[:, 30:] = 3
    fill_map[18:22, 28:32] = 2
    frame = np.zeros((40, 60, 3), np.uint8)
    ramp = np.arange(40 * 60).reshape(40, 60)
    frame[..., 0] = ramp % 50
    frame[fill_map == 3] = 200  # flat: another histogram than a ramp's
    frame[fill_map == 2] = 30
    assert (merge_fills(fill_map, frame)[18:22, 28:32] == 3).all()


@pytest.mark.parametrize(("area", "left"), [(4, 0), (5, 1)])
def test_alone_among_lines(area, left):
    fill_map = np.zeros((9, 9), np.int32)
    fill_map[4, 2 : 2 + area] = 1
    merged = merge_fills(fill_map, np.zeros((9, 9, 3), np.uint8))
    assert merged[4, 2] == left


def test_large_fills_stay():
    fill_map = np.repeat(np.array([[1, 2]], np.int32), 25, axis=0).repeat(20, axis=1)
    np.testing.assert_array_equal(merge_fills(fill_map, np.zeros((25, 40, 3), np.uint8)), fill_map)
    smaller = fill_map.copy()
    smaller[0, 0] = 2
    assert (merge_fills(smaller, np.zeros((25, 40, 3), np.uint8)) == 2).all()


def test_no_rounds_and_lines_only():
    fill_map = np.array([[1, 2, 3]], np.int32)
    np.testing.assert_array_equal(merge_fills(fill_map, np.zeros((1, 3, 3), np.uint8), rounds=0), fill_map)
    nothing = np.zeros((3, 3), np.int32)
    np.testing.assert_array_equal(merge_fills(nothing, np.zeros((3, 3, 3), np.uint8)), nothing)


def test_of_neighbours_equally_alike_the_lowest_id_wins():
    fill_map = np.full((40, 60), 3, np.int32)
    fill_map[:, 30:] = 2
    fill_map[18:22, 28:32] = 1
    merged = merge_fills(fill_map, np.full((40, 60, 3), 90, np.uint8))
    assert (merged[18:22, 28:32] == 2).all()


def test_any_two_fills_of_one_colour_are_alike():
    # 100 px between two neighbours: it merges where the last one is alike by more than 0.2.
    fill_map = np.full((60, 60), 5, np.int32)
    fill_map[:20] = 2
    fill_map[20:30, 20:30] = 1
    frame = np.zeros((60, 60, 3), np.uint8)
    frame[fill_map == 2] = 200
    frame[fill_map == 5] = 90
    assert (merge_fills(fill_map, frame)[20:30, 20:30] == 2).all()
    frame[30:] = (np.arange(30 * 60) % 250).reshape(30, 60, 1)
    np.testing.assert_array_equal(merge_fills(fill_map, frame), fill_map)


def test_refuses():
    frame = np.zeros((3, 3, 3), np.uint8)
    with pytest.raises(ValueError, match="differ in size"):
        merge_fills(np.zeros((3, 4), np.int32), frame)
    with pytest.raises(ValueError, match="rounds is -1"):
        merge_fills(np.zeros((3, 3), np.int32), frame, rounds=-1)
    with pytest.raises(ValueError, match="id -2"):
        merge_fills(np.full((3, 3), -2, np.int32), frame)
