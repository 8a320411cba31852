from __future__ import annotations

import cv2
import numpy as np
import pytest

from animeinterp.configs.sections import TrainingSection
from animeinterp.pipeline.training.starts import dis_flow, smooth_noise, starting_flows


def pair() -> tuple[np.ndarray, np.ndarray]:
    """A smooth texture that moves by 4 pixels to the right."""
    noise = np.random.default_rng(0).integers(0, 256, (64, 72, 3), np.uint8)
    texture = cv2.normalize(cv2.GaussianBlur(noise, (0, 0), 2), None, 0, 255, cv2.NORM_MINMAX)
    return texture[:, 4:], texture[:, :-4]


def test_dis_finds_a_shift() -> None:
    flow = dis_flow(*pair())
    assert flow.dtype == np.float32
    assert np.median(flow[0]) == pytest.approx(4, abs=0.3)
    assert not dis_flow(*(frame[:8] for frame in pair())).any()


def test_kinds_of_starts() -> None:
    def start(seed: int, **settings: float) -> np.ndarray:
        section = TrainingSection(**settings)  # type: ignore[arg-type]
        return starting_flows(*pair(), section, np.random.default_rng(seed))

    assert not start(0, zero_starts=1.0).any()
    plain = start(0, zero_starts=0.0, start_noise=0.0)
    assert np.array_equal(plain, np.stack([dis_flow(*pair()), dis_flow(*pair()[::-1])]))
    noisy = start(0, zero_starts=0.0, start_noise=2.0)
    assert 0.05 < np.abs(noisy - plain).mean() < 4
    assert np.array_equal(noisy, start(0, zero_starts=0.0, start_noise=2.0))


def test_noise_is_smooth() -> None:
    noise = smooth_noise((96, 64), np.random.default_rng(0))
    assert noise.shape == (2, 96, 64)
    assert np.abs(np.diff(noise, axis=1)).max() < 0.5
