from __future__ import annotations

import itertools

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from skimage.filters import apply_hysteresis_threshold

from animeinterp.configs.sections import ContourPreset, DisneyContourPreset
from animeinterp.data.cartoon import draw_triplet
from animeinterp.stages.segmentation.contours import (
    LAPLACIAN,
    check_frame,
    draw_contours,
    find_edges,
    find_inside,
)
from tests.plain import segmentation as plain


def test_golden(golden_case):
    for name, frame in zip(("frame1", "frame3"), golden_case.frames, strict=True):
        contour = draw_contours(frame, golden_case.preset)
        np.testing.assert_array_equal(contour, golden_case.segmentation[f"{name}_contour"])
        np.testing.assert_array_equal(find_inside(contour), golden_case.segmentation[f"{name}_binary"])


@pytest.mark.parametrize("preset", [ContourPreset(), DisneyContourPreset()], ids=["anime", "disney"])
@pytest.mark.parametrize("style", ["Japan", "Disney"])
def test_drawn_cartoon_as_plain_version(style, preset):
    frame = draw_triplet(1, (72, 96), style=style).frame0
    np.testing.assert_array_equal(draw_contours(frame, preset), plain.draw_contours(frame, preset))


@settings(max_examples=60, derandomize=True)
@given(
    seed=st.integers(0, 2**32 - 1),
    height=st.integers(1, 30),
    width=st.integers(1, 30),
    levels=st.sampled_from([1, 2, 8, 256]),
    grain=st.sampled_from([1, 3]),
    thresholds=st.lists(st.sampled_from([0, 0.5, 1, 2, 20, 100, 254.9, 255, 300]), min_size=2, max_size=2),
)
def test_noise_as_plain_version(seed, height, width, levels, grain, thresholds):
    rng = np.random.default_rng(seed)
    frame = rng.integers(0, levels, (height, width, 3), dtype=np.uint8)
    frame = frame.repeat(grain, axis=0).repeat(grain, axis=1)
    preset = ContourPreset(diameter=5, low=min(thresholds), high=max(thresholds))
    np.testing.assert_array_equal(draw_contours(frame, preset), plain.draw_contours(frame, preset))


def test_laplacian_as_opencv():
    image = np.random.default_rng(0).integers(0, 2, (20, 30, 3), dtype=np.uint8) * 255
    wanted = cv2.Laplacian(image, cv2.CV_32F, ksize=5)
    np.testing.assert_array_equal(cv2.filter2D(image, cv2.CV_16S, LAPLACIAN), wanted)
    assert 255 * LAPLACIAN[LAPLACIAN > 0].sum() < np.iinfo(np.int16).max


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


def test_thresholds_are_exclusive():
    frame = np.zeros((9, 9, 3), np.uint8)
    frame[4, 4] = 200  # its strongest response, scaled to 255, is beside it
    preset = ContourPreset(sigma_color=1)
    assert (draw_contours(frame, preset.model_copy(update={"low": 255.0, "high": 255.0})) == 255).all()
    below = draw_contours(frame, preset.model_copy(update={"low": 254.9, "high": 254.9}))
    assert set(np.unique(below)) == {0, 255}


@pytest.mark.parametrize("seed", range(4))
def test_edges_as_scikit_image(seed):
    response = np.random.default_rng(seed).normal(0, 100, (25, 30, 3)).astype(np.int16)
    before = response.copy()
    kept = apply_hysteresis_threshold(response, 59, 219)
    edges = find_edges(response, 60, 220)
    assert edges.dtype == np.int16
    np.testing.assert_array_equal(edges, np.where(kept, response, 0).max(axis=2))
    np.testing.assert_array_equal(response, before)


def test_edges_connect_through_faces_only():
    voxels = list(np.ndindex(3, 3, 3))
    for strong, weak in itertools.permutations(voxels, 2):
        response = np.zeros((3, 3, 3), np.int16)
        response[strong], response[weak] = 90, 20
        wanted = response.copy()
        if np.abs(np.subtract(strong, weak)).sum() > 1:
            wanted[weak] = 0
        np.testing.assert_array_equal(find_edges(response, 10, 50), wanted.max(axis=2))


@pytest.mark.parametrize(("low", "high"), [(0, 5), (6, 5)])
def test_find_edges_refuses(low, high):
    with pytest.raises(ValueError, match=f"low is {low} and high 5"):
        find_edges(np.zeros((2, 2, 3), np.int16), low, high)


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
