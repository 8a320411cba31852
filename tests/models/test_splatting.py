from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from torch import Tensor

from animeinterp.models.flow import backwarp
from animeinterp.models.splatting import IMPORTANCE_LIMIT, brightness_importance, splat


def splat_by_loop(values: Tensor, flow: Tensor, importance: Tensor | None) -> tuple[np.ndarray, np.ndarray]:
    channels, height, width = values.shape[1:]
    sums, weights = np.zeros((channels, height, width)), np.zeros((height, width))
    for y in range(height):
        for x in range(width):
            dx, dy = flow[0, :, y, x].tolist()
            factor = 1.0 if importance is None else math.exp(importance[0, 0, y, x].item())
            for ty in (y + math.floor(dy), y + math.floor(dy) + 1):
                for tx in (x + math.floor(dx), x + math.floor(dx) + 1):
                    if 0 <= ty < height and 0 <= tx < width:
                        weight = factor * (1 - abs(x + dx - tx)) * (1 - abs(y + dy - ty))
                        sums[:, ty, tx] += weight * values[0, :, y, x].numpy()
                        weights[ty, tx] += weight
    return np.divide(sums, weights, where=weights > 0, out=np.zeros_like(sums)), weights


@pytest.mark.parametrize("learning", [False, True], ids=["compiled", "torch"])
@pytest.mark.parametrize("weighted", [False, True])
def test_equals_a_plain_loop(weighted: bool, learning: bool, seeded: torch.Generator) -> None:
    values = torch.rand(1, 3, 9, 11, generator=seeded, dtype=torch.float64)
    flow = 3 * torch.randn(1, 2, 9, 11, generator=seeded, dtype=torch.float64)
    importance = torch.randn(1, 1, 9, 11, generator=seeded, dtype=torch.float64) if weighted else None
    expected, weights = splat_by_loop(values, flow, importance)
    found = splat(values.requires_grad_(learning), flow, importance)
    np.testing.assert_allclose(found.weights[0, 0].detach(), weights, atol=1e-12)
    np.testing.assert_allclose(found.values[0].detach(), expected, atol=1e-9)


@pytest.mark.parametrize("weighted", [False, True])
def test_compiled_code_equals_torchs_operators(weighted: bool, seeded: torch.Generator) -> None:
    values = torch.rand(2, 5, 21, 34, generator=seeded)
    flow = 5 * torch.randn(2, 2, 21, 34, generator=seeded)
    importance = torch.randn(2, 1, 21, 34, generator=seeded) if weighted else None
    found = splat(values, flow, importance)
    expected = splat(values.clone().requires_grad_(), flow, importance)
    torch.testing.assert_close(found.values, expected.values.detach())
    torch.testing.assert_close(found.weights, expected.weights.detach())
    assert torch.equal(found.weights > 0, expected.weights > 0)


@pytest.mark.parametrize("learning", [False, True])
@pytest.mark.parametrize(("first", "last"), [(0, 9), (3, 7), (8, 9)])
def test_some_rows_are_those_of_the_whole(
    learning: bool, first: int, last: int, seeded: torch.Generator
) -> None:
    values = torch.rand(1, 3, 9, 11, generator=seeded).requires_grad_(learning)
    flow = 3 * torch.randn(1, 2, 9, 11, generator=seeded)
    whole, some = splat(values, flow), splat(values, flow, rows=(first, last))
    assert torch.equal(some.values, whole.values[:, :, first:last])
    assert torch.equal(some.weights, whole.weights[:, :, first:last])


def test_threads_change_nothing(seeded: torch.Generator) -> None:
    values, flow = torch.rand(1, 3, 9, 11, generator=seeded), 3 * torch.randn(1, 2, 9, 11, generator=seeded)
    before, found = torch.get_num_threads(), []
    try:
        for threads in (1, 3, 20):
            torch.set_num_threads(threads)
            found.append(splat(values, flow))
    finally:
        torch.set_num_threads(before)
    for other in found[1:]:
        assert torch.equal(found[0].values, other.values)
        assert torch.equal(found[0].weights, other.weights)


def test_whole_shift_moves_pixels_unchanged_and_leaves_holes(seeded: torch.Generator) -> None:
    values, flow = torch.rand(1, 3, 6, 8, generator=seeded), torch.zeros(1, 2, 6, 8)
    flow[:, 0], flow[:, 1] = 3, -2
    values_there, weights = splat(values, flow)
    assert torch.equal(values_there[..., :4, 3:], values[..., 2:, :5])
    assert (weights[..., :4, 3:] == 1).all()
    for hole in (weights[..., 4:, :], weights[..., :3], values_there[..., 4:, :], values_there[..., :3]):
        assert not hole.any()


def test_pixels_on_one_place_are_averaged_or_the_important_one_wins() -> None:
    values, flow = torch.tensor([[[[0.2, 0.8, 0.5]]]]), torch.zeros(1, 2, 1, 3)
    flow[0, 0, 0] = torch.tensor([1.0, 0.0, 0.0])
    averaged = splat(values, flow)
    assert averaged.values[0, 0, 0].tolist() == pytest.approx([0, 0.5, 0.5])
    assert averaged.weights[0, 0, 0].tolist() == [0, 2, 1]
    chosen = splat(values, flow, torch.tensor([[[[0.0, -20.0, 0.0]]]]))
    assert chosen.values[0, 0, 0, 1].item() == pytest.approx(0.2)


def test_equal_importance_is_average_splatting(seeded: torch.Generator) -> None:
    values, flow = torch.rand(1, 2, 7, 7, generator=seeded), torch.randn(1, 2, 7, 7, generator=seeded)
    softmax = splat(values, flow, torch.full((1, 1, 7, 7), -3.0))
    torch.testing.assert_close(softmax.values, splat(values, flow).values)


def test_weight_is_conserved_inside_the_frame(seeded: torch.Generator) -> None:
    flow = torch.rand(2, 2, 16, 16, generator=seeded) * 4 - 2
    flow[..., :3, :] = flow[..., -3:, :] = flow[..., :3] = flow[..., -3:] = 0
    weights = splat(torch.rand(2, 1, 16, 16, generator=seeded), flow).weights
    torch.testing.assert_close(weights.sum(dim=(1, 2, 3)), torch.full((2,), 256.0))


def test_splatting_is_the_adjoint_of_sampling(seeded: torch.Generator) -> None:
    a, b = (torch.rand(1, 2, 8, 9, generator=seeded, dtype=torch.float64) for _ in range(2))
    flow = 3 * torch.randn(1, 2, 8, 9, generator=seeded, dtype=torch.float64)
    values, weights = splat(a, flow)
    torch.testing.assert_close((values * weights * b).sum(), (a * backwarp(b, flow)).sum())


def test_tiny_weight_covers_a_pixel() -> None:
    flow = torch.zeros(1, 2, 1, 1000)
    flow[0, 0, 0, 900] = 1e-6
    flow[0, 0, 0, 901:] = 200
    values, weights = splat(torch.full((1, 1, 1, 1000), 0.5), flow)
    assert 0 < weights[0, 0, 0, 901] < 1e-5
    assert values[0, 0, 0, 901] == 0.5


@pytest.mark.parametrize("value", [float("nan"), float("inf"), -1e30])
def test_vectors_that_are_not_finite_land_nowhere(value: float) -> None:
    flow = torch.zeros(1, 2, 3, 3)
    flow[0, 1, 1, 1] = value
    values, weights = splat(torch.ones(1, 1, 3, 3), flow)
    assert weights[0, 0, 1, 1] == 0
    assert values.sum() == 8


def test_result_is_the_same_each_time(seeded: torch.Generator) -> None:
    values, flow = (
        torch.rand(1, 8, 64, 64, generator=seeded),
        20 * torch.randn(1, 2, 64, 64, generator=seeded),
    )
    first, second = splat(values, flow), splat(values, flow)
    assert torch.equal(first.values, second.values)
    assert torch.equal(first.weights, second.weights)


def test_gradients(seeded: torch.Generator) -> None:
    values, flow, importance = (
        torch.rand(1, channels, 3, 4, generator=seeded, dtype=torch.float64) * 0.8 + 0.1
        for channels in (2, 2, 1)
    )
    arguments = tuple(x.requires_grad_() for x in (values, flow, importance))
    assert torch.autograd.gradcheck(splat, arguments)


def test_importance_is_the_scaled_difference_to_the_end_point() -> None:
    frame0, frame1 = torch.full((1, 3, 2, 4), 0.5), torch.zeros(1, 3, 2, 4)
    frame1[:, 0, :, 1:] = 0.8
    flow = torch.zeros(1, 2, 2, 4)
    flow[:, 0] = 1
    importance = brightness_importance(frame0, frame1, flow, -20.0)
    assert importance.shape == (1, 1, 2, 4)
    # The last column points outside, where everything is 0.
    assert importance[0, 0, 0].tolist() == pytest.approx([-20 * 1.3 / 3] * 3 + [-10], rel=1e-5)


def test_importance_is_clipped() -> None:
    frame0, frame1, flow = torch.ones(1, 3, 2, 2), torch.zeros(1, 3, 2, 2), torch.zeros(1, 2, 2, 2)
    assert (brightness_importance(frame0, frame1, flow, -100.0) == -IMPORTANCE_LIMIT).all()
    assert (brightness_importance(frame0, frame1, flow, 100.0) == IMPORTANCE_LIMIT).all()


def test_a_frame_lands_where_the_released_program_puts_it(golden_pair) -> None:
    results = golden_pair.results
    values, weights = map(golden_pair.kept, splat(golden_pair.frames[0], 0.5 * golden_pair.flows[0]))
    norm = results["warped_1_norm_t0.5"]
    assert np.abs(values[0] - results["warped_1_t0.5"]).max() < 1e-5
    assert np.abs(weights[0, 0] - norm).max() < 1e-5 * norm.max()
    np.testing.assert_array_equal(weights[0, 0] > 0, norm > 0)


def test_shapes_that_do_not_fit_are_refused() -> None:
    values, flow = torch.zeros(1, 3, 4, 5), torch.zeros(1, 2, 4, 5)
    with pytest.raises(ValueError, match=r"values has shape \(1, 3, 4, 4\) and flow \(1, 2, 4, 5\)"):
        splat(values[..., :4], flow)
    with pytest.raises(ValueError, match=r"importance has shape \(1, 3, 4, 5\), expected \(1, 1, 4, 5\)"):
        splat(values, flow, values)
    with pytest.raises(ValueError, match=r"frame0 has shape \(1, 3, 4, 5\) and frame1 \(1, 3, 4, 4\)"):
        brightness_importance(values, values[..., :4], flow, -20.0)
