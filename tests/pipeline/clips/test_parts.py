from __future__ import annotations

import pytest

from animeinterp.pipeline.clips.parts import divide

PAIRS = {(k, k + 1): (0.5,) for k in range(250)}


@pytest.mark.parametrize(
    ("most", "size", "counts"),
    [
        (1024, (540, 960), [250]),
        (100, (540, 960), [100, 100, 50]),
        (1024, (1080, 1920), [96, 96, 58]),
        (1, (1080, 1920), [1] * 250),
        (1024, (20_000, 20_000), [1] * 250),
    ],
)
def test_a_part_has_so_many_pairs_and_pixels_at_most(
    most: int, size: tuple[int, int], counts: list[int]
) -> None:
    parts = divide(PAIRS, most, size)
    assert [len(part.times) for part in parts] == counts
    assert [part.number for part in parts] == list(range(1, len(counts) + 1))
    assert {pair: times for part in parts for pair, times in part.times.items()} == PAIRS
