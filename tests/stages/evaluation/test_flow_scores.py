from __future__ import annotations

import math

import numpy as np
import pytest

from animeinterp.stages.evaluation.flow_scores import end_point_errors
from animeinterp.stages.metrics import FLOW_METRICS

NOWHERE = np.zeros((4, 6), bool)


def flow(dx: float, dy: float) -> np.ndarray:
    return np.broadcast_to(np.array([dx, dy], np.float32)[:, None, None], (2, 4, 6)).copy()


def test_names_go_by_flow_direction_and_part() -> None:
    assert len(set(FLOW_METRICS)) == 12
    assert FLOW_METRICS[:4] == (
        "coarse_epe01",
        "coarse_epe01_moving",
        "coarse_epe01_occluded",
        "coarse_epe10",
    )


def test_distance_of_the_end_points() -> None:
    everywhere, moving, occluded = end_point_errors(flow(4, -1), flow(1, 3), NOWHERE)
    assert everywhere == moving == 5
    assert math.isnan(occluded)
    assert end_point_errors(flow(1, 3), flow(1, 3), ~NOWHERE) == (0, 0, 0)


def test_parts_by_a_loop_over_the_pixels() -> None:
    rng = np.random.default_rng(0)
    found, true = (rng.normal(0, 1, (2, 4, 6)).astype(np.float32) for _ in range(2))
    true[:, :2] *= 0.1  # mostly still
    occluded = rng.random((4, 6)) < 0.3
    errors: dict[str, list[float]] = {"all": [], "moving": [], "occluded": []}
    for y in range(4):
        for x in range(6):
            error = math.dist(found[:, y, x].tolist(), true[:, y, x].tolist())
            errors["all"].append(error)
            if math.hypot(*true[:, y, x].tolist()) >= 0.5:
                errors["moving"].append(error)
            if occluded[y, x]:
                errors["occluded"].append(error)
    assert 0 < len(errors["moving"]) < 24
    assert 0 < len(errors["occluded"]) < 24
    expected = [sum(values) / len(values) for values in errors.values()]
    assert end_point_errors(found, true, occluded) == pytest.approx(expected)


def test_half_a_pixel_counts_as_motion() -> None:
    assert end_point_errors(flow(0, 0), flow(0, 0.5), NOWHERE)[1] == 0.5
    assert math.isnan(end_point_errors(flow(0, 0), flow(0, 0.499), NOWHERE)[1])


@pytest.mark.parametrize(
    ("found", "true", "occluded"),
    [
        (np.zeros((2, 4, 5)), np.zeros((2, 4, 6)), NOWHERE),
        (np.zeros((3, 4, 6)), np.zeros((3, 4, 6)), NOWHERE),
        (np.zeros((2, 4, 6)), np.zeros((2, 4, 6)), NOWHERE[:3]),
    ],
)
def test_shapes_that_do_not_fit_are_refused(
    found: np.ndarray, true: np.ndarray, occluded: np.ndarray
) -> None:
    with pytest.raises(ValueError, match="expected .2, H, W. twice and .H, W."):
        end_point_errors(found, true, occluded)


def test_a_flow_that_is_not_finite_is_refused() -> None:
    with pytest.raises(ValueError, match="not finite"):
        end_point_errors(flow(np.nan, 0), flow(0, 0), NOWHERE)
