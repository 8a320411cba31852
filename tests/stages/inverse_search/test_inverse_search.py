from __future__ import annotations

import cv2
import numpy as np
import pytest

from animeinterp.stages.inverse_search import search_flows

SIZE = (120, 200)
SHIFT = 48


def texture(seed: int, low: int, high: int) -> np.ndarray:
    coarse = np.random.default_rng(seed).integers(low, high, (15, 25, 3), dtype=np.uint8)
    return cv2.resize(coarse, SIZE[::-1], interpolation=cv2.INTER_CUBIC)


def disc(position: int) -> np.ndarray:
    mask = np.zeros(SIZE, np.uint8)
    cv2.circle(mask, (position, 60), 25, 1, -1)
    return mask > 0


def scene(position: int) -> np.ndarray:
    """A patterned disc on patterned ground that stays."""
    frame = texture(0, 120, 250)
    figure = np.roll(texture(1, 0, 130), position - 60, axis=1)
    return np.where(disc(position)[..., None], figure, frame)


def rest() -> np.ndarray:
    return np.zeros((2, *SIZE), np.float32)


@pytest.mark.parametrize("with_pieces", [True, False])
def test_a_long_motion_is_found_from_a_coarse_hint(with_pieces: bool) -> None:
    """The coarse flow has a third of the disc; the search from the motion it votes for has the rest."""
    frame0, frame1 = scene(60), scene(60 + SHIFT)
    coarse01, coarse10 = rest(), rest()
    coarse01[0, 50:70, 40:80] = SHIFT
    coarse10[0, 50:70, 40 + SHIFT : 80 + SHIFT] = -SHIFT
    pieces = [disc(60).astype(np.int32), disc(60 + SHIFT).astype(np.int32)] if with_pieces else None
    found = search_flows(frame0, frame1, coarse01, coarse10, pieces)
    for flow, position, sign in ((found.flow01, 60, 1), (found.flow10, 60 + SHIFT, -1)):
        inside = cv2.erode(disc(position).astype(np.uint8), np.ones((9, 9))) > 0
        assert np.abs(flow[0][inside] - sign * SHIFT).mean() < 0.5
        far = np.ones(SIZE, bool)
        far[:, 20:150] = False
        assert np.abs(flow[:, far]).mean() < 0.1


def test_equal_frames_do_not_move() -> None:
    found = search_flows(scene(60), scene(60), rest(), rest())
    assert not found.flow01.any()
    assert not found.flow10.any()


def test_a_wrong_coarse_flow_is_overruled() -> None:
    coarse = rest()
    coarse[0], coarse[1] = 17, -9
    found = search_flows(scene(60), scene(60), coarse, -coarse)
    assert np.abs(found.flow01[:, 10:-20, 10:-30]).max() < 0.1


def test_swapped_frames_swap_the_flows_and_bytes_are_the_same_each_time() -> None:
    frame0, frame1 = scene(60), scene(72)
    coarse01, coarse10 = np.random.default_rng(2).normal(0, 3, (2, 2, *SIZE)).astype(np.float32)
    first, second = (search_flows(frame0, frame1, coarse01, coarse10) for _ in range(2))
    np.testing.assert_array_equal(first, second)
    swapped = search_flows(frame1, frame0, coarse10, coarse01)
    assert np.mean(np.abs(np.array(swapped) - np.array(first)[::-1])) < 0.05


def test_vectors_are_multiples_of_a_64th() -> None:
    found = search_flows(scene(60), scene(63), rest(), rest())
    assert found.flow01.dtype == np.float32
    np.testing.assert_array_equal(found.flow01 * 64, np.rint(found.flow01 * 64))
    assert found.flow01.any()


@pytest.mark.parametrize("size", [(1, 1), (3, 70), (70, 3), (16, 16), (33, 40)])
def test_small_frames_are_searched_too(size: tuple[int, int]) -> None:
    frame0, frame1 = np.random.default_rng(3).integers(0, 256, (2, *size, 3), dtype=np.uint8)
    still = np.zeros((2, *size), np.float32)
    found = search_flows(frame0, frame1, still, still)
    assert found.flow01.shape == found.flow10.shape == (2, *size)
    assert np.isfinite(found.flow01).all()


def test_what_does_not_fit_is_refused() -> None:
    frame = scene(60)
    with pytest.raises(ValueError, match=r"coarse_flow10 has shape \(2, 4, 4\)"):
        search_flows(frame, frame, rest(), np.zeros((2, 4, 4), np.float32))
    broken = rest()
    broken[0, 3, 3] = np.inf
    with pytest.raises(ValueError, match="coarse_flow01 holds 1 values that are not finite"):
        search_flows(frame, frame, broken, rest())
    with pytest.raises(ValueError, match=r"a label map has shape \(5, 5\); the frame is \(120, 200\)"):
        search_flows(frame, frame, rest(), rest(), [np.zeros((5, 5), np.int32)] * 2)
