from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from animeinterp.models.correlation import CorrelationVolume
from animeinterp.models.padding import pad_edge
from animeinterp.models.rfr import RFR
from animeinterp.models.weights.loading import load_rfr

RELEASED: dict[str, Any] = {"confidence_mask": False, "initial_flow_additions": 2}


def random_rfr(**settings: Any) -> RFR:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        return RFR(**settings).eval().requires_grad_(False)


def random_pair(height: int, width: int, seeded: torch.Generator) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    frame0, frame1 = (torch.rand(1, 3, height, width, generator=seeded) for _ in range(2))
    flow01, flow10 = (2 * torch.randn(1, 2, height, width, generator=seeded) for _ in range(2))
    return frame0, frame1, flow01, flow10


def deviation(found: np.ndarray, expected: np.ndarray) -> float:
    return float(np.abs(found.reshape(expected.shape) - expected).max() / np.abs(expected).max())


def test_released_variant_gives_the_released_programs_flows(golden_pair) -> None:
    network = load_rfr(golden_pair.checkpoint, **RELEASED)
    results = golden_pair.results
    with torch.inference_mode():
        flow01, flow10 = network(*golden_pair.frames, *golden_pair.coarse_flows)
        initial = network.initial_flow(*golden_pair.frames, golden_pair.coarse_flows[0])
    assert deviation(golden_pair.kept(flow01), results["refined_13"]) < 1e-5
    assert deviation(golden_pair.kept(flow10), results["refined_31"]) < 1e-5
    assert deviation(initial.flow.numpy(), results["initial_flow_13"]) < 1e-5
    assert deviation(initial.error.numpy(), results["confidence_error_13"]) < 1e-5
    assert deviation(initial.g.numpy(), results["confidence_g_13"]) < 1e-5


def test_paper_variant_gives_the_papers_flow(golden_pair) -> None:
    with torch.inference_mode():
        flow01, _ = load_rfr(golden_pair.checkpoint)(*golden_pair.frames, *golden_pair.coarse_flows)
    assert deviation(golden_pair.kept(flow01), golden_pair.results["refined_13_paper"]) < 1e-5


def test_mask_weighs_the_initial_flow_by_the_confidence(seeded: torch.Generator) -> None:
    frame0, frame1, flow01, _ = random_pair(64, 72, seeded)
    plain = random_rfr(confidence_mask=False).initial_flow(frame0, frame1, flow01)
    masked = random_rfr().initial_flow(frame0, frame1, flow01)
    assert plain.flow.shape == (1, 2, 8, 9)
    assert plain.error.shape == plain.g.shape == (1, 1, 8, 9)
    torch.testing.assert_close(masked.g, plain.g)
    torch.testing.assert_close(masked.flow, torch.exp(-(plain.g**2)) * plain.flow)
    assert 0 <= plain.error.min() <= plain.error.max() <= 6


def test_initial_flow_rescales_each_axis_to_the_small_grid() -> None:
    frame, flow = torch.zeros(1, 3, 70, 100), torch.ones(1, 2, 70, 100)
    small = random_rfr(confidence_mask=False).initial_flow(frame, frame, flow).flow
    torch.testing.assert_close(small[0, :, 3, 4], torch.tensor([12 / 100, 8 / 70]))


def test_zero_coarse_flow_is_the_same_in_all_variants(seeded: torch.Generator) -> None:
    frame0, frame1, flow, _ = random_pair(64, 64, seeded)
    flow = torch.zeros_like(flow)
    expected = random_rfr(iterations=2)(frame0, frame1, flow, flow)
    found = random_rfr(iterations=2, **RELEASED)(frame0, frame1, flow, flow)
    assert all(torch.equal(a, b) for a, b in zip(found, expected, strict=True))


def test_additions_and_iterations_change_the_result(seeded: torch.Generator) -> None:
    pair = random_pair(64, 64, seeded)
    once = random_rfr(iterations=1)(*pair)[0]
    assert not torch.allclose(random_rfr(iterations=1, initial_flow_additions=2)(*pair)[0], once)
    assert not torch.allclose(random_rfr(iterations=2)(*pair)[0], once)


def test_swapping_the_frames_swaps_the_flows(seeded: torch.Generator) -> None:
    frame0, frame1, flow01, flow10 = random_pair(64, 72, seeded)
    network = random_rfr(iterations=2)
    forward, backward = network(frame0, frame1, flow01, flow10), network(frame1, frame0, flow10, flow01)
    torch.testing.assert_close(backward[1], forward[0], atol=1e-4, rtol=1e-4)
    torch.testing.assert_close(backward[0], forward[1], atol=1e-4, rtol=1e-4)


def test_correlating_at_once_gives_the_same_flows(seeded: torch.Generator) -> None:
    pair = random_pair(64, 80, seeded)
    expected = random_rfr(iterations=2)(*pair)
    found = random_rfr(iterations=2, correlation=CorrelationVolume)(*pair)
    for a, b in zip(found, expected, strict=True):
        torch.testing.assert_close(a, b, atol=1e-5, rtol=1e-5)


def test_batched_pairs_are_refined_each_for_itself(seeded: torch.Generator) -> None:
    first, second = random_pair(64, 64, seeded), random_pair(64, 64, seeded)
    network = random_rfr(iterations=1)
    together = network(*(torch.cat(both) for both in zip(first, second, strict=True)))
    for index, pair in enumerate((first, second)):
        for a, b in zip(together, network(*pair), strict=True):
            torch.testing.assert_close(a[index], b[0], atol=1e-5, rtol=1e-5)


@pytest.mark.parametrize(
    ("height", "width"), [(16, 16), (8, 8), (17, 33), (1, 1), (96, 96), (65, 71), (7, 200), (64, 127)]
)
def test_small_frames_give_finite_flows_of_their_size(
    height: int, width: int, seeded: torch.Generator
) -> None:
    for flow in random_rfr(iterations=1)(*random_pair(height, width, seeded)):
        assert flow.shape == (1, 2, height, width)
        assert flow.isfinite().all()


def test_small_frames_are_refined_as_if_their_edge_went_on(seeded: torch.Generator) -> None:
    pair = random_pair(40, 50, seeded)
    network = random_rfr(iterations=2)
    expected = network(*(pad_edge(x, 64, 64) for x in pair))
    for a, b in zip(network(*pair), expected, strict=True):
        assert torch.equal(a, b[..., :40, :50])


def test_settings_out_of_range_are_refused() -> None:
    with pytest.raises(ValueError, match="iterations is 0, expected at least 1"):
        RFR(iterations=0)
    with pytest.raises(ValueError, match="initial_flow_additions is 3, expected 1 or 2"):
        RFR(initial_flow_additions=3)  # type: ignore[arg-type]


def test_shapes_that_do_not_fit_are_refused(seeded: torch.Generator) -> None:
    frame0, frame1, flow01, flow10 = random_pair(16, 24, seeded)
    network = random_rfr(iterations=1)
    with pytest.raises(ValueError, match=r"frame0 has shape \(1, 2, 16, 24\), expected \(N, 3, H, W\)"):
        network(frame0[:, :2], frame1, flow01, flow10)
    with pytest.raises(ValueError, match=r"frame0 has shape \(1, 3, 0, 24\), .* at least one pixel"):
        network(frame0[:, :, :0], frame1, flow01, flow10)
    with pytest.raises(ValueError, match=r"frame1 has shape \(1, 3, 15, 24\), expected \(1, 3, 16, 24\)"):
        network(frame0, frame1[:, :, 1:], flow01, flow10)
    with pytest.raises(
        ValueError, match=r"coarse_flow01 has shape \(1, 3, 16, 24\), expected \(1, 2, 16, 24\)"
    ):
        network(frame0, frame1, frame0, flow10)
    with pytest.raises(ValueError, match="coarse_flow10 has shape"):
        network(frame0, frame1, flow01, flow10[..., 1:])
