from __future__ import annotations

import numpy as np
import pytest
import torch

from animeinterp.models.correlation import CHANNELS
from animeinterp.models.encoder import BasicEncoder, ResidualBlock
from animeinterp.models.update import MotionEncoder, SepConvGRU, UpdateBlock, upsample_convex


@pytest.fixture(autouse=True)
def _same_parameters_each_time():
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        yield


def test_gru_with_separate_context_equals_the_joined_form() -> None:
    gru = SepConvGRU()
    hidden, context, motion = torch.rand(3, 2, 128, 5, 6)
    expected = hidden
    for z, r, q in ((gru.convz1, gru.convr1, gru.convq1), (gru.convz2, gru.convr2, gru.convq2)):
        joined = torch.cat([expected, context, motion], dim=1)
        update, reset = torch.sigmoid(z(joined)), torch.sigmoid(r(joined))
        candidate = torch.tanh(q(torch.cat([reset * expected, context, motion], dim=1)))
        expected = (1 - update) * expected + update * candidate
    found = gru(hidden, motion, gru.prepare(context))
    torch.testing.assert_close(found, expected, atol=1e-5, rtol=1e-5)


def test_motion_features_end_with_the_flow() -> None:
    flow, correlations = torch.randn(1, 2, 4, 5), torch.randn(1, CHANNELS, 4, 5)
    motion = MotionEncoder()(flow, correlations)
    assert motion.shape == (1, 128, 4, 5)
    assert torch.equal(motion[:, -2:], flow)


def test_update_keeps_the_hidden_state_bounded() -> None:
    block = UpdateBlock()
    hidden = torch.rand(1, 128, 4, 5) * 2 - 1
    passes = block.gru.prepare(torch.randn(1, 128, 4, 5))
    next_hidden, change = block(hidden, passes, torch.randn(1, CHANNELS, 4, 5), torch.randn(1, 2, 4, 5))
    assert change.shape == (1, 2, 4, 5)
    assert next_hidden.abs().max() <= 1
    assert block.mask_logits(next_hidden).shape == (1, 576, 4, 5)


def test_mask_logits_are_scaled_by_a_quarter() -> None:
    block, hidden = UpdateBlock(), torch.rand(1, 128, 3, 3)
    torch.testing.assert_close(block.mask_logits(hidden), block.mask(hidden) / 4)


def test_convex_upsampling_equals_a_plain_loop() -> None:
    flow, logits = torch.randn(1, 2, 3, 4), torch.randn(1, 576, 3, 4)
    padded = np.pad(8 * flow[0].numpy(), ((0, 0), (1, 1), (1, 1)))
    weights = logits[0].view(9, 8, 8, 3, 4).softmax(dim=0).numpy()
    expected = np.zeros((2, 24, 32))
    for row in range(24):
        for column in range(32):
            y, x = row // 8, column // 8
            for k in range(9):
                weight = weights[k, row % 8, column % 8, y, x]
                expected[:, row, column] += weight * padded[:, y + k // 3, x + k % 3]
    np.testing.assert_allclose(upsample_convex(flow, logits)[0], expected, atol=1e-5)


def test_convex_upsampling_of_a_constant_flow_is_constant_inside() -> None:
    fine = upsample_convex(torch.full((1, 2, 4, 4), 1.5), torch.randn(1, 576, 4, 4))
    torch.testing.assert_close(fine[..., 8:-8, 8:-8], torch.full((1, 2, 16, 16), 12.0))


def test_residual_block_follows_its_formula() -> None:
    block, x = ResidualBlock(4, 6, stride=2), torch.randn(1, 4, 8, 6)
    inner = block.conv2(block.conv1(x).relu()).relu()
    torch.testing.assert_close(block(x), (block.downsample(x) + inner).relu())
    same, x = ResidualBlock(4, 4), torch.randn(1, 4, 5, 5)
    torch.testing.assert_close(same(x), (x + same.conv2(same.conv1(x).relu()).relu()).relu())


def test_encoder_reduces_by_eight() -> None:
    assert BasicEncoder()(torch.randn(2, 3, 64, 72)).shape == (2, 256, 8, 9)
