from __future__ import annotations

import cv2
import numpy as np
import pytest

from animeinterp.configs.sections import SynthesisSection
from animeinterp.stages.composite import Composite
from animeinterp.stages.inspection.splatted_frames import splat_frames
from animeinterp.stages.synthesis import quantise, synthesise

COMPOSITE, BLEND = SynthesisSection(method="composite"), SynthesisSection(method="blend")
SIZE = (60, 120)
COLOUR = (200, 40, 20)


def ground(width: int = SIZE[1]) -> np.ndarray:
    coarse = np.random.default_rng(0).integers(90, 250, (8, width // 8, 3), dtype=np.uint8)
    return cv2.resize(coarse, (width, SIZE[0]), interpolation=cv2.INTER_CUBIC)


def square(position: int) -> np.ndarray:
    frame = ground()
    frame[20:40, position : position + 20] = COLOUR
    return frame


def flow_of(position: int, shift: float) -> np.ndarray:
    flow = np.zeros((2, *SIZE), np.float32)
    flow[0, 20:40, position : position + 20] = shift
    return flow


def drawn(
    frame0: np.ndarray, frame1: np.ndarray, flow01: np.ndarray, flow10: np.ndarray, t: float
) -> np.ndarray:
    return quantise(synthesise(frame0, frame1, flow01, flow10, [t], None, COMPOSITE)[0], "uint8").astype(int)


@pytest.mark.parametrize("t", [0.25, 0.5, 0.75])
def test_a_figure_is_where_it_belongs_once_and_the_ground_behind_it_is_whole(t: float) -> None:
    """What the figure hides in one frame comes from the other: no ghost on either side."""
    found = drawn(square(30), square(70), flow_of(30, 40), flow_of(70, -40), t)
    position = int(30 + 40 * t)
    off = np.abs(found - square(position)).max(axis=2)
    assert off.max() < 45  # at the outline's corners
    assert off.mean() < 1
    plain = quantise(
        synthesise(square(30), square(70), flow_of(30, 40), flow_of(70, -40), [t], None, BLEND)[0], "uint8"
    )
    assert np.abs(plain.astype(int) - square(position)).max() > 100  # where the ground shines through


def test_where_frames_disagree_the_reliable_one_wins() -> None:
    """A mark that only frame 1 has, where the flow of frame 0 does not lead home."""
    frame0, frame1 = ground(), ground()
    frame1[25:30, 50:60] = (10, 10, 10)
    flow10 = np.zeros((2, *SIZE), np.float32)
    flow10[0, 25:30, 50:60] = 6  # says nothing that frame 0 confirms
    found = drawn(frame0, frame1, np.zeros_like(flow10), flow10, 0.5)
    shown = found[25:30, 53:63].reshape(-1, 3)
    half = ((frame0[25:30, 53:63].astype(int) + 10) // 2).reshape(-1, 3)
    assert np.abs(shown - half).mean() > 15


def test_what_a_pan_brings_in_comes_from_the_frame_that_has_it() -> None:
    wide = ground(160)
    frame0, frame1 = wide[:, :120], wide[:, 40:]
    flow = np.zeros((2, *SIZE), np.float32)
    flow[0] = -40
    found = drawn(np.ascontiguousarray(frame0), np.ascontiguousarray(frame1), flow, -flow, 0.5)
    np.testing.assert_allclose(found, wide[:, 20:140], atol=2)


def test_without_motion_it_is_the_mean_by_nearness_in_time() -> None:
    frame0, frame1 = np.full((*SIZE, 3), 100, np.uint8), np.full((*SIZE, 3), 104, np.uint8)
    still = np.zeros((2, *SIZE), np.float32)
    found = synthesise(frame0, frame1, still, still, [0.25, 0.5], None, COMPOSITE) * 255
    np.testing.assert_allclose(found[0], 101, atol=1e-3)
    np.testing.assert_allclose(found[1], 102, atol=1e-3)


def test_exchanged_frames_and_times_give_the_same_frame() -> None:
    pair = square(30), square(70), flow_of(30, 40), flow_of(70, -40)
    turned = pair[1], pair[0], pair[3], pair[2]
    np.testing.assert_allclose(Composite(*pair).frame(0.25), Composite(*turned).frame(0.75), atol=2 / 255)


def test_holes_that_no_frame_can_fill_take_the_colours_around_them() -> None:
    frame = np.full((*SIZE, 3), 150, np.uint8)
    away = np.zeros((2, *SIZE), np.float32)
    away[1, 20:40, 50:70] = 1000  # no pixel stays there
    found = drawn(frame, frame, away, away, 0.5)
    np.testing.assert_allclose(found, 150, atol=2)


@pytest.mark.parametrize("size", [(1, 1), (2, 3), (7, 40)])
def test_small_and_noisy_frames_give_frames(size: tuple[int, int]) -> None:
    generator = np.random.default_rng(1)
    frame0, frame1 = generator.integers(0, 256, (2, *size, 3), dtype=np.uint8)
    flow01, flow10 = generator.normal(0, 0.3, (2, 2, *size)).astype(np.float32)
    found = synthesise(frame0, frame1, flow01, flow10, [0.2, 0.9], None, COMPOSITE)
    assert found.shape == (2, *size, 3)
    assert 0 <= found.min() <= found.max() <= 1


def test_splats_to_look_at_are_those_that_are_used() -> None:
    pair = square(30), square(70), flow_of(30, 40), flow_of(70, -40)
    shown, used = splat_frames(*pair, 0.5, COMPOSITE), Composite(*pair).splats(0.5)
    np.testing.assert_array_equal(shown.frame0, used[0].colours)
    np.testing.assert_array_equal(shown.weight1, used[1].weights)
