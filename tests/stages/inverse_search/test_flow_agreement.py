from __future__ import annotations

import numpy as np
import torch

from animeinterp.models.flow import backwarp
from animeinterp.stages.inverse_search.flow_agreement import agreement


def frames_of(seed: int, size: tuple[int, int] = (12, 17)) -> tuple[np.ndarray, np.ndarray]:
    first, second = np.random.default_rng(seed).integers(0, 256, (2, *size, 3), dtype=np.uint8)
    return first, second


def test_equal_frames_without_motion_agree_exactly() -> None:
    frame, _ = frames_of(0)
    still = np.zeros((2, 12, 17), np.float32)
    found = agreement(frame, frame, still, still)
    assert not found.difference.any()
    assert not found.inconsistency.any()
    assert not found.outside.any()


def test_a_shift_agrees_wherever_it_stays_inside() -> None:
    frame0, _ = frames_of(1)
    frame1 = np.roll(frame0, (2, 3), axis=(0, 1))
    flow01 = np.empty((2, 12, 17), np.float32)
    flow01[0], flow01[1] = 3, 2
    found = agreement(frame0, frame1, flow01, -flow01)
    expected = np.ones((12, 17), bool)
    expected[:10, :14] = False
    np.testing.assert_array_equal(found.outside, expected)
    assert not found.difference.any()
    assert not found.inconsistency.any()


def test_differences_and_inconsistencies_are_those_of_interpolated_values() -> None:
    frame0, frame1 = frames_of(2)
    flow01, flow10 = np.random.default_rng(3).uniform(-3, 3, (2, 2, 12, 17)).astype(np.float32)
    found = agreement(frame0, frame1, flow01, flow10)
    inside = ~found.outside
    assert 50 < inside.sum() < inside.size
    image = torch.from_numpy(np.dstack([frame1 / np.float32(255), flow10.transpose(1, 2, 0)]))
    there = backwarp(image.permute(2, 0, 1)[None], torch.from_numpy(flow01)[None])[0].numpy()
    difference = np.abs(frame0.transpose(2, 0, 1) / 255 - there[:3]).mean(axis=0)
    np.testing.assert_allclose(found.difference[inside], difference[inside], atol=1e-5)
    missed = np.hypot(*(flow01 + there[3:]))
    np.testing.assert_allclose(found.inconsistency[inside], missed[inside], atol=1e-4)


def test_a_flow_that_is_no_number_leads_outside() -> None:
    frame0, frame1 = frames_of(4)
    flow = np.zeros((2, 12, 17), np.float32)
    flow[0, 3, 4] = np.nan
    found = agreement(frame0, frame1, flow, np.zeros_like(flow))
    assert found.outside.sum() == 1
    assert found.outside[3, 4]
