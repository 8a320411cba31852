from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stages.segmentation import point_contours
from stages.segmentation.fill_lists import group_fills, list_fills
from stages.segmentation.point_contours import update_points
from tests.plain import segmentation as plain


def points_of(fill_map: np.ndarray, asked: np.ndarray | None = None, now: np.ndarray | None = None):
    fills = list_fills(fill_map, np.zeros((*fill_map.shape, 3), np.uint8), small_below=fill_map.size + 1)
    ids = fills.areas.size
    groups = group_fills(np.arange(ids) if now is None else now, fills.areas)
    is_point = np.zeros(ids, bool)
    update_points(is_point, groups.areas > 0 if asked is None else asked, fills, groups)
    return is_point


@settings(max_examples=60, deadline=None, derandomize=True)
@given(
    seed=st.integers(0, 2**32 - 1),
    height=st.integers(1, 12),
    width=st.integers(1, 12),
    ids=st.integers(1, 30),
    share=st.floats(0.05, 1),
)
def test_noise_as_plain_version(seed, height, width, ids, share):
    rng = np.random.default_rng(seed)
    fill_map = np.where(rng.random((height, width)) < share, rng.integers(1, ids + 1, (height, width)), 0)
    is_point = points_of(fill_map.astype(np.int32))
    assert not is_point[0]
    for fill in np.unique(fill_map[fill_map > 0]):
        assert is_point[fill] == plain.is_point(fill_map == fill)


def comb() -> np.ndarray:
    """As long an outline for its extent as may be."""
    mask = np.zeros((21, 21), bool)
    mask[::2] = mask[:, 10] = True
    return mask


def two_parts() -> np.ndarray:
    mask = np.zeros((21, 21), bool)
    mask[:9, :9] = mask[20, 20] = True
    return mask


@pytest.mark.parametrize(
    ("mask", "is_point"), [(comb(), False), (two_parts(), True), (two_parts()[::-1], False)]
)
def test_shapes(mask, is_point):
    assert plain.is_point(mask) == is_point
    assert points_of(mask.astype(np.int32))[1] == is_point


def test_parts_of_a_group_count_together():
    fill_map = np.where(two_parts(), 1, 0).astype(np.int32)
    fill_map[20, 20] = 2
    assert points_of(fill_map).tolist() == [False, False, True]
    assert points_of(fill_map, now=np.array([0, 1, 1])).tolist() == [False, True, False]


def test_only_groups_asked_for_are_looked_at():
    fill_map = np.array([[1, 0, 2]], np.int32)
    assert points_of(fill_map, asked=np.array([True, False, True])).tolist() == [False, False, True]
    assert not points_of(fill_map, asked=np.zeros(3, bool)).any()


def test_most_contours_are_not_followed(monkeypatch):
    monkeypatch.setattr(point_contours, "_simplifies_to_point", None)
    fill_map = np.arange(1, 10, dtype=np.int32).reshape(3, 3).repeat(8, axis=0).repeat(8, axis=1)
    assert not points_of(fill_map).any()
