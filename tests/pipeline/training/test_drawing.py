from __future__ import annotations

import numpy as np
import pytest
import torch

from animeinterp.configs.sections import SynthesisSection
from animeinterp.models.light_rfr import LightRefined
from animeinterp.models.weights.light import LightNetworks, new_networks
from animeinterp.pipeline.training.batches import Batch, whole_scene
from animeinterp.pipeline.training.networks import draw
from animeinterp.stages import synthesis
from animeinterp.stages.pair_batch import Hints, RefinedPair
from tests.pipeline.training.tiny_plans import MakePlan


@pytest.fixture
def networks() -> LightNetworks:
    """With masks that differ from place to place."""
    networks = new_networks(0, 1)
    with torch.no_grad():
        last = networks.synthesis.synnet.residual_model_tail[-1]
        last.weight.copy_(3 * torch.randn(last.weight.shape, generator=torch.Generator().manual_seed(0)))
    for network in networks:
        network.eval()
    return networks


def scene(plan_of: MakePlan, shrink: float) -> tuple[Batch, LightRefined]:
    """A scene whose start stands for its refined flows, all pixels of one importance."""
    starts = plan_of().starts
    kept = starts.scenes.scene(0)
    batch = whole_scene(kept, 0, starts.flows(0, kept), shrink)
    return batch, LightRefined([batch.start], torch.zeros_like(batch.start[:, :1]), torch.empty(0))


def test_frames_are_those_of_a_run_that_draws_masks_as_small(
    plan_of: MakePlan, networks: LightNetworks, monkeypatch: pytest.MonkeyPatch
) -> None:
    batch, refined = scene(plan_of, 2.0)
    with torch.inference_mode():
        found = draw(networks, batch, refined)[0].permute(1, 2, 0).numpy()
        whole = draw(networks, batch._replace(shrink=1.0), refined)[0].permute(1, 2, 0).numpy()
    height, width = found.shape[:2]
    monkeypatch.setattr(synthesis, "MASK_PIXELS", height * width // 4)
    frames = [
        np.rint(255 * each[0].permute(1, 2, 0).numpy()).astype(np.uint8)
        for each in (batch.frame0, batch.frame1)
    ]
    flows = [each.numpy() for each in batch.start]
    hints = Hints(*np.zeros((2, height, width), np.float32), *flows)
    section = SynthesisSection(method="light")
    pair = RefinedPair(*frames, *flows)
    expected = synthesis.synthesise_together(
        [pair], [float(batch.t)], networks.synthesis, section, hints=[hints]
    )[0, 0]
    # Frames made smaller are rounded to 8 bits in runs.
    np.testing.assert_allclose(found, expected, atol=0.02)
    assert np.abs(whole - expected).max() > 0.05


def test_masks_of_smaller_frames_learn(plan_of: MakePlan, networks: LightNetworks) -> None:
    batch, refined = scene(plan_of, 1.7)
    importance = refined.importance.requires_grad_()
    frame = draw(networks, batch, refined._replace(importance=importance))
    assert frame.shape == batch.middle.shape
    (frame - batch.middle).square().mean().backward()
    assert importance.grad is not None
    assert importance.grad.any()
    named = networks.synthesis.named_parameters()
    unused = {name for name, each in named if each.grad is None or not each.grad.any()}
    # Their inputs are never negative, so that nothing depends on the slope there.
    assert unused == {"synnet.residual_model_head.0.weight", "synnet.residual_model_head1.0.weight"}
