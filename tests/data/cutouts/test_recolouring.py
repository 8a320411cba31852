from __future__ import annotations

import numpy as np

from animeinterp.data.cutouts.recolouring import recolour, recolour_matrix
from tests.drawn_cutouts import cutout


def test_recolouring_keeps_alpha_and_stays_below_it() -> None:
    picture = cutout(0).astype(np.float32)
    picture[..., 3] *= 0.5
    picture[..., :3] *= picture[..., 3:] / 255
    matrices = [recolour_matrix(np.random.default_rng(seed)) for seed in range(20)]
    for matrix in matrices:
        changed = recolour(picture, matrix)
        assert np.array_equal(changed[..., 3], picture[..., 3])
        assert (changed[..., :3] <= changed[..., 3:]).all()
        assert changed.min() >= 0
    same = sum(np.array_equal(matrix, np.eye(4)) for matrix in matrices)
    assert 1 <= same <= 12


def test_recolouring_commutes_with_premultiplying() -> None:
    colour, alpha = np.array([120.0, 130.0, 110.0]), 100.0
    for seed in range(10):
        matrix = recolour_matrix(np.random.default_rng(seed)).astype(np.float64)
        solid = matrix @ [*colour, 255]
        thin = matrix @ [*(colour * alpha / 255), alpha]
        assert np.allclose(solid[:3] * alpha / 255, thin[:3])


def test_hue_turns_leave_greys_grey() -> None:
    for seed in range(10):
        red, green, blue, _ = recolour_matrix(np.random.default_rng(seed)) @ np.array([90, 90, 90, 255.0])
        assert np.ptp([red, green, blue]) < 1e-3
