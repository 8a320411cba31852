from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from animeinterp.configs.sections import ContourPreset, DisneyContourPreset
from animeinterp.data.cartoon import draw_triplet
from animeinterp.stages.segmentation import measure_pieces, segment, segmentation_steps, trapped_ball
from tests.plain import segmentation as plain


def assert_valid(pieces, shape):
    assert pieces.label_map.shape == shape
    assert pieces.label_map.dtype == np.int32
    np.testing.assert_array_equal(np.unique(pieces.label_map), np.arange(pieces.count))
    assert (np.diff(pieces.area) >= 0).all()
    assert pieces.area.sum() == pieces.label_map.size


def stripes(shape):
    """Red and cyan, two pixels each: edges of one or the other at every pixel, nothing but lines."""
    red = np.broadcast_to(np.arange(shape[1]) // 2 % 2 == 0, shape)
    return np.uint8(255) * np.stack([red, ~red, ~red], axis=2)


def test_golden(golden_case):
    for name, frame in zip(("frame1", "frame3"), golden_case.frames, strict=True):
        steps = segmentation_steps(frame, golden_case.preset)
        wanted = {key: golden_case.segmentation[f"{name}_{key}"] for key in ("thinned", "labels")}
        np.testing.assert_array_equal(steps.thinned, wanted["thinned"])
        # Pieces of equal area may be numbered otherwise: the same partition, the same area by number.
        np.testing.assert_array_equal(
            np.bincount(steps.label_map.ravel()), np.bincount(wanted["labels"].ravel())
        )
        pairs = np.stack([steps.label_map.ravel(), wanted["labels"].ravel()], axis=1)
        assert len(np.unique(pairs, axis=0)) == steps.label_map.max() + 1


@pytest.mark.slow
def test_plain_version_golden(golden_case):
    wanted = {name: golden_case.segmentation[f"frame1_{name}"] for name in ("fillmap", "merged", "thinned")}
    contour = plain.draw_contours(golden_case.frames[0], golden_case.preset)
    np.testing.assert_array_equal(contour, golden_case.segmentation["frame1_contour"])
    np.testing.assert_array_equal(plain.fill_pieces(contour > 220), wanted["fillmap"])
    merged = plain.merge_fills(wanted["fillmap"], golden_case.frames[0])
    np.testing.assert_array_equal(merged, wanted["merged"])
    np.testing.assert_array_equal(plain.assign_lines(merged), wanted["thinned"])


@pytest.mark.parametrize("preset", [ContourPreset(), DisneyContourPreset()], ids=["anime", "disney"])
@pytest.mark.parametrize("style", ["Japan", "Disney"])
def test_drawn_cartoon_as_plain_version(style, preset):
    frame = draw_triplet(5, (72, 96), style=style).frame0
    pieces = segment(frame, preset)
    assert_valid(pieces, (72, 96))
    np.testing.assert_array_equal(pieces.label_map, plain.segment(frame, preset))


@settings(max_examples=20, derandomize=True)
@given(
    seed=st.integers(0, 2**32 - 1),
    height=st.integers(1, 40),
    width=st.integers(1, 40),
    levels=st.sampled_from([2, 20, 256]),
    grain=st.sampled_from([1, 3, 9]),
)
def test_noise_as_plain_version(seed, height, width, levels, grain):
    coarse = np.random.default_rng(seed).integers(0, levels, (height, width, 3), dtype=np.uint8)
    frame = coarse.repeat(grain, axis=0).repeat(grain, axis=1)[:height, :width]
    pieces = segment(frame, ContourPreset())
    assert_valid(pieces, (height, width))
    np.testing.assert_array_equal(pieces.label_map, plain.segment(frame, ContourPreset()))


def test_drawn_shapes_become_pieces(drawn_frame):
    pieces = segment(drawn_frame, ContourPreset())
    assert_valid(pieces, (90, 120))
    labels = pieces.label_map
    rectangle, disc, gapped, ground = labels[30, 25], labels[35, 85], labels[72, 60], labels[3, 3]
    assert len({rectangle, disc, gapped, ground}) == 4
    assert ground == pieces.count - 1
    np.testing.assert_allclose(pieces.centroid[disc], (85, 35), atol=0.5)
    np.testing.assert_allclose(pieces.area[disc], np.pi * 22**2, rtol=0.15)


def test_same_pieces_without_and_with_channels_reversed(drawn_frame):
    np.testing.assert_array_equal(
        segment(drawn_frame, ContourPreset()).label_map,
        segment(drawn_frame[:, :, ::-1], ContourPreset()).label_map,
    )


@pytest.mark.parametrize("preset", [ContourPreset(), DisneyContourPreset()], ids=["anime", "disney"])
@pytest.mark.parametrize("shape", [(1, 1), (1, 40), (40, 1), (2, 2), (8, 8), (64, 80)])
def test_degenerate_frames_give_valid_maps(shape, preset):
    height, width = shape
    rng = np.random.default_rng(3)
    rows, columns = np.indices(shape)
    frames = [
        np.full((*shape, 3), 128, np.uint8),
        rng.integers(0, 256, (*shape, 3), dtype=np.uint8),
        np.repeat(((rows + columns) % 2 * 255).astype(np.uint8)[..., None], 3, axis=2),
        stripes(shape),
        np.where(((rows % 6 == 0) | (columns % 6 == 0))[..., None], 0, 255)
        .repeat(3, axis=2)
        .astype(np.uint8),
        rng.integers(0, 256, (-(-height // 8), -(-width // 8), 3), dtype=np.uint8)
        .repeat(8, axis=0)
        .repeat(8, axis=1)[:height, :width],
    ]
    for frame in frames:
        assert_valid(segment(frame, preset), shape)


def test_one_colour_is_one_piece():
    pieces = segment(np.full((20, 31, 3), 200, np.uint8), ContourPreset())
    assert pieces.count == 1
    np.testing.assert_array_equal(pieces.box, [[0, 0, 30, 19]])
    np.testing.assert_array_equal(pieces.centroid, [[15, 9.5]])


def test_lines_only_are_one_piece():
    frame = stripes((40, 52))
    steps = segmentation_steps(frame, ContourPreset())
    assert not steps.binary.any()
    assert segment(frame, ContourPreset()).count == 1


def test_grid_of_lines():
    # The most pieces found for any frame of this size.
    frame = np.full((540, 960, 3), 255, np.uint8)
    frame[::6] = frame[:, ::6] = 0
    pieces = segment(frame, ContourPreset())
    assert_valid(pieces, (540, 960))
    assert pieces.count == 14_025


def test_never_more_pieces_than_the_limits(monkeypatch):
    # A grid of lines with 100 cells, and too few fills for them.
    monkeypatch.setattr(trapped_ball, "MOST_FILLS", 5)
    monkeypatch.setattr(trapped_ball, "MOST_COMPONENTS", 8)
    frame = np.full((80, 80, 3), 255, np.uint8)
    frame[::8] = frame[:, ::8] = 0
    steps = segmentation_steps(frame, ContourPreset(), merge_rounds=0)
    filled = steps.fill_map.max()
    assert 5 < filled <= 3 * 5 + 8
    assert (steps.binary[steps.fill_map == 0] > 0).any()
    pieces = measure_pieces(steps.label_map)
    assert_valid(pieces, (80, 80))
    assert pieces.count == filled
    assert (steps.thinned > 0).all()


def test_merge_rounds_are_passed_on(drawn_frame):
    assert (
        segment(drawn_frame, ContourPreset(), merge_rounds=0).count
        > segment(drawn_frame, ContourPreset()).count
    )


def test_segment_refuses():
    with pytest.raises(ValueError, match="expected uint8"):
        segment(np.zeros((4, 4, 3)), ContourPreset())
    with pytest.raises(ValueError, match="rounds is -1"):
        segment(np.zeros((4, 4, 3), np.uint8), ContourPreset(), merge_rounds=-1)
