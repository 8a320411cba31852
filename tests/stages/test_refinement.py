from __future__ import annotations

import copy

import cv2
import numpy as np
import pytest
import torch

from animeinterp.models.rfr import RFR
from animeinterp.models.weights.light import new_networks
from animeinterp.stages.refinement import CoarsePair, confidence, refine, refine_lightly, refine_together
from animeinterp.stages.working_size import FLOW_PIXELS

Arrays = tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]


@pytest.fixture
def pair() -> Arrays:
    generator = np.random.default_rng(0)
    frames = generator.integers(0, 256, (2, 20, 28, 3), dtype=np.uint8)
    flows = generator.normal(0, 2, (2, 2, 20, 28)).astype(np.float32)
    return frames[0], frames[1], flows[0], flows[1]


@pytest.fixture(scope="module")
def network() -> RFR:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        return RFR(iterations=1).eval().requires_grad_(False)


def test_without_a_network_the_coarse_flow_stays(pair: Arrays) -> None:
    refined = refine(*pair, network=None)
    assert refined.flow01 is pair[2]
    assert refined.flow10 is pair[3]


def test_network_is_given_frames_in_0_to_1_and_both_flows(pair: Arrays, network: RFR) -> None:
    refined = refine(*pair, network=network)
    frames = [torch.from_numpy(frame).permute(2, 0, 1)[None].float() / 255 for frame in pair[:2]]
    flows = [torch.from_numpy(flow)[None] for flow in pair[2:]]
    for found, expected in zip(refined, network(*frames, *flows), strict=True):
        assert found.shape == (2, 20, 28)
        assert found.dtype == np.float32
        np.testing.assert_allclose(found, expected[0], atol=1e-5)


def test_swapped_frames_swap_the_flows(pair: Arrays, network: RFR) -> None:
    frame0, frame1, flow01, flow10 = pair
    refined = refine(*pair, network=network)
    swapped = refine(frame1, frame0, flow10, flow01, network=network)
    np.testing.assert_allclose(swapped.flow01, refined.flow10, atol=1e-4)
    np.testing.assert_allclose(swapped.flow10, refined.flow01, atol=1e-4)


def test_same_input_gives_the_same_bytes(pair: Arrays, network: RFR) -> None:
    first, second = (refine(*pair, network=network) for _ in range(2))
    assert all(np.array_equal(a, b) for a, b in zip(first, second, strict=True))


def test_flows_are_rounded_to_the_bits_asked_for(pair: Arrays, network: RFR) -> None:
    exact = refine(*pair, network=network)
    for found, flow in zip(refine(*pair, network=network, fraction_bits=4), exact, strict=True):
        assert found.dtype == np.float32
        assert np.array_equal(found * 16, np.rint(found * 16))
        assert 0 < np.abs(found - flow).max() <= 1 / 32
    assert refine(*pair, network=None, fraction_bits=4).flow01 is pair[2]


def test_no_gradients_are_kept(pair: Arrays, network: RFR) -> None:
    trained = RFR(iterations=1)
    assert refine(*pair, network=trained).flow01.dtype == np.float32


@pytest.mark.parametrize("use_network", [True, False])
def test_arguments_are_checked_with_and_without_a_network(
    pair: Arrays, network: RFR, use_network: bool
) -> None:
    frame0, frame1, flow01, flow10 = pair
    chosen = network if use_network else None
    with pytest.raises(ValueError, match=r"frame1 has shape \(20, 27, 3\) and frame0 \(20, 28, 3\)"):
        refine(frame0, frame1[:, 1:], flow01, flow10, chosen)
    with pytest.raises(ValueError, match=r"coarse_flow01 has shape \(2, 20, 27\) and frame0 \(20, 28, 3\)"):
        refine(frame0, frame1, flow01[..., 1:], flow10, chosen)
    with pytest.raises(ValueError, match="coarse_flow10 is of dtype float64, expected float32"):
        refine(frame0, frame1, flow01, flow10.astype(np.float64), chosen)


def test_several_pairs_are_refined_each_for_itself(pair: Arrays, network: RFR) -> None:
    frame0, frame1, flow01, flow10 = pair
    other = CoarsePair(frame1[::-1], frame0, -flow01, flow10)
    together = refine_together([CoarsePair(*pair), other], network)
    for found, expected in zip(together, (refine(*pair, network), refine(*other, network)), strict=True):
        np.testing.assert_allclose(found.flow01, expected.flow01, atol=1e-4)
        np.testing.assert_allclose(found.flow10, expected.flow10, atol=1e-4)
    assert refine_together([other, other], None)[1].flow01 is other.flow01


def test_pairs_of_several_sizes_are_refused(pair: Arrays, network: RFR) -> None:
    smaller = CoarsePair(*(x[:19] for x in pair[:2]), *(x[:, :19] for x in pair[2:]))
    with pytest.raises(ValueError, match=r"frames of sizes \[\(19, 28\), \(20, 28\)\], expected one size"):
        refine_together([CoarsePair(*pair), smaller], network)


def test_flows_of_no_use_are_refused(pair: Arrays, network: RFR) -> None:
    broken = copy.deepcopy(network)
    broken.update_block.flow_head.conv2.bias.fill_(float("nan"))
    with pytest.raises(ValueError, match="refined_flow01 holds 1120 values that are not finite"):
        refine(*pair, broken)
    broken.update_block.flow_head.conv2.bias.fill_(1e6)
    with pytest.raises(ValueError, match="refined_flow01 carries every pixel out of the frame of 28x20"):
        refine(*pair, broken)
    with pytest.raises(ValueError, match="coarse_flow01 carries every pixel out of the frame of 28x20"):
        refine(pair[0], pair[1], pair[2] + 1e3, pair[3], network)


def test_bfloat16_stays_near(pair: Arrays, network: RFR) -> None:
    rough = copy.deepcopy(network).set_precision(torch.bfloat16)
    for found, expected in zip(refine(*pair, rough), refine(*pair, network), strict=True):
        assert found.dtype == np.float32
        deviation = np.abs(found - expected).max() / np.abs(expected).max()
        assert 1e-5 < deviation < 0.03


@pytest.mark.gpu
def test_gpu_agrees_with_cpu(pair: Arrays, network: RFR) -> None:
    expected = refine(*pair, network=network)
    found = refine(*pair, network=network, device="cuda")
    network.to("cpu")
    for a, b in zip(found, expected, strict=True):
        np.testing.assert_allclose(a, b, atol=1e-2)


def test_confidence_is_that_of_the_network(network: RFR) -> None:
    generator = np.random.default_rng(1)
    frame0, frame1 = generator.integers(0, 256, (2, 72, 91, 3), dtype=np.uint8)
    flow01, flow10 = generator.normal(0, 3, (2, 2, 72, 91)).astype(np.float32)
    found = confidence(CoarsePair(frame0, frame1, flow01, flow10), network)
    frames = [torch.from_numpy(frame).permute(2, 0, 1)[None].float() / 255 for frame in (frame0, frame1)]
    for flow, (first, second), trusted, error in (
        (flow01, frames, found.confidence01, found.error01),
        (flow10, frames[::-1], found.confidence10, found.error10),
    ):
        initial = network.initial_flow(first, second, torch.from_numpy(flow)[None])
        assert trusted.shape == error.shape == (9, 11)
        assert trusted.dtype == np.float32
        np.testing.assert_allclose(trusted, torch.exp(-(initial.g**2))[0, 0], atol=1e-5)
        np.testing.assert_allclose(error, initial.error[0, 0], atol=1e-5)


def test_confidence_weighs_the_initial_flow(network: RFR) -> None:
    generator = np.random.default_rng(2)
    frames = generator.integers(0, 256, (2, 64, 64, 3), dtype=np.uint8)
    flow = np.full((2, 64, 64), 8, np.float32)
    found = confidence(CoarsePair(*frames, flow, flow), network)
    tensors = [torch.from_numpy(frame).permute(2, 0, 1)[None].float() / 255 for frame in frames]
    weighted = network.initial_flow(*tensors, torch.from_numpy(flow)[None]).flow
    assert network.confidence_mask
    np.testing.assert_allclose(weighted[0, 0], found.confidence01, atol=1e-5)


def test_confidence_of_a_small_frame_covers_the_frame_only(pair: Arrays, network: RFR) -> None:
    assert confidence(CoarsePair(*pair), network).confidence01.shape == (3, 4)


def test_flows_of_the_light_network_have_no_strays() -> None:
    seeded = torch.Generator().manual_seed(0)
    network = new_networks(0, 2).refinement
    frames = torch.randint(0, 256, (2, 40, 48, 3), generator=seeded, dtype=torch.uint8).numpy()
    start = (3 * torch.randn(2, 2, 40, 48, generator=seeded)).numpy()
    with torch.inference_mode():
        own = network(
            *(torch.from_numpy(frame).permute(2, 0, 1)[None] / 255 for frame in frames),
            *(torch.from_numpy(flow)[None] for flow in start),
        ).flows[0]
    found = refine_lightly([CoarsePair(*frames, *start)], network)[0].flows
    for flow, expected in zip(found, own.numpy(), strict=True):
        padded = np.pad(expected, ((0, 0), (2, 2), (2, 2)), mode="edge")
        windows = np.lib.stride_tricks.sliding_window_view(padded, (5, 5), axis=(1, 2))
        np.testing.assert_allclose(flow, np.median(windows, axis=(3, 4)), atol=1e-3)


def test_nothing_moves_between_two_frames_that_are_the_same(pair: Arrays) -> None:
    network = new_networks(0, 2).refinement
    frame0, frame1, *flows = pair
    moving, still = refine_lightly(
        [CoarsePair(frame0, frame1, *flows), CoarsePair(frame1, frame1, *flows)], network
    )
    assert all(np.any(flow) for flow in moving.flows)
    assert not any(np.any(flow) for flow in still.flows)


def test_large_frames_are_refined_at_a_smaller_size() -> None:
    """As the light network finds them in the smaller frames, in px of the larger ones."""
    network = new_networks(0, 2).refinement
    seeded = np.random.default_rng(0)
    noise = cv2.GaussianBlur(seeded.integers(0, 256, (840, 1280, 3), dtype=np.uint8), (0, 0), 6)
    frame0, frame1 = (cv2.normalize(noise[:, k : k + 1248], None, 0, 255, cv2.NORM_MINMAX) for k in (0, 32))
    still = np.zeros((2, 840, 1248), np.float32)
    (found,) = refine_lightly([CoarsePair(frame0, frame1, still, still)], network)
    size = 478, 711
    assert size[0] * size[1] <= FLOW_PIXELS < 1.01 * size[0] * size[1]
    smaller = [cv2.resize(frame, size[::-1], interpolation=cv2.INTER_AREA) for frame in (frame0, frame1)]
    (at_that_size,) = refine_lightly([CoarsePair(*smaller, *np.zeros((2, 2, *size), np.float32))], network)
    for flow, expected in zip(found.flows, at_that_size.flows, strict=True):
        assert flow.shape == (2, 840, 1248)
        shrunk = [cv2.resize(plane, size[::-1]) for plane in flow / np.float32(840 / size[0])]
        np.testing.assert_allclose(shrunk, expected, atol=0.15)
    assert found.importance01.shape == found.importance10.shape == (840, 1248)
