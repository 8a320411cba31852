from __future__ import annotations

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from animeinterp.configs.sections import CoarseFlowSection, SegmentationSection
from animeinterp.data.cartoon import draw_triplet
from animeinterp.stages.coarse_flow import (
    PieceFate,
    _cut,
    _InverseSearch,
    _overlap,
    _pad,
    _Patch,
    _splat_mask,
    generate_coarse_flow,
    measure_overlaps,
    zero_coarse_flow,
)
from animeinterp.stages.matching import Matching
from animeinterp.stages.segmentation import measure_pieces, segment
from tests.plain import coarse_flow as plain

SHAPE = (120, 160)


def matching_of(match01, match10, rank_sum01=None, rank_sum10=None) -> Matching:
    match01, match10 = np.asarray(match01, np.int32), np.asarray(match10, np.int32)
    return Matching(
        match01=match01,
        match10=match10,
        rank_sum01=np.zeros(len(match01), np.int32) if rank_sum01 is None else rank_sum01.astype(np.int32),
        rank_sum10=np.zeros(len(match10), np.int32) if rank_sum10 is None else rank_sum10.astype(np.int32),
        score01=np.ones(len(match01), np.float32),
        score10=np.ones(len(match10), np.float32),
        affinity=None,
    )


def textured(x: int, y: int, width: int = 30, height: int = 26, shape=SHAPE):
    """A textured rectangle on a flat ground, and its label map: 0 = rectangle, 1 = ground."""
    rows, columns = np.indices((height, width))
    texture = 128 + 60 * np.sin(columns / 3.0) * np.cos(rows / 4.0)
    frame = np.full((*shape, 3), 230, np.uint8)
    frame[y : y + height, x : x + width] = texture[..., None].astype(np.uint8)
    labels = np.ones(shape, np.int32)
    labels[y : y + height, x : x + width] = 0
    return frame, measure_pieces(labels)


def test_golden(golden_case):
    for layers in golden_case.layers:
        wanted = golden_case.load(f"{layers}.coarse_flow")
        matches = golden_case.load(f"{layers}.matching")
        found = generate_coarse_flow(
            *golden_case.frames,
            *golden_case.pieces,
            matching_of(
                *(matches[f"{name}_{way}"] for name in ("match", "rank_sum") for way in ("13", "31"))
            ),
            CoarseFlowSection(),
        )
        for flow, fate, pieces, key in (
            (found.flow01, found.fate01, golden_case.pieces[0], "flow_13"),
            (found.flow10, found.fate10, golden_case.pieces[1], "flow_31"),
        ):
            assert flow.dtype == np.float32
            moving = np.unique(pieces.label_map[wanted[key].any(axis=0)])
            assert np.isin(moving, np.flatnonzero(fate == PieceFate.MOVED)).all()
            assert np.array_equal(moving, np.unique(pieces.label_map[flow.any(axis=0)]))
            # The golden flows are OpenCV 5.0.0's; another version's inverse search differs by a little.
            difference = np.abs(flow - wanted[key]).max(axis=0)
            if cv2.__version__ == "5.0.0":
                assert difference.max() < 1e-4
            else:
                assert np.quantile(difference, 0.999) < 0.05


def nearest_pieces(pieces0, pieces1) -> np.ndarray:
    distance = np.hypot(*(pieces0.centroid[:, None] - pieces1.centroid[None]).transpose(2, 0, 1))
    return distance.argmin(axis=1)


@pytest.mark.parametrize("style", ["Japan", "Disney"])
def test_as_plain_version_on_a_drawn_cartoon(style):
    triplet = draw_triplet(3, style=style, size=(96, 144))
    frames = triplet.frame0, triplet.frame1
    pieces = [segment(frame, SegmentationSection().anime) for frame in frames]
    match01, match10 = nearest_pieces(*pieces), nearest_pieces(*pieces[::-1])
    rank_sum01 = (match10[match01] != np.arange(len(match01))).astype(np.int32)
    rank_sum10 = (match01[match10] != np.arange(len(match10))).astype(np.int32)
    found = generate_coarse_flow(
        *frames, *pieces, matching_of(match01, match10, rank_sum01, rank_sum10), CoarseFlowSection()
    )
    grays = [cv2.cvtColor(frame, cv2.COLOR_RGB2GRAY) for frame in frames]
    labels = [found.label_map for found in pieces]
    for flow, fate, k, match, rank_sum in (
        (found.flow01, found.fate01, 1, match01, rank_sum01),
        (found.flow10, found.fate10, -1, match10, rank_sum10),
    ):
        wanted, moves = plain.coarse_flow(*grays[::k], *labels[::k], match, rank_sum)
        assert moves.any()
        np.testing.assert_array_equal(fate == PieceFate.MOVED, moves)
        np.testing.assert_array_equal(flow, wanted.astype(np.float32))


@settings(max_examples=60, derandomize=True)
@given(
    seed=st.integers(0, 2**32 - 1),
    height=st.integers(26, 90),
    width=st.integers(26, 90),
    blur=st.sampled_from([0, 1, 4]),
    share=st.floats(0, 1),
    gradient_iterations=st.integers(1, 60),
    variational_iterations=st.integers(0, 30),
    finest_scale=st.integers(0, 1),
)
def test_search_between_equal_pictures_finds_rest(
    seed, height, width, blur, share, gradient_iterations, variational_iterations, finest_scale
):
    # What lets `bend` answer without a search.
    rng = np.random.default_rng(seed)
    picture = rng.integers(0, 256, (height, width)).astype(np.uint8)
    if blur:
        picture = cv2.GaussianBlur(picture, (0, 0), blur)
    picture[rng.random((height, width)) < share] = 0
    section = CoarseFlowSection(
        gradient_iterations=gradient_iterations,
        variational_iterations=variational_iterations,
        finest_scale=finest_scale,
    )
    search = _InverseSearch(section)
    assert not search.calc(picture, picture.copy()).any()
    found = search.bend(picture, picture.copy())
    assert found.shape == (height, width, 2)
    assert found.dtype == np.float32
    assert not found.any()


def test_small_pictures_leave_the_search_of_large_ones_as_it_is() -> None:
    rng = np.random.default_rng(0)
    small, large = (
        [cv2.GaussianBlur(rng.integers(0, 256, size).astype(np.uint8), (0, 0), 2) for _ in range(2)]
        for size in ((26, 40), (64, 90))
    )
    whole, half = (_InverseSearch(CoarseFlowSection(finest_scale=scale)) for scale in (0, 1))
    before = half.bend(*large)
    assert np.array_equal(half.bend(*small), whole.bend(*small))  # too small for half size
    assert np.array_equal(half.bend(*large), before)
    assert not np.array_equal(whole.bend(*large), before)


@pytest.mark.parametrize("finest_scale", [0, 1])
@pytest.mark.parametrize(("dx", "dy"), [(7, 4), (-12, 0), (0, 9), (31, -17)])
def test_translated_rectangle(dx, dy, finest_scale):
    frame0, pieces0 = textured(60, 45)
    frame1, pieces1 = textured(60 + dx, 45 + dy)
    found = generate_coarse_flow(
        frame0,
        frame1,
        pieces0,
        pieces1,
        matching_of([0, 1], [0, 1]),
        CoarseFlowSection(finest_scale=finest_scale),
    )
    inside = pieces0.label_map == 0
    np.testing.assert_allclose(found.flow01[0][inside], dx, atol=0.1)
    np.testing.assert_allclose(found.flow01[1][inside], dy, atol=0.1)
    assert (found.flow01[:, ~inside] == 0).all()
    np.testing.assert_allclose(found.flow10[0][pieces1.label_map == 0], -dx, atol=0.1)
    assert list(found.fate01) == list(found.fate10) == [PieceFate.MOVED, PieceFate.TOO_LARGE]
    assert found.flow01.shape == found.flow10.shape == (2, *SHAPE)
    assert found.fate01.dtype == np.uint8


def test_no_motion_is_exactly_zero():
    frame, pieces = textured(60, 45)
    found = generate_coarse_flow(
        frame, frame, pieces, pieces, matching_of([0, 1], [0, 1]), CoarseFlowSection()
    )
    assert found.fate01[0] == PieceFate.MOVED
    assert not found.flow01.any()
    assert not found.flow10.any()


def test_half_pixels_of_box_centres_are_kept():
    frame0, pieces0 = textured(60, 45, width=30)
    frame1, pieces1 = textured(60, 45, width=31)
    found = generate_coarse_flow(
        frame0, frame1, pieces0, pieces1, matching_of([0, 1], [0, 1]), CoarseFlowSection()
    )
    # The centres differ by 0.5, while the padding (5 in front of both) aligns the left edges.
    np.testing.assert_allclose(np.median(found.flow01[0][pieces0.label_map == 0]), 0.5, atol=0.1)


def test_zero_flow():
    found = zero_coarse_flow(SHAPE)
    for flow in (found.flow01, found.flow10):
        assert flow.shape == (2, *SHAPE)
        assert flow.dtype == np.float32
        assert not flow.any()
    assert found.fate01.shape == found.fate10.shape == (0,)
    assert found.fate01.dtype == found.fate10.dtype == np.uint8


def fate_of_rectangle(first: dict, second: dict, section: CoarseFlowSection, rank_sum: int = 0) -> PieceFate:
    frame0, pieces0 = textured(**first)
    frame1, pieces1 = textured(**second)
    sums = np.array([rank_sum, 0])
    found = generate_coarse_flow(
        frame0, frame1, pieces0, pieces1, matching_of([0, 1], [0, 1], sums, sums), section
    )
    moved = found.flow01[:, pieces0.label_map == 0].any()
    assert moved == (found.fate01[0] == PieceFate.MOVED)
    return PieceFate(found.fate01[0])


def test_every_fate():
    here, there = {"x": 60, "y": 45}, {"x": 66, "y": 45}
    default = CoarseFlowSection()
    assert fate_of_rectangle(here, there, default) is PieceFate.MOVED
    assert fate_of_rectangle(here, there, default, rank_sum=1) is PieceFate.NOT_MUTUAL
    assert fate_of_rectangle(here, there, CoarseFlowSection(rank_sum_limit=1), rank_sum=1) is PieceFate.MOVED
    assert fate_of_rectangle(here, there, CoarseFlowSection(max_shift=5.9)) is PieceFate.TOO_FAR
    assert fate_of_rectangle(here, there, CoarseFlowSection(max_shift=6)) is PieceFate.MOVED
    assert fate_of_rectangle(here, there, CoarseFlowSection(min_area=30 * 26)) is PieceFate.TOO_SMALL
    assert fate_of_rectangle(here, there, CoarseFlowSection(min_area=30 * 26 - 1)) is PieceFate.MOVED
    share = 30 * 26 / (SHAPE[0] * SHAPE[1])
    assert fate_of_rectangle(here, there, CoarseFlowSection(max_area_share=share)) is PieceFate.TOO_LARGE
    half = {**there, "height": 13}
    assert fate_of_rectangle(here, half, CoarseFlowSection(max_area_ratio=2)) is PieceFate.AREA_RATIO
    assert fate_of_rectangle(here, half, CoarseFlowSection(max_area_ratio=2.01)) is not PieceFate.AREA_RATIO
    upright = {"x": 70, "y": 30, "width": 10, "height": 60}
    lying = {"x": 45, "y": 55, "width": 60, "height": 10}
    assert fate_of_rectangle(upright, lying, default) is PieceFate.NO_OVERLAP


def test_first_reason_is_given():
    here, there = {"x": 60, "y": 45}, {"x": 66, "y": 45}
    strict = CoarseFlowSection(max_shift=1, min_area=5000, max_area_share=1e-4)
    assert fate_of_rectangle(here, there, strict, rank_sum=3) is PieceFate.NOT_MUTUAL
    assert fate_of_rectangle(here, there, strict) is PieceFate.TOO_FAR


@pytest.mark.parametrize("threads", [1, 2, 5])
def test_threads_change_nothing(threads):
    frame0, pieces0 = textured(60, 45)
    frame1, pieces1 = textured(67, 49, width=33)
    before = cv2.getNumThreads()
    results = []
    try:
        for count in (threads, 3):
            cv2.setNumThreads(count)
            results.append(
                generate_coarse_flow(
                    frame0, frame1, pieces0, pieces1, matching_of([0, 1], [0, 1]), CoarseFlowSection()
                )
            )
    finally:
        cv2.setNumThreads(before)
    np.testing.assert_array_equal(results[0].flow01, results[1].flow01)


def test_pieces_are_cut_black_around_and_brightened_when_dark():
    labels = np.array([[1, 0, 1], [0, 0, 1], [1, 1, 1]], np.int32)
    pieces = measure_pieces(labels)
    gray = np.array([[200, 19, 200], [20, 18, 200], [200, 200, 200]], np.uint8)
    patch = _cut(gray, pieces, 0, 20)  # mean 19
    np.testing.assert_array_equal(patch.mask, [[False, True], [True, True]])
    # 0.8 v + 40 = 55.2, 56, 54.4, truncated
    np.testing.assert_array_equal(patch.gray, [[0, 55], [56, 54]])
    np.testing.assert_array_equal(_cut(gray, pieces, 0, 19).gray, [[0, 19], [20, 18]])


def test_odd_padding_goes_behind():
    patch = _Patch(np.full((3, 4), 9, np.uint8), np.ones((3, 4), bool))
    padded = _pad(patch, (6, 7))
    assert padded.gray.shape == padded.mask.shape == (6, 7)
    np.testing.assert_array_equal(np.argwhere(padded.mask)[[0, -1]], [[1, 1], [3, 4]])
    np.testing.assert_array_equal(padded.gray == 9, padded.mask)


@settings(max_examples=20, derandomize=True)
@given(seed=st.integers(0, 2**32 - 1), height=st.integers(1, 9), width=st.integers(1, 9))
def test_splat_as_slow_version(seed, height, width):
    rng = np.random.default_rng(seed)
    mask = rng.random((height, width)) < 0.5
    flow = rng.normal(0, 3, (height, width, 2)).astype(np.float32)
    flow[rng.random((height, width)) < 0.3] = 1
    values, weights = plain.splat_mask(mask, flow)
    found = _splat_mask(mask, flow)
    np.testing.assert_allclose(found[0], values, atol=1e-6)
    np.testing.assert_allclose(found[1], weights, atol=1e-6)


def test_overlap_is_a_share_of_pixels():
    mask0, mask1 = np.zeros((4, 10), bool), np.zeros((4, 10), bool)
    mask0[1, 1:5] = True
    mask1[1, 4:9] = True
    still, flow = np.zeros((4, 10, 2), np.float32), np.zeros((4, 10, 2), np.float32)
    flow[..., 0] = 3
    assert _overlap(mask0, mask1, still) == 0.25
    assert _overlap(mask0, mask1, flow) == 1
    assert _overlap(mask0, mask1, np.full((4, 10, 2), 100, np.float32)) == 0  # all moved out


def test_refuses():
    frame, pieces = textured(60, 45)
    small, small_pieces = textured(10, 10, shape=(80, 80))
    good, section = matching_of([0, 1], [0, 1]), CoarseFlowSection()
    with pytest.raises(ValueError, match="expected uint8"):
        generate_coarse_flow(frame[..., 0], frame, pieces, pieces, good, section)
    with pytest.raises(ValueError, match="expected uint8"):
        generate_coarse_flow(frame, frame / 255, pieces, pieces, good, section)
    with pytest.raises(ValueError, match="one size"):
        generate_coarse_flow(frame, small, pieces, small_pieces, good, section)
    with pytest.raises(ValueError, match="one size"):
        generate_coarse_flow(frame, frame, pieces, small_pieces, good, section)
    with pytest.raises(ValueError, match="matching is for 1 and 2 pieces"):
        generate_coarse_flow(frame, frame, pieces, pieces, matching_of([0], [0, 1]), section)


def test_overlaps_are_those_that_decide():
    """Pieces that moved lie above the limit, those that failed it below or on it."""
    triplet = draw_triplet(3, size=(96, 160))
    frames = triplet.frame0, triplet.frame1
    pieces = [segment(frame, SegmentationSection().anime) for frame in frames]
    match = nearest_pieces(*pieces)
    back = nearest_pieces(*pieces[::-1])
    section = CoarseFlowSection(min_area=10, max_area_ratio=20, max_area_share=0.5)
    found = generate_coarse_flow(*frames, *pieces, matching_of(match, back), section)
    asked = np.flatnonzero(np.isin(found.fate01, (PieceFate.MOVED, PieceFate.NO_OVERLAP)))
    shares = measure_overlaps(*frames, *pieces, match, asked, section)
    assert set(found.fate01[asked]) == {PieceFate.MOVED, PieceFate.NO_OVERLAP}
    np.testing.assert_array_equal(shares > section.min_overlap, found.fate01[asked] == PieceFate.MOVED)
    assert ((shares >= 0) & (shares <= 1)).all()
