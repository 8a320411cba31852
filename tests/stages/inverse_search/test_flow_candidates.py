from __future__ import annotations

import cv2
import numpy as np
import pytest

from animeinterp.stages.inverse_search.flow_candidates import Candidate, _Search


@pytest.mark.parametrize("size", [(33, 40), (40, 44), (60, 90)])
def test_a_search_finds_the_same_again(size: tuple[int, int]) -> None:
    # OpenCV changes the finest scale of a search that has met a small picture.
    rng = np.random.default_rng(0)
    frames = [
        cv2.GaussianBlur(rng.integers(0, 256, (*size, 3)).astype(np.uint8), (0, 0), 3) for _ in range(2)
    ]
    search, rest = _Search(*frames), Candidate(*np.zeros((2, 2, *size), np.float32))
    first, second = (search.start_from(rest) for _ in range(2))
    assert first.flow01.any()
    np.testing.assert_array_equal(first.flow01, second.flow01)
    np.testing.assert_array_equal(first.flow10, second.flow10)
