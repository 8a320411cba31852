from __future__ import annotations

import cv2
import numpy as np
import pytest

from animeinterp.stages.piece_descriptors import describe_by_appearance
from animeinterp.stages.segmentation import Pieces, measure_pieces


def described(frame: np.ndarray, label_map: np.ndarray) -> np.ndarray:
    return describe_by_appearance(frame, measure_pieces(label_map.astype(np.int32)))


def three_shapes(shift: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """A red square, a blue bar and a red bar on pale ground, ground last."""
    frame = np.full((90, 160, 3), (230, 225, 215), np.uint8)
    label_map = np.full((90, 160), 3, np.int32)
    for number, (colour, (x, y, w, h)) in enumerate(
        (
            ((200, 40, 30), (10, 10, 18, 18)),
            ((40, 60, 190), (50, 30, 50, 6)),
            ((200, 40, 30), (60, 60, 50, 6)),
        )
    ):
        window = slice(y, y + h), slice(x + shift, x + shift + w)
        frame[window], label_map[window] = colour, number
    return frame, label_map


def alike(features0: np.ndarray, features1: np.ndarray) -> np.ndarray:
    return np.minimum(features0[:, None], features1[None]).sum(axis=2)


def test_rows_are_features() -> None:
    features = described(*three_shapes())
    assert features.dtype == np.float32
    assert features.min() >= 0
    np.testing.assert_allclose(features.sum(axis=1), 1, rtol=1e-6)


def test_moved_pieces_are_most_like_themselves() -> None:
    affinity = alike(described(*three_shapes()), described(*three_shapes(shift=12)))
    np.testing.assert_array_equal(affinity.argmax(axis=1), np.arange(4))
    np.testing.assert_array_equal(affinity.argmax(axis=0), np.arange(4))


def test_colour_counts_more_than_shape_and_both_count() -> None:
    affinity = alike(*[described(*three_shapes())] * 2)
    assert affinity[2, 2] > affinity[2, 0] > affinity[2, 1]


def test_surroundings_tell_equal_pieces_apart() -> None:
    """Two eyes of one colour, one size and nearly one place: one on a face, one on a coat."""
    frame = np.full((90, 160, 3), (240, 200, 170), np.uint8)
    frame[:, 80:] = (40, 60, 120)
    label_map = np.full((90, 160), 2, np.int32)
    for number, x in enumerate((60, 90)):
        frame[40:50, x : x + 10], label_map[40:50, x : x + 10] = (20, 20, 20), number
    features = described(frame, label_map)
    assert alike(features, features)[0, 1] < 0.8


@pytest.mark.parametrize("size", [(1, 1), (2, 2), (1, 40)])
def test_tiny_frames_are_described(size: tuple[int, int]) -> None:
    features = described(np.full((*size, 3), 128, np.uint8), np.zeros(size, np.int32))
    assert np.isfinite(features).all()
    assert features.sum() == pytest.approx(1)


def test_what_lies_at_twice_the_size_is_described_alike() -> None:
    frame, label_map = three_shapes()
    double = cv2.resize(frame, (320, 180), interpolation=cv2.INTER_NEAREST)
    large = described(double, label_map.repeat(2, 0).repeat(2, 1))
    assert alike(described(frame, label_map), large).diagonal().min() > 0.85


def test_what_does_not_fit_is_refused() -> None:
    frame, label_map = three_shapes()
    pieces = measure_pieces(label_map)
    with pytest.raises(ValueError, match=r"label_map has shape \(90, 160\); the frame is \(80, 160\)"):
        describe_by_appearance(frame[:80], pieces)
    with pytest.raises(ValueError, match="expected"):
        describe_by_appearance(frame[..., 0], Pieces(label_map, pieces.area, pieces.centroid, pieces.box))
