from __future__ import annotations

import numpy as np
import pytest

from animeinterp.stages.imported_flow import check_flow, import_coarse_flow

SIZE = (6, 8)


def flow(size=SIZE, dtype=np.float64, seed=0):
    """Vectors of some pixels."""
    return np.random.default_rng(seed).uniform(-3, 3, (2, *size)).astype(dtype)


@pytest.mark.parametrize("dtype", ["float16", "float32", "float64", ">f4"])
def test_values_are_kept_as_float32(dtype):
    flow01, flow10 = flow(dtype=dtype), flow(dtype=dtype, seed=1)
    found = import_coarse_flow(flow01, flow10, SIZE)
    for given, taken in ((flow01, found.flow01), (flow10, found.flow10)):
        assert taken.dtype == np.float32
        assert taken.flags.c_contiguous
        np.testing.assert_array_equal(taken, given.astype(np.float32))
    assert found.fate01.shape == found.fate10.shape == (0,)
    assert found.fate01.dtype == np.uint8


def test_every_bit_of_float32_comes_back_from_float64():
    exact = flow(dtype=np.float32)
    exact[0, 0, :2] = (-0.0, np.float32(1e-42))  # negative zero, and a number below the normal ones
    found = import_coarse_flow(exact.astype(np.float64), exact, SIZE)
    assert found.flow01.tobytes() == found.flow10.tobytes() == exact.tobytes()


def test_column_major_arrays_are_taken():
    given = np.asfortranarray(flow())
    np.testing.assert_array_equal(import_coarse_flow(given, given, SIZE).flow01, given.astype(np.float32))


def test_other_sizes_take_the_nearest_vector_in_pixels_of_the_frame():
    found = import_coarse_flow(flow(), flow(seed=1), (12, 16))
    np.testing.assert_array_equal(found.flow01, 2 * flow(dtype=np.float32).repeat(2, 1).repeat(2, 2))
    back = import_coarse_flow(found.flow01, found.flow10, SIZE)
    np.testing.assert_array_equal(back.flow01, flow(dtype=np.float32))


def test_each_axis_has_its_own_ratio():
    found = import_coarse_flow(np.ones((2, 5, 7)), np.ones((2, 5, 7)), (10, 15))
    np.testing.assert_allclose(found.flow01[0], 15 / 7, rtol=1e-6)
    np.testing.assert_allclose(found.flow01[1], 2)


@pytest.mark.parametrize(
    ("flow_size", "frame_size"),
    [
        ((540, 960), (1080, 1920)),
        ((135, 240), (540, 960)),
        ((270, 480), (541, 960)),  # 541 / 2 rounded down
        ((251, 250), (1001, 1003)),  # one rounded up, one down
        ((1001, 1003), (251, 250)),
        ((1, 1), (1, 1)),
    ],
)
def test_proportions_are_the_same_up_to_rounding(flow_size, frame_size):
    still = np.zeros((2, *flow_size), np.float16)
    assert import_coarse_flow(still, still, frame_size).flow01.shape == (2, *frame_size)


@pytest.mark.parametrize(
    ("flow_size", "frame_size"),
    [((540, 960), (960, 540)), ((540, 960), (720, 960)), ((270, 480), (544, 960)), ((8, 8), (6, 8))],
)
def test_other_proportions_are_refused(flow_size, frame_size):
    still = np.zeros((2, *flow_size))
    with pytest.raises(
        ValueError,
        match=f"a.npy is {flow_size[1]}x{flow_size[0]} and the frames {frame_size[1]}x{frame_size[0]}: "
        "their proportions differ; make the flow from these frames",
    ):
        import_coarse_flow(still, still, frame_size, ("a.npy", "b.npy"))


def test_both_ways_have_one_size():
    with pytest.raises(ValueError, match="a.npy is 8x6 and b.npy 16x12; both flows"):
        import_coarse_flow(flow(), flow((12, 16)), SIZE, ("a.npy", "b.npy"))


def with_value(value, *place):
    spoilt = flow()
    spoilt[place] = value
    return spoilt


@pytest.mark.parametrize(
    ("spoilt", "said"),
    [
        (flow().astype(np.int16), "holds int16; expected float16, float32 or float64"),
        (flow().astype(np.complex64), "holds complex64"),
        (flow().astype(np.longdouble), f"holds {np.dtype(np.longdouble)}"),
        (flow().astype(str), "holds <U"),
        (flow()[0], r"has shape \(6, 8\); expected \(2, height, width\), dx first; replace it"),
        (flow().transpose(1, 2, 0), r"has shape \(6, 8, 2\); .*save flow.transpose\(2, 0, 1\)"),
        (flow()[None], r"has shape \(1, 2, 6, 8\)"),
        (flow()[:, :0], r"has shape \(2, 0, 8\)"),
        (np.zeros((3, 6, 8)), r"has shape \(3, 6, 8\)"),
        (np.float32(1), r"has shape \(\)"),
        (with_value(np.nan, 1, 3, 4), "not finite in 1 of 96 values, the first is dy at x = 4, y = 3"),
        (with_value(-np.inf, 0, 2), "not finite in 8 of 96 values, the first is dx at x = 0, y = 2"),
        (with_value(10.5, 0, 5, 7), "a vector of 10.*px at x = 7, y = 5, longer than its diagonal of 10 px"),
        (flow().astype(np.float32) * 1e38, "longer than its diagonal"),
    ],
)
def test_what_is_no_flow_is_refused_by_name(spoilt, said):
    with pytest.raises(ValueError, match=f"^flow.npy {said}|^flow.npy .*{said}"):
        check_flow(np.asarray(spoilt), "flow.npy")
    with pytest.raises(ValueError, match="^flow10 "):
        import_coarse_flow(flow(), np.asarray(spoilt), SIZE)


def test_a_vector_as_long_as_the_diagonal_is_one():
    longest = np.zeros((2, 6, 8), np.float32)
    longest[:, 0, 0] = (8, 6)
    check_flow(longest)
