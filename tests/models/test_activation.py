from __future__ import annotations

import pytest
import torch
from torch import nn

from animeinterp.models.activation import PReLU


@pytest.mark.parametrize("inplace", [True, False])
@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_values_are_torchs_own(inplace: bool, dtype: torch.dtype, seeded: torch.Generator) -> None:
    ours, plain = PReLU(inplace=inplace).to(dtype), nn.PReLU().to(dtype)
    ours.load_state_dict(plain.state_dict())
    x = torch.randn(2, 3, 4, 5, generator=seeded).to(dtype)
    with torch.no_grad():
        expected = plain(x)
        kept = x.clone()
        found = ours(x)
    assert torch.equal(found, expected)
    assert torch.equal(x, found if inplace else kept)


def test_gradients_reach_input_and_slope(seeded: torch.Generator) -> None:
    x = torch.randn(2, 3, generator=seeded).requires_grad_()
    activation = PReLU(inplace=True)
    activation(x).sum().backward()
    assert x.grad is not None
    assert torch.equal(x.grad, torch.where(x > 0, 1.0, 0.25))
    assert activation.weight.grad is not None
    torch.testing.assert_close(activation.weight.grad, x[x < 0].sum()[None])


def test_gradients_are_those_of_torch(seeded: torch.Generator) -> None:
    layer, reference = PReLU().double(), torch.nn.PReLU().double()
    x = torch.randn(2, 3, 4, 5, dtype=torch.float64, generator=seeded)
    one, other = (x.clone().requires_grad_() for _ in range(2))
    weights = torch.rand(2, 3, 4, 5, dtype=torch.float64, generator=seeded)
    (layer(one) * weights).sum().backward()
    (reference(other) * weights).sum().backward()
    assert one.grad is not None
    assert layer.weight.grad is not None
    torch.testing.assert_close(one.grad, other.grad)
    torch.testing.assert_close(layer.weight.grad, reference.weight.grad)
