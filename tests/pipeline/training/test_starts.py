from __future__ import annotations

import cv2
import numpy as np
import pytest

from animeinterp.configs.sections import TrainingSection
from animeinterp.pipeline.training.starts import (
    composite_of,
    searched_flows,
    smooth_noise,
    starting_flows,
)


def pair() -> tuple[np.ndarray, np.ndarray]:
    """A smooth texture that moves by 4 pixels to the right."""
    noise = np.random.default_rng(0).integers(0, 256, (64, 72, 3), np.uint8)
    texture = cv2.normalize(cv2.GaussianBlur(noise, (0, 0), 2), None, 0, 255, cv2.NORM_MINMAX)
    return texture[:, 4:], texture[:, :-4]


def test_a_shift_is_found_and_drawn_half_way() -> None:
    frames = pair()
    flows = searched_flows(*frames)
    assert flows.dtype == np.float32
    assert np.median(flows[0, 0]) == pytest.approx(4, abs=0.3)
    assert np.median(flows[1, 0]) == pytest.approx(-4, abs=0.3)
    drawn = composite_of(*frames, flows, 0.5)
    half_way = frames[0][:, 4:-4] / 255  # columns 6 to 66 of frame 0 lie 2 further left there
    assert np.abs(drawn[:, 6:-2] - half_way).mean() < 0.01


def test_coarse_flows_help_the_search() -> None:
    noise = np.random.default_rng(0).integers(0, 256, (64, 200, 3), np.uint8)
    texture = cv2.GaussianBlur(noise, (0, 0), 1)
    frames = texture[:, 90:], texture[:, :-90]
    coarse = np.zeros((2, 2, 64, 110), np.float32)
    coarse[:, 0] = np.array([90, -90], np.float32)[:, None, None]
    left = searched_flows(*frames, coarse)[0, 0, :, :20]
    assert np.median(left) == pytest.approx(90, abs=0.5)
    assert abs(np.median(searched_flows(*frames)[0, 0, :, :20]) - 90) > 5


def test_kinds_of_starts() -> None:
    searched = searched_flows(*pair())
    before = searched.copy()

    def start(seed: int, **settings: float) -> np.ndarray:
        section = TrainingSection(**settings)  # type: ignore[arg-type]
        return starting_flows(searched, section, np.random.default_rng(seed))

    assert not start(0, zero_starts=1.0).any()
    plain = start(0, zero_starts=0.0, start_noise=0.0)
    assert np.array_equal(plain, searched)
    noisy = start(0, zero_starts=0.0, start_noise=2.0)
    assert 0.05 < np.abs(noisy - plain).mean() < 4
    assert np.array_equal(noisy, start(0, zero_starts=0.0, start_noise=2.0))
    assert np.array_equal(searched, before)


def test_noise_is_smooth() -> None:
    noise = smooth_noise((96, 64), np.random.default_rng(0))
    assert noise.shape == (2, 96, 64)
    assert np.abs(np.diff(noise, axis=1)).max() < 0.5
