from __future__ import annotations

import math

import pytest
import torch

from animeinterp.pipeline.training.losses import (
    charbonnier,
    end_point_error,
    flow_loss,
    frame_loss,
    matching_loss,
    pyramid_loss,
)


def flows(*lengths: float) -> list[torch.Tensor]:
    return [torch.tensor([0.6, 0.8]).view(1, 2, 1, 1).expand(1, 2, 4, 4) * length for length in lengths]


def test_end_point_error_is_the_distance() -> None:
    assert end_point_error(*flows(5.0, 2.0)) == pytest.approx(3.0)


def test_later_iterations_weigh_more() -> None:
    truth, none = flows(0.0)[0], torch.zeros(1, 1, 4, 4, dtype=torch.bool)
    found = flow_loss(flows(3.0, 1.0), truth, none, gamma=0.5, occluded_weight=1.0)
    assert float(found) == pytest.approx((0.5 * 3 + 1) / 1.5, abs=0.02)


def test_occluded_pixels_are_weighted() -> None:
    truth = flows(0.0)[0]
    flow = torch.zeros(1, 2, 4, 4)
    flow[:, 0, :2] = 4.0  # wrong in the upper half
    upper = torch.zeros(1, 1, 4, 4, dtype=torch.bool)
    upper[:, :, :2] = True
    for weight, expected in ((0.0, 0.0), (1.0, 2.0), (0.5, 4 * 0.5 / 1.5)):
        found = flow_loss([flow], truth, upper, gamma=0.8, occluded_weight=weight)
        assert float(found) == pytest.approx(expected, abs=0.02)
    everything = torch.ones_like(upper)
    assert float(flow_loss([flow], truth, everything, gamma=0.8, occluded_weight=0.0)) == 0


def test_equal_frames_cost_nothing_and_gradients_are_finite() -> None:
    frame = torch.rand(1, 3, 40, 36, generator=torch.Generator().manual_seed(0)).requires_grad_()
    loss = frame_loss(frame, frame.detach(), 1.0)
    assert float(loss.detach()) == pytest.approx(0, abs=1e-7)
    loss.backward()
    assert frame.grad is not None
    assert frame.grad.isfinite().all()


@pytest.mark.parametrize("size", [(1, 1), (9, 20), (64, 64), (192, 100)])
def test_a_constant_difference_costs_as_much_on_the_coarsest_level(size: tuple[int, int]) -> None:
    frame = torch.zeros(1, 3, *size)
    assert float(charbonnier(frame + 0.2, frame)) == pytest.approx(0.2, abs=2e-3)
    assert 0 < float(pyramid_loss(frame + 0.2, frame)) <= 0.2 + 1e-6


def test_blurred_lines_cost_more_than_a_tint() -> None:
    truth = torch.zeros(1, 3, 64, 64)
    truth[..., 20:22] = 1.0
    lost, tint = torch.zeros_like(truth), truth + truth.mean()
    assert charbonnier(lost, truth) == pytest.approx(float(charbonnier(tint, truth)), rel=0.1)
    plain = float(pyramid_loss(torch.full_like(truth, float(truth.mean())), torch.zeros_like(truth)))
    assert float(pyramid_loss(lost, truth)) > plain / 2


def moved_features(shift: tuple[int, int]) -> torch.Tensor:
    """Features of 6 x 7 cells, unlike each other, and the same moved by whole cells: of 2 frames."""
    first = 30 * torch.randn(1, 64, 6, 7, generator=torch.Generator().manual_seed(0))
    return torch.cat([first, first.roll(shift, dims=(2, 3))])


def flow_by(shift: tuple[int, int]) -> torch.Tensor:
    """Flows of both directions, px, of frames of 48 x 56 moved by whole cells."""
    there = torch.tensor([8.0 * shift[1], 8.0 * shift[0]])[None, :, None, None].expand(1, 2, 48, 56)
    return torch.cat([there, -there])


def test_right_matches_cost_nothing_and_wrong_ones_much() -> None:
    visible = torch.zeros(2, 1, 48, 56, dtype=torch.bool)
    assert matching_loss(moved_features((1, 2)), flow_by((1, 2)), visible) < 1e-3
    assert matching_loss(moved_features((1, 2)), flow_by((0, 2)), visible) > 10


def test_features_that_say_nothing_cost_the_logarithm_of_the_cells() -> None:
    visible = torch.zeros(2, 1, 48, 56, dtype=torch.bool)
    halfway = flow_by((0, 0)) + 4.0  # between four cells, which share the end point
    for truth in (flow_by((1, 2)), halfway):
        loss = matching_loss(torch.zeros(2, 64, 6, 7), truth, visible)
        torch.testing.assert_close(float(loss), math.log(6 * 7))


def test_hidden_cells_and_those_that_leave_the_frame_do_not_count() -> None:
    hidden = torch.ones(2, 1, 48, 56, dtype=torch.bool)
    assert matching_loss(moved_features((1, 2)), flow_by((0, 2)), hidden) == 0
    assert matching_loss(moved_features((1, 2)), flow_by((7, 0)), ~hidden) == 0
