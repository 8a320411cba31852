from __future__ import annotations

import numpy as np
import pytest
import torch

from animeinterp.models.likeness import Likeness
from animeinterp.models.update import upsample_convex

FINE, HIDDEN, WIDTH = 5, 7, 3


@pytest.fixture
def likeness(seeded: torch.Generator) -> Likeness:
    trained = Likeness(FINE, HIDDEN, WIDTH)
    for parameter in trained.parameters():
        parameter.data = torch.randn(parameter.shape, generator=seeded)
    return trained.requires_grad_(False)


def _maps(seeded: torch.Generator) -> tuple[torch.Tensor, torch.Tensor]:
    return torch.randn(2, FINE, 12, 16, generator=seeded), torch.randn(2, HIDDEN, 3, 4, generator=seeded)


def _query(likeness: Likeness, fine: torch.Tensor) -> torch.Tensor:
    """Queries at full size: channel, row and column of a pixel's quarter go as in a pixel shuffle."""
    return torch.nn.functional.pixel_shuffle(likeness.query(fine), 2)


def test_logits_equal_a_plain_loop(likeness: Likeness, seeded: torch.Generator) -> None:
    fine, state = _maps(seeded)
    query, key = _query(likeness, fine).numpy(), likeness.key(state).numpy()
    padded = np.pad(key, ((0, 0), (0, 0), (1, 1), (1, 1)))
    found = likeness.logits(likeness.queries(fine), state).view(2, 9, 8, 8, 3, 4)
    for n, row, column in np.ndindex(2, 24, 32):
        y, x = row // 8, column // 8
        for k in range(9):
            expected = query[n, :, row, column] @ padded[n, :, y + k // 3, x + k % 3]
            assert float(found[n, k, row % 8, column % 8, y, x]) == pytest.approx(expected, abs=1e-3)


def test_a_cell_tells_its_own_pixels_apart(likeness: Likeness, seeded: torch.Generator) -> None:
    fine, state = _maps(seeded)
    found = torch.nn.functional.pixel_shuffle(likeness.within(likeness.queries(fine), state), 8)
    own = likeness.own(state).repeat_interleave(8, dim=2).repeat_interleave(8, dim=3)
    expected = (_query(likeness, fine) * own).sum(dim=1, keepdim=True)
    torch.testing.assert_close(found, expected, atol=1e-4, rtol=1e-4)


def test_untrained_it_adds_nothing(seeded: torch.Generator) -> None:
    untrained = Likeness(FINE, HIDDEN, WIDTH)
    fine, state = _maps(seeded)
    with torch.no_grad():
        queries = untrained.queries(fine)
        assert queries.any()
        assert not untrained.logits(queries, state).any()
        assert not untrained.within(queries, state).any()


def test_an_outline_can_lie_anywhere_in_a_cell() -> None:
    """Two cells of different motion; pixels choose by a feature that changes inside the first."""
    likeness = Likeness(1, 1, 1).requires_grad_(False)
    likeness.query.weight.zero_()
    likeness.query.weight[:, 0, 1, 1] = torch.tensor([1.0, 1.0, 1.0, 1.0])
    likeness.query.bias.zero_()
    likeness.key.weight.fill_(40.0)
    flow = torch.tensor([[[[1.0, 3.0]], [[0.0, 0.0]]]])
    state = torch.tensor([[[[-1.0, 1.0]]]])
    fine = torch.full((1, 1, 4, 8), 1.0)
    fine[..., :2] = -1.0  # pixels 0 to 3 are like the first cell
    upsampled = upsample_convex(flow, likeness.logits(likeness.queries(fine), state))
    torch.testing.assert_close(upsampled[0, 0, :, :4], torch.full((8, 4), 8.0))
    torch.testing.assert_close(upsampled[0, 0, :, 4:], torch.full((8, 12), 24.0))
