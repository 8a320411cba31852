from __future__ import annotations

import numpy as np

from animeinterp.stages.inverse_search.guided_filter import GuidedFilter

NOISE = np.random.default_rng(0).uniform(0, 1, (40, 60)).astype(np.float32)


def test_constants_stay() -> None:
    found = GuidedFilter(NOISE, 4, 1e-3)(np.full((40, 60), 0.25, np.float32))
    np.testing.assert_allclose(found, 0.25, atol=1e-5)


def test_a_flat_guide_averages_over_the_window_twice() -> None:
    spike = np.zeros((40, 60), np.float32)
    spike[20, 30] = 1
    found = GuidedFilter(np.zeros((40, 60), np.float32), 2, 1e-3)(spike)
    assert found[20, 30] == np.float32(1 / 25)
    assert found[24, 34] > 0
    assert not found[25].any()


def test_edges_of_the_guide_stop_it() -> None:
    guide = np.zeros((40, 60), np.float32)
    guide[:, 30:] = 1
    values = NOISE * np.float32(0.2) + guide
    found = GuidedFilter(guide, 5, 1e-4)(values)
    np.testing.assert_allclose(found[:, 31:45] - found[:, 15:29].mean(), 1, atol=0.06)
    assert found[:, :30].std() < 0.3 * values[:, :30].std()
