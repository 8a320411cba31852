from __future__ import annotations

import torch

from animeinterp.models.padding import pad_edge


def test_padding_repeats_the_edge_and_leaves_larger_sides() -> None:
    x = torch.arange(6.0).view(1, 1, 2, 3)
    assert pad_edge(x, 3, 2)[0, 0].tolist() == [[0, 1, 2], [3, 4, 5], [3, 4, 5]]
    assert pad_edge(x, 2, 5)[0, 0, 0].tolist() == [0, 1, 2, 2, 2]
    assert pad_edge(x, 1, 1) is x
