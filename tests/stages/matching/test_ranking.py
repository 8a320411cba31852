from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from animeinterp.stages.matching.ranking import rank_rows, rank_type
from tests.plain import matching as plain


@settings(max_examples=40, derandomize=True)
@given(
    seed=st.integers(0, 2**32 - 1),
    rows=st.integers(1, 20),
    columns=st.integers(1, 80),
    decimals=st.integers(0, 7),
)
def test_as_stable_sorting(seed, rows, columns, decimals):
    rng = np.random.default_rng(seed)
    affinity = rng.normal(size=(rows, columns)).round(decimals).astype(np.float32) + np.float32(0)
    np.testing.assert_array_equal(rank_rows(affinity), plain.rank_rows(affinity))
    np.testing.assert_array_equal(rank_rows(affinity.T), plain.rank_rows(affinity.T))


@pytest.mark.parametrize("columns", [1 << 16, (1 << 16) + 1])
def test_ranks_of_long_rows_fit(columns):
    rising = np.linspace(-1, 1, columns, dtype=np.float32)[None]
    ranks = rank_rows(rising)
    assert ranks.dtype == rank_type(columns) == (np.uint16 if columns == 1 << 16 else np.uint32)
    np.testing.assert_array_equal(ranks[0], np.arange(columns)[::-1])
