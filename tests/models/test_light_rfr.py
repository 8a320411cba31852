from __future__ import annotations

import pytest
import torch
from torch import Tensor

from animeinterp.models.light_rfr import STRONGEST, LightRFR
from animeinterp.models.weights.light import new_networks


@pytest.fixture(scope="module")
def network() -> LightRFR:
    return new_networks(0).refinement.eval()


def pair(height: int, width: int, seeded: torch.Generator, count: int = 1) -> tuple[Tensor, ...]:
    frames = torch.rand(2, count, 3, height, width, generator=seeded)
    flows = torch.randn(2, count, 2, height, width, generator=seeded)
    return *frames, *flows


@pytest.mark.parametrize("size", [(1, 1), (7, 9), (16, 16), (33, 40), (64, 65)])
def test_any_size(size: tuple[int, int], network: LightRFR, seeded: torch.Generator) -> None:
    with torch.inference_mode():
        refined = network(*pair(*size, seeded, count=2))
    assert len(refined.flows) == 1
    assert refined.flows[0].shape == (4, 2, *size)
    assert refined.importance.shape == (4, 1, *size)
    assert refined.flows[0].isfinite().all()


def test_every_iteration_is_returned_and_the_last_is_the_result(
    network: LightRFR, seeded: torch.Generator
) -> None:
    inputs = pair(40, 48, seeded)
    with torch.no_grad():
        flows = network(*inputs, every=True).flows
        last = network(*inputs).flows[0]
    assert len(flows) == network.iterations
    assert torch.equal(flows[-1], last)


def test_exchanged_frames_exchange_the_results(network: LightRFR, seeded: torch.Generator) -> None:
    frame0, frame1, flow01, flow10 = pair(40, 56, seeded)
    with torch.no_grad():
        refined = network(frame0, frame1, flow01, flow10)
        exchanged = network(frame1, frame0, flow10, flow01)
    torch.testing.assert_close(exchanged.flows[0].flip(0), refined.flows[0], atol=1e-4, rtol=0)
    torch.testing.assert_close(exchanged.importance.flip(0), refined.importance)


def test_with_and_without_gradients_the_flows_are_the_same(
    network: LightRFR, seeded: torch.Generator
) -> None:
    inputs = pair(40, 48, seeded)
    with torch.no_grad():
        without = network(*inputs).flows[0]
    torch.testing.assert_close(network(*inputs).flows[0].detach(), without, atol=1e-4, rtol=1e-4)


def test_untrained_importance_is_zero_and_stays_within_its_limit(seeded: torch.Generator) -> None:
    network, inputs = LightRFR(1), pair(32, 32, seeded)
    with torch.no_grad():
        assert not network(*inputs).importance.any()
        network.importance[-1].bias.fill_(1e6)
        assert network(*inputs).importance.max() == STRONGEST


def test_gradients_reach_every_parameter(seeded: torch.Generator) -> None:
    network = LightRFR(2)
    for untrained in (
        network.importance[-1],
        network.update_block.likeness.key,
        network.update_block.likeness.own,
    ):
        torch.nn.init.normal_(untrained.weight)
    refined = network(*pair(48, 40, seeded), every=True)
    (sum(flow.square().mean() for flow in refined.flows) + refined.importance.square().mean()).backward()
    for name, parameter in network.named_parameters():
        assert parameter.grad is not None, name
        assert parameter.grad.isfinite().all(), name
        assert parameter.grad.any(), name


def test_autocast_gives_nearly_the_same(network: LightRFR, seeded: torch.Generator) -> None:
    inputs = pair(40, 48, seeded)
    with torch.no_grad(), torch.autocast("cpu", torch.bfloat16):
        rounded = network(*inputs).flows[0]
    with torch.no_grad():
        whole = network(*inputs).flows[0]
    assert rounded.dtype == torch.float32
    assert (rounded - whole).abs().max() < 0.5


def test_refuses(network: LightRFR, seeded: torch.Generator) -> None:
    frame0, frame1, flow01, flow10 = pair(32, 32, seeded)
    with pytest.raises(ValueError, match="iterations is 0"):
        LightRFR(0)
    with pytest.raises(ValueError, match="frame1"):
        network(frame0, frame1[..., :-1], flow01, flow10)
    with pytest.raises(ValueError, match="coarse_flow10"):
        network(frame0, frame1, flow01, flow10[:, :1])
