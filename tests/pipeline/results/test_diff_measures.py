from __future__ import annotations

import math

import numpy as np
import pytest

from animeinterp.pipeline.compute.registry import STAGES
from animeinterp.pipeline.results.diff_measures import compare_arrays, measures_of
from animeinterp.stages.metrics import METRICS

LEFT_RIGHT = np.repeat([[0, 0, 0, 0, 1, 1, 1, 1]], 6, axis=0).astype(np.int32)


def pieces(label_map: np.ndarray) -> dict[str, np.ndarray]:
    return {"label_map": label_map, "area": np.bincount(label_map.ravel())}


def test_every_stage_has_measures_and_equal_arrays_have_none_of_them() -> None:
    flow = np.ones((2, 4, 5), np.float32)
    arrays = {
        "segmentation": pieces(LEFT_RIGHT),
        "features": {"piece_features": np.ones((3, 8), np.float32)},
        "matching": {
            "match01": np.array([1, 0], np.int32),
            "label_map": LEFT_RIGHT,
            "centroid": np.array([[2.0, 3.0], [6.0, 3.0]]),
        },
        "coarse_flow": {"coarse_flow01": flow, "coarse_flow10": flow, "fate01": np.zeros(1)},
        "refinement": {"refined_flow01": flow, "refined_flow10": flow},
        "synthesis": {"frames": np.full((1, 4, 5, 3), 9, np.uint8)},
        "evaluation": {"scores": np.arange(len(METRICS), dtype=float)},
    }
    assert arrays.keys() == STAGES.keys()
    for stage, found in arrays.items():
        measures = compare_arrays(stage, found, found)
        assert list(measures) == [measure.name for measure in measures_of(stage).measures]
        assert list(measures.values()) == [measure.equal for measure in measures_of(stage).measures]


def test_a_piece_that_is_split_and_one_that_is_merged() -> None:
    finer = LEFT_RIGHT.copy()
    finer[:3, 4:] = 2
    forth = compare_arrays("segmentation", pieces(LEFT_RIGHT), pieces(finer))
    assert forth == {"moved": pytest.approx(12 / 48), "split": 1, "merged": 0, "pieces": 1}
    back = compare_arrays("segmentation", pieces(finer), pieces(LEFT_RIGHT))
    assert back == {"moved": pytest.approx(12 / 48), "split": 0, "merged": 1, "pieces": -1}


def test_other_numbers_for_the_same_pieces_are_no_difference() -> None:
    found = compare_arrays("segmentation", pieces(LEFT_RIGHT), pieces(1 - LEFT_RIGHT))
    assert found == {"moved": 0, "split": 0, "merged": 0, "pieces": 0}


def test_matches_are_compared_where_they_lead() -> None:
    def matching(match: list[int], centroid: list[list[float]]) -> dict[str, np.ndarray]:
        return {"match01": np.array(match), "centroid": np.array(centroid), "label_map": LEFT_RIGHT}

    one = matching([0, 1], [[2, 3], [6, 3]])
    assert compare_arrays("matching", one, matching([1, 0], [[6, 3], [2, 3]])) == {"changed": 0}
    assert compare_arrays("matching", one, matching([0, 0], [[2, 3], [6, 3]])) == {"changed": 0.5}
    unknown = {"match01": np.array([0, 1])}
    assert math.isnan(compare_arrays("matching", unknown, unknown)["changed"])


def test_flows_are_compared_by_their_end_points_both_ways() -> None:
    zero, moved = np.zeros((2, 2, 2), np.float32), np.zeros((2, 2, 2), np.float32)
    moved[:, 0, 0] = 3, 4
    one = {"refined_flow01": zero, "refined_flow10": zero}
    found = compare_arrays("refinement", one, {"refined_flow01": zero, "refined_flow10": moved})
    assert found == {"mean": 5 / 8, "far": 1 / 8, "largest": 5}


def test_frames_are_compared_by_the_worst_time() -> None:
    one = {"frames": np.zeros((2, 4, 4, 3), np.uint8)}
    other = {"frames": np.stack([np.zeros((4, 4, 3)), np.full((4, 4, 3), 51)]).astype(np.uint8)}
    assert compare_arrays("synthesis", one, other) == {"psnr": pytest.approx(-20 * math.log10(0.2))}


def test_what_has_another_size_is_not_compared() -> None:
    small, large = np.zeros((2, 4, 4), np.float32), np.zeros((2, 4, 5), np.float32)
    for stage, one, other in (
        ("segmentation", pieces(LEFT_RIGHT), pieces(LEFT_RIGHT[:3])),
        ("features", {"piece_features": small[0]}, {"piece_features": large[0]}),
        ("coarse_flow", {"coarse_flow01": small}, {"coarse_flow01": large}),
        ("synthesis", {"frames": np.zeros((1, 2, 2, 3))}, {"frames": np.zeros((2, 2, 2, 3))}),
        ("evaluation", {"scores": np.zeros(3)}, {"scores": np.zeros(4)}),
    ):
        assert all(math.isnan(value) for value in compare_arrays(stage, one, other).values())
