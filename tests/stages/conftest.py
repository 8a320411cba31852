from __future__ import annotations

import cv2
import numpy as np
import pytest

from tests.released_results import CASES, GoldenCase


@pytest.fixture(scope="session", params=CASES)
def golden_case(request: pytest.FixtureRequest) -> GoldenCase:
    """A pair, and what the released program made of it up to the coarse flow."""
    return GoldenCase.of(request.param)


@pytest.fixture
def drawn_frame() -> np.ndarray:
    """Coloured shapes with black outlines on a pale ground, one outline with a gap."""
    frame = np.full((90, 120, 3), (235, 225, 210), np.uint8)
    cv2.rectangle(frame, (10, 12), (45, 50), (200, 60, 50), -1)
    cv2.rectangle(frame, (10, 12), (45, 50), (0, 0, 0), 1)
    cv2.circle(frame, (85, 35), 22, (60, 90, 200), -1)
    cv2.circle(frame, (85, 35), 22, (0, 0, 0), 2)
    cv2.rectangle(frame, (20, 62), (100, 82), (0, 0, 0), 1)
    frame[62, 50:53] = (235, 225, 210)
    return frame
