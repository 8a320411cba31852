from __future__ import annotations

import numpy as np
import pytest
from skimage.filters import apply_hysteresis_threshold

from configs.sections import ContourPreset
from stages.contours import check_frame, draw_contours, find_inside, hysteresis_volume


def test_golden(golden_case):
    for name, frame in zip(("frame1", "frame3"), golden_case.frames, strict=True):
        contour = draw_contours(frame, golden_case.preset)
        np.testing.assert_array_equal(contour, golden_case.segmentation[f"{name}_contour"])
        np.testing.assert_array_equal(find_inside(contour), golden_case.segmentation[f"{name}_binary"])


def test_lines_are_dark_and_areas_white(drawn_frame):
    contour = draw_contours(drawn_frame, ContourPreset())
    assert contour.dtype == np.uint8
    assert contour.shape == drawn_frame.shape[:2]
    assert contour[35, 85] == contour[30, 25] == contour[2, 2] == 255
    assert contour[12, 30] == 0


def test_channel_order_has_no_influence(drawn_frame):
    noise = np.random.default_rng(1).integers(0, 256, (40, 50, 3), dtype=np.uint8)
    for frame in (drawn_frame, noise):
        np.testing.assert_array_equal(
            draw_contours(frame, ContourPreset()), draw_contours(frame[:, :, ::-1], ContourPreset())
        )


@pytest.mark.parametrize("shape", [(30, 40), (1, 1), (1, 9), (9, 1)])
def test_one_colour_has_no_contour(shape):
    assert (draw_contours(np.full((*shape, 3), 93, np.uint8), ContourPreset()) == 255).all()


def test_inside_is_above_220():
    np.testing.assert_array_equal(find_inside(np.array([[0, 220, 221, 255]], np.uint8)), [[0, 0, 255, 255]])


@pytest.mark.parametrize("seed", range(4))
def test_hysteresis_as_scikit_image(seed):
    response = np.random.default_rng(seed).normal(0, 1, (25, 30, 3)).astype(np.float32)
    np.testing.assert_array_equal(
        hysteresis_volume(response, 0.6, 2.2), apply_hysteresis_threshold(response, 0.6, 2.2)
    )


def test_hysteresis_connects_through_channels_and_not_diagonally():
    response = np.zeros((2, 3, 3), np.float32)
    response[0, 0] = 1, 1, 9  # strong in the last channel, weak in the others
    response[0, 1, 0] = 1  # beside the weak first channel
    response[1, 2, 0] = 1  # touches that one at a corner only
    kept = hysteresis_volume(response, 0.5, 5)
    assert kept[0, 0].all()
    assert kept[0, 1, 0]
    assert not kept[1, 2].any()


def test_thresholds_are_exclusive():
    response = np.array([[[2, 5, 2]], [[2.5, 5.5, 2]]], np.float32)
    np.testing.assert_array_equal(
        hysteresis_volume(response, 2, 5), [[[False, True, False]], [[True, True, False]]]
    )


@pytest.mark.parametrize(
    "frame",
    [
        np.zeros((4, 4, 3), np.float32),
        np.zeros((4, 4), np.uint8),
        np.zeros((4, 4, 4), np.uint8),
        np.zeros((0, 4, 3), np.uint8),
    ],
)
def test_refuses_what_is_no_frame(frame):
    with pytest.raises(ValueError, match="expected uint8 of shape"):
        check_frame(frame)
    with pytest.raises(ValueError, match="expected uint8 of shape"):
        draw_contours(frame, ContourPreset())
