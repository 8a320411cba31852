from __future__ import annotations

import numpy as np
import pytest
import torch

from animeinterp.configs.sections import SynthesisSection
from animeinterp.models.light_synthesis import LEAST_SHARE, LightSynthesis
from animeinterp.models.weights.light import new_networks
from animeinterp.stages.synthesis import synthesise


@pytest.fixture(scope="module")
def network() -> LightSynthesis:
    return new_networks(0).synthesis.eval()


def trained(seeded: torch.Generator) -> LightSynthesis:
    """With a last layer that returns something."""
    network = new_networks(0).synthesis.eval()
    with torch.no_grad():
        last = network.synnet.residual_model_tail[-1]
        last.weight.copy_(torch.randn(last.weight.shape, generator=seeded))
    return network


@pytest.mark.parametrize("t", [0.2, 0.5, 0.9])
@pytest.mark.parametrize("size", [(1, 1), (6, 9), (33, 40)])
def test_untrained_is_the_mean_of_blend_and_composite_at_any_size_and_time(
    size: tuple[int, int], t: float, network: LightSynthesis
) -> None:
    rng = np.random.default_rng(0)
    frames = [rng.integers(0, 256, (*size, 3), np.uint8) for _ in range(2)]
    flows = [rng.normal(0, min(size) / 8, (2, *size)).astype(np.float32) for _ in range(2)]
    blend = synthesise(*frames, *flows, [t], None, SynthesisSection(method="blend"))[0]
    tensors = [torch.from_numpy(frame).permute(2, 0, 1)[None] / 255 for frame in frames]
    with torch.inference_mode():
        white = torch.ones_like(tensors[0])
        drawn = network(*tensors, *(torch.from_numpy(flow)[None] for flow in flows), t, white)
    np.testing.assert_allclose(drawn.frame[0].permute(1, 2, 0).numpy(), (1 + blend) / 2, atol=1e-5)
    assert drawn.frame.shape == tensors[0].shape
    assert drawn.mask.shape == drawn.share.shape == (1, 1, *size)
    assert (drawn.mask == 0.5).all()
    assert (drawn.share == 0.5).all()


def test_the_composite_keeps_its_share_but_in_training(seeded: torch.Generator) -> None:
    network, frames = trained(seeded), torch.rand(3, 1, 3, 16, 20, generator=seeded)
    with torch.no_grad():
        network.synnet.residual_model_tail[-1].weight.mul_(20)
        flow = torch.randn(1, 2, 16, 20, generator=seeded)
        free = network.train()(*frames[:2], flow, -flow, 0.5, frames[2])
        held = network.eval()(*frames[:2], flow, -flow, 0.5, frames[2])
    bound = free.share < LEAST_SHARE
    assert bound.any()
    assert not bound.all()
    torch.testing.assert_close(held.share, free.share.clamp(min=LEAST_SHARE))
    same = (~bound).expand_as(free.frame)
    torch.testing.assert_close(held.frame[same], free.frame[same])
    # Elsewhere the frame moves towards the composite, on a straight line from what the network wanted.
    expected = torch.lerp(free.frame, frames[2], (LEAST_SHARE - free.share) / (1 - free.share))
    torch.testing.assert_close(held.frame[~same], expected[~same])


def test_importance_decides_where_two_pixels_land_on_one(network: LightSynthesis) -> None:
    frame = torch.zeros(1, 3, 8, 8)
    frame[..., 2] = 1.0
    flow = torch.zeros(1, 2, 8, 8)
    flow[:, 0, :, 2] = 4.0  # half-way the white column lies on column 4
    importance = torch.zeros(1, 1, 8, 8)
    importance[..., 2] = 10.0
    with torch.inference_mode():
        inputs = frame, frame, flow, 0 * flow, 0.5, 0 * frame
        none = network(*inputs, alpha=0.0).frame
        white = network(*inputs, alpha=0.0, importance01=importance, importance10=-importance).frame
    # Half of the frame is the black composite.
    assert none[0, 0, 0, 4] == pytest.approx(0.125)
    assert white[0, 0, 0, 4] == pytest.approx(0.25, abs=1e-3)


def test_each_pair_has_its_own_time(seeded: torch.Generator) -> None:
    network = trained(seeded)
    frames = torch.rand(2, 2, 3, 16, 20, generator=seeded)
    flows = torch.randn(2, 2, 2, 16, 20, generator=seeded)
    with torch.no_grad():
        both = network(*frames, *flows, torch.tensor([0.3, 0.8]), frames[0]).frame
        for k, t in enumerate((0.3, 0.8)):
            one = slice(k, k + 1)
            alone = network(*frames[:, one], *flows[:, one], t, frames[0, one]).frame
            torch.testing.assert_close(both[one], alone, atol=1e-4, rtol=1e-4)


def test_gradients_reach_every_parameter_flows_and_importance(seeded: torch.Generator) -> None:
    network = trained(seeded)
    network.synnet.residual_model_tail[-1].weight.requires_grad_()
    frames = torch.rand(2, 1, 3, 32, 36, generator=seeded)
    flows = torch.randn(2, 1, 2, 32, 36, generator=seeded).requires_grad_()
    importances = torch.zeros(2, 1, 1, 32, 36).requires_grad_()
    composite = torch.rand(1, 3, 32, 36, generator=seeded)
    drawn = network(*frames, *flows, 0.4, composite, importance01=importances[0], importance10=importances[1])
    (drawn.frame - 0.5).square().mean().backward()
    unused = set()
    for name, parameter in network.named_parameters():
        assert parameter.grad is not None, name
        assert parameter.grad.isfinite().all(), name
        if not parameter.grad.any():
            unused.add(name)
    # Their inputs are never negative, so that nothing depends on the slope there.
    assert unused == {"synnet.residual_model_head.0.weight", "synnet.residual_model_head1.0.weight"}
    for tensor in (flows, importances):
        assert tensor.grad is not None
        assert tensor.grad.isfinite().all()
        assert tensor.grad.any()


def test_refuses(network: LightSynthesis) -> None:
    frame, flow = torch.zeros(1, 3, 8, 8), torch.zeros(1, 2, 8, 8)
    for t in (0.0, 1.0, float("nan")):
        with pytest.raises(ValueError, match="t is"):
            network(frame, frame, flow, flow, t, frame)
    with pytest.raises(ValueError, match="frame1"):
        network(frame, frame[..., :-1], flow, flow, 0.5, frame)
    with pytest.raises(ValueError, match="importance of frame1"):
        network(frame, frame, flow, flow, 0.5, frame, importance10=torch.zeros(1, 1, 8, 7))
    with pytest.raises(ValueError, match="composite"):
        network(frame, frame, flow, flow, 0.5, frame[..., :4])
