from __future__ import annotations

import numpy as np
import pytest
import torch

from animeinterp.models.arrays import check_one_size, check_pair, flow_tensor, frame_tensor


def test_frame_is_scaled_to_one_with_channels_first() -> None:
    frame = np.zeros((2, 4, 3), np.uint8)
    frame[0, 1] = [255, 51, 0]
    tensor = frame_tensor([frame[:, ::-1]], "cpu")  # views with negative strides too
    assert tensor.shape == (1, 3, 2, 4)
    assert tensor.dtype == torch.float32
    assert tensor[0, :, 0, 2].tolist() == [1.0, pytest.approx(0.2), 0.0]


def test_flow_is_copied() -> None:
    flow = np.ones((2, 3, 4), np.float32)
    tensor = flow_tensor([flow], "cpu")
    flow[:] = 0
    assert tensor.shape == (1, 2, 3, 4)
    assert (tensor == 1).all()


FRAME = np.zeros((4, 5, 3), np.uint8)
FLOW = np.zeros((2, 4, 5), np.float32)
NOT_FINITE = FLOW.copy()
NOT_FINITE[0, 0, :2] = np.nan, np.inf


@pytest.mark.parametrize(
    ("frame0", "frame1", "flow", "message"),
    [
        (FRAME[0], FRAME, FLOW, r"frame0 has shape \(5, 3\), expected \(H, W, 3\)"),
        (FRAME[..., :1], FRAME, FLOW, r"frame0 has shape \(4, 5, 1\)"),
        (FRAME[:0], FRAME, FLOW, r"frame0 has shape \(0, 5, 3\), expected .* at least one pixel"),
        (FRAME, FRAME[1:], FLOW, r"frame1 has shape \(3, 5, 3\) and frame0 \(4, 5, 3\)"),
        (FRAME.astype(np.float32), FRAME, FLOW, "frame0 is of dtype float32, expected uint8"),
        (FRAME, FRAME.astype(np.int8), FLOW, "frame1 is of dtype int8, expected uint8"),
        (
            FRAME,
            FRAME,
            FLOW[:, 1:],
            r"flow01 has shape \(2, 3, 5\) and frame0 \(4, 5, 3\), expected \(2, 4, 5\)",
        ),
        (FRAME, FRAME, FLOW.astype(np.float64), "flow01 is of dtype float64, expected float32"),
        (FRAME, FRAME, NOT_FINITE, "flow01 holds 2 values that are not finite"),
        (FRAME, FRAME, FLOW + 6, "flow01 carries every pixel out of the frame of 5x4; expected pixels"),
        (FRAME, FRAME, FLOW - 1e30, "flow01 carries every pixel out of the frame of 5x4"),
    ],
)
def test_what_does_not_fit_is_refused(
    frame0: np.ndarray, frame1: np.ndarray, flow: np.ndarray, message: str
) -> None:
    with pytest.raises(ValueError, match=message):
        check_pair(frame0, frame1, flow01=flow)


def test_batches_hold_one_size() -> None:
    check_one_size([FRAME, FRAME])
    with pytest.raises(ValueError, match=r"frames of sizes \[\(3, 5\), \(4, 5\)\], expected one size"):
        check_one_size([FRAME, FRAME[1:]])
    with pytest.raises(ValueError, match=r"frames of sizes \[\], expected one size"):
        check_one_size([])


def test_a_flow_that_keeps_one_pixel_inside_is_accepted() -> None:
    flow = FLOW + 100
    flow[:, 3, 4] = -4.5, -3.5  # between column -1 and 0, row -1 and 0
    check_pair(FRAME, FRAME, flow01=flow)
    flow[0, 3, 4] = -5
    with pytest.raises(ValueError, match="carries every pixel out"):
        check_pair(FRAME, FRAME, flow01=flow)


def test_what_fits_is_accepted() -> None:
    check_pair(FRAME, FRAME, flow01=FLOW, flow10=FLOW)
