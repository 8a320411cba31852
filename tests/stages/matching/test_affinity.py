from __future__ import annotations

import numpy as np
import pytest

from animeinterp.configs.sections import MatchingSection
from animeinterp.stages.matching.affinity import Candidates
from tests.plain import matching as plain
from tests.stages.random_pieces import random_pieces


@pytest.mark.parametrize("counts", [(1, 1), (3, 2), (7, 131), (130, 5)])
def test_any_part_is_that_of_the_whole(counts):
    rng = np.random.default_rng(3)
    pieces = [random_pieces(rng, count) for count in counts]
    features = [rng.integers(0, 9, (count, 20)).astype(np.float32) / 256 for count in counts]
    candidates = Candidates(*features, *pieces, MatchingSection())
    whole = candidates.score(slice(None), slice(None))
    np.testing.assert_array_equal(whole, plain.score_candidates(*features, *pieces, MatchingSection()))
    for _ in range(10):
        part0, part1 = (slice(*np.sort(rng.integers(0, count + 1, 2))) for count in counts)
        np.testing.assert_array_equal(candidates.score(part0, part1), whole[part0, part1])
