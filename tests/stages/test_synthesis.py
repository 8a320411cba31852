from __future__ import annotations

import copy

import cv2
import numpy as np
import pytest
import torch

from animeinterp.configs.sections import SynthesisSection
from animeinterp.models.synthesis_network import SynthesisNetwork
from animeinterp.models.weights.light import new_networks
from animeinterp.stages.composite import Composite
from animeinterp.stages.inspection.splatted_frames import blend_masks, splat_frames
from animeinterp.stages.pair_batch import Hints, RefinedPair
from animeinterp.stages.synthesis import quantise, synthesise, synthesise_together
from animeinterp.stages.working_size import MASK_PIXELS, light_size, resize_flow, resize_map, shrink_frame

AVERAGE = SynthesisSection(method="blend", splatting="average")
SOFTMAX = SynthesisSection(method="blend", splatting="softmax")
LIGHT = SynthesisSection(method="light")
Arrays = tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]


@pytest.fixture
def pair() -> Arrays:
    generator = np.random.default_rng(0)
    frames = generator.integers(0, 256, (2, 14, 18, 3), dtype=np.uint8)
    flows = generator.normal(0, 2, (2, 2, 14, 18)).astype(np.float32)
    return frames[0], frames[1], flows[0], flows[1]


@pytest.fixture(scope="module")
def network() -> SynthesisNetwork:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        return SynthesisNetwork().eval().requires_grad_(False)


def moving_square(position: int) -> np.ndarray:
    frame = np.full((24, 40, 3), 230, np.uint8)
    frame[8:16, position : position + 8] = (200, 40, 20)
    return frame


def flow_of_square(position: int, shift: float) -> np.ndarray:
    flow = np.zeros((2, 24, 40), np.float32)
    flow[0, 8:16, position : position + 8] = shift
    return flow


@pytest.mark.parametrize("t", [0.25, 0.5, 0.75])
def test_blend_puts_a_moving_square_where_it_is_at_t(t: float) -> None:
    """Softmax splatting: the square covers the ground it lands on, and comes from both frames."""
    frames = moving_square(8), moving_square(16)
    flows = flow_of_square(8, 8), flow_of_square(16, -8)
    found = synthesise(*frames, *flows, [t], None, SOFTMAX)
    position = int(8 + 8 * t)
    square = quantise(found[0], "uint8")[8:16, position : position + 8].astype(int)
    np.testing.assert_allclose(square, np.broadcast_to((200, 40, 20), square.shape), atol=1)
    still = np.ones((24, 40), bool)
    still[8:16, 8:24] = False
    np.testing.assert_array_equal(quantise(found[0], "uint8")[still], 230)


def test_blend_without_motion_is_the_mean() -> None:
    frame0, frame1 = np.full((3, 4, 3), 100, np.uint8), np.full((3, 4, 3), 50, np.uint8)
    still = np.zeros((2, 3, 4), np.float32)
    for section in (AVERAGE, SOFTMAX):
        found = synthesise(frame0, frame1, still, still, [0.1, 0.5], None, section)
        np.testing.assert_allclose(found, 75 / 255, rtol=1e-6)


def test_blend_takes_the_covering_frame_and_the_nearer_one_in_holes() -> None:
    frame0, frame1 = np.full((1, 6, 3), 100, np.uint8), np.full((1, 6, 3), 50, np.uint8)
    flow01, flow10 = np.zeros((2, 1, 6), np.float32), np.zeros((2, 1, 6), np.float32)
    flow01[0, 0, :3] = 100  # pixels 0, 1, 2 of frame 0 leave
    flow10[0, 0, 2:4] = 100  # pixels 2, 3 of frame 1 leave
    for t, nearer in ((0.25, 100), (0.5, 100), (0.75, 50)):
        found = synthesise(frame0, frame1, flow01, flow10, [t], None, AVERAGE)[0, 0, :, 0] * 255
        np.testing.assert_allclose(found, [50, 50, nearer, 100, 75, 75], rtol=1e-5)


def test_softmax_lets_the_consistent_pixel_win() -> None:
    frame0 = np.zeros((1, 4, 3), np.uint8)
    frame0[0, 0], frame0[0, 2] = 250, 20
    frame1 = np.zeros((1, 4, 3), np.uint8)
    frame1[0, 2] = 250  # pixel 0 went there; pixel 2 was covered
    flow01 = np.zeros((2, 1, 4), np.float32)
    flow01[0, 0, 0] = 2
    flow01[0, 0, 2] = -1e-3
    at_end = 1 - 1e-6
    winner = splat_frames(frame0, frame1, flow01, flow01, at_end, SOFTMAX).frame0[0, 2, 0]
    mixed = splat_frames(frame0, frame1, flow01, flow01, at_end, AVERAGE).frame0[0, 2, 0]
    assert winner == pytest.approx(250 / 255, abs=1e-3)
    assert mixed == pytest.approx(135 / 255, abs=1e-2)


def test_splatted_frames_and_weights(pair: Arrays) -> None:
    splatted = splat_frames(*pair, 0.5, SOFTMAX)
    for frame, weight in ((splatted.frame0, splatted.weight0), (splatted.frame1, splatted.weight1)):
        assert frame.shape == (14, 18, 3)
        assert weight.shape == (14, 18)
        assert frame.dtype == weight.dtype == np.float32
        assert not frame[weight == 0].any()
        assert frame.max() <= 1 + 1e-6
    frame0, frame1, flow01, flow10 = pair
    swapped = splat_frames(frame1, frame0, flow10, flow01, 0.5, SOFTMAX)
    np.testing.assert_array_equal(swapped.frame0, splatted.frame1)
    np.testing.assert_array_equal(swapped.weight1, splatted.weight0)


@pytest.mark.parametrize("section", [AVERAGE, SOFTMAX], ids=["average", "softmax"])
@pytest.mark.parametrize("use_network", [True, False], ids=["gridnet", "blend"])
def test_frames_of_all_times_are_float32_in_0_to_1(
    pair: Arrays, network: SynthesisNetwork, section: SynthesisSection, use_network: bool
) -> None:
    times = [0.25, 0.5, 0.9]
    found = synthesise(*pair, times, network if use_network else None, section)
    assert found.shape == (3, 14, 18, 3)
    assert found.dtype == np.float32
    assert 0 <= found.min() <= found.max() <= 1
    alone = synthesise(*pair, [0.5], network if use_network else None, section)
    np.testing.assert_array_equal(alone[0], found[1])


@pytest.mark.parametrize("section", [AVERAGE, SynthesisSection(softmax_alpha=-3.0)])
def test_network_is_given_the_sections_splatting(
    pair: Arrays, network: SynthesisNetwork, section: SynthesisSection
) -> None:
    frames = [torch.from_numpy(frame).permute(2, 0, 1)[None].float() / 255 for frame in pair[:2]]
    flows = [torch.from_numpy(flow)[None] for flow in pair[2:]]
    expected = network(*frames, *flows, 0.3, splatting=section.splatting, alpha=section.softmax_alpha)
    found = synthesise(*pair, [0.3], network, section)[0]
    np.testing.assert_allclose(found, expected[0].permute(1, 2, 0).clamp(0, 1), atol=1e-6)


@pytest.mark.parametrize("use_network", [True, False], ids=["gridnet", "blend"])
def test_several_pairs_are_drawn_each_for_itself(
    pair: Arrays, network: SynthesisNetwork, use_network: bool
) -> None:
    chosen, times = network if use_network else None, [0.25, 0.5]
    frame0, frame1, flow01, flow10 = pair
    pairs = [RefinedPair(*pair), RefinedPair(frame1[::-1], frame0, -flow01, flow10)]
    together = synthesise_together(pairs, times, chosen, SOFTMAX)
    assert together.shape == (2, 2, 14, 18, 3)
    for found, one in zip(together, pairs, strict=True):
        np.testing.assert_allclose(found, synthesise(*one[:4], times, chosen, SOFTMAX), atol=1e-5)


def test_pairs_of_several_sizes_are_refused(pair: Arrays) -> None:
    smaller = RefinedPair(*(x[:13] for x in pair[:2]), *(x[:, :13] for x in pair[2:]))
    with pytest.raises(ValueError, match=r"frames of sizes \[\(13, 18\), \(14, 18\)\], expected one size"):
        synthesise_together([RefinedPair(*pair), smaller], [0.5], None, AVERAGE)


def test_frames_that_are_not_finite_are_refused(pair: Arrays, network: SynthesisNetwork) -> None:
    broken = copy.deepcopy(network)
    broken.synnet.residual_model_tail[3].bias.fill_(float("nan"))
    with pytest.raises(ValueError, match=r"hold 756 values that are not finite: .* synthesis\.weights"):
        synthesise(*pair, [0.5], broken, AVERAGE)


def test_flows_out_of_the_frame_are_refused(pair: Arrays) -> None:
    frame0, frame1, flow01, flow10 = pair
    with pytest.raises(ValueError, match="flow10 carries every pixel out of the frame of 18x14"):
        synthesise(frame0, frame1, flow01, flow10 - 60, [0.5], None, AVERAGE)


def test_bfloat16_stays_near(pair: Arrays, network: SynthesisNetwork) -> None:
    rough = copy.deepcopy(network).set_precision(torch.bfloat16)
    expected = synthesise(*pair, [0.5], network, SOFTMAX)
    found = synthesise(*pair, [0.5], rough, SOFTMAX)
    assert found.dtype == np.float32
    assert 1e-6 < np.abs(found - expected).max() < 0.02


@pytest.mark.parametrize("method", ["composite", "blend", "gridnet"])
def test_frames_are_drawn_from_colours_with_more_bits(
    method: str, pair: Arrays, network: SynthesisNetwork
) -> None:
    section = SynthesisSection(method=method)
    used = network if method == "gridnet" else None
    frame0, frame1, *flows = pair
    plain = [frame.astype(np.float32) / np.float32(255) for frame in (frame0, frame1)]
    usual = synthesise_together([RefinedPair(*pair)], [0.4], used, section)
    same = synthesise_together([RefinedPair(*pair, *plain)], [0.4], used, section)
    np.testing.assert_allclose(same, usual, atol=0.03 if method == "composite" else 1e-6)  # in filled holes
    finer = [np.clip(each + np.float32(0.3 / 255), 0, 1) for each in plain]
    other = synthesise_together([RefinedPair(frame0, frame1, *flows, *finer)], [0.4], used, section)
    assert 0 < np.abs(other - usual).mean() < 1 / 255


@pytest.mark.parametrize("method", ["composite", "blend"])
def test_what_stands_still_keeps_all_its_bits(method: str) -> None:
    fine = np.tile(np.linspace(0.2, 0.21, 48, dtype=np.float32)[None, :, None], (32, 1, 3))
    frame, still = np.rint(fine * 255).astype(np.uint8), np.zeros((2, 32, 48), np.float32)
    pair = RefinedPair(frame, frame, still, still, fine, fine)
    drawn = synthesise_together([pair], [0.5], None, SynthesisSection(method=method))[0, 0]
    np.testing.assert_allclose(drawn, fine, atol=1e-6)
    np.testing.assert_allclose(quantise(drawn, "uint16"), fine * 65535, atol=0.6)


def test_colours_are_checked(pair: Arrays) -> None:
    colours = pair[0].astype(np.float32) / 255
    section = SynthesisSection(method="blend")
    for wrong in (None, colours[1:], colours.astype(np.float64)):
        with pytest.raises(ValueError, match="colours1 is .*expected float32 of shape"):
            synthesise_together([RefinedPair(*pair, colours, wrong)], [0.5], None, section)


def test_quantising_rounds_halves_to_even() -> None:
    frames = np.array([0, 0.5, 1.5, 2.5, 254.4, 254.6, 255], np.float32) / np.float32(255)
    frames[1:4] = [0.5 / 255, 1.5 / 255, 2.5 / 255]
    exact = (frames * 255)[1:4]
    np.testing.assert_array_equal(exact, [0.5, 1.5, 2.5])
    found = quantise(frames, "uint8")
    assert found.dtype == np.uint8
    np.testing.assert_array_equal(found, [0, 0, 2, 2, 254, 255, 255])


def test_quantising_bytes_returns_them() -> None:
    values = np.arange(256, dtype=np.uint8)
    np.testing.assert_array_equal(quantise(values.astype(np.float32) / 255, "uint8"), values)


def test_half_floats_stay_close() -> None:
    frames = np.linspace(0, 1, 10001, dtype=np.float32)
    found = quantise(frames, "float16")
    assert found.dtype == np.float16
    assert np.abs(found.astype(np.float32) - frames).max() <= 2.5e-4


@pytest.mark.parametrize("value", [-0.01, 1.01, np.nan, np.inf])
def test_quantising_refuses_values_outside(value: float) -> None:
    with pytest.raises(ValueError, match=r"frames holds values from .* expected 0\.\.1"):
        quantise(np.array([0.5, value], np.float32), "uint8")


def test_quantising_refuses_an_unknown_dtype() -> None:
    with pytest.raises(ValueError, match="dtype is 'int16', expected 'uint8', 'float16' or 'uint16'"):
        quantise(np.zeros(1, np.float32), "int16")  # type: ignore[arg-type]


@pytest.mark.parametrize("times", [[], [0.0], [1.0], [0.5, 1.5], [float("nan")]])
def test_times_outside_are_refused(pair: Arrays, times: list[float]) -> None:
    with pytest.raises(ValueError, match=r"times is \[.*\], expected at least one, each between 0 and 1"):
        synthesise(*pair, times, None, AVERAGE)
    if times:
        with pytest.raises(ValueError, match="times is"):
            splat_frames(*pair, times[-1], AVERAGE)


def test_arguments_are_checked(pair: Arrays) -> None:
    frame0, frame1, flow01, flow10 = pair
    with pytest.raises(ValueError, match=r"frame1 has shape \(13, 18, 3\) and frame0 \(14, 18, 3\)"):
        synthesise(frame0, frame1[1:], flow01, flow10, [0.5], None, AVERAGE)
    with pytest.raises(ValueError, match=r"flow01 has shape \(2, 14, 17\) and frame0 \(14, 18, 3\)"):
        synthesise(frame0, frame1, flow01[..., 1:], flow10, [0.5], None, AVERAGE)
    with pytest.raises(ValueError, match="flow10 holds 504 values that are not finite"):
        splat_frames(frame0, frame1, flow01, flow10 * np.nan, 0.5, AVERAGE)


@pytest.mark.gpu
def test_gpu_agrees_with_cpu(pair: Arrays, network: SynthesisNetwork) -> None:
    expected = synthesise(*pair, [0.5], network, SOFTMAX)
    found = synthesise(*pair, [0.5], network, SOFTMAX, device="cuda")
    network.to("cpu")
    np.testing.assert_allclose(found, expected, atol=5e-3)


def test_large_frames_are_drawn_whole_by_masks_of_smaller_ones() -> None:
    """Where both frames land, each pixel is the splatted frames and the composite, by the masks shown."""
    size = 700, 900
    generator = np.random.default_rng(0)
    noise = [cv2.GaussianBlur(generator.random((*size, 3), np.float32), (0, 0), 4) for _ in (0, 1)]
    frames = [np.rint(255 * (each - each.min()) / np.ptp(each)).astype(np.uint8) for each in noise]
    flow = np.zeros((2, *size), np.float32)
    flow[0] = np.linspace(0, 6, size[1], dtype=np.float32)
    importance = np.zeros(size, np.float32)
    hints = Hints(importance, importance, flow, -flow)
    pair = RefinedPair(frames[0], frames[1], flow, -flow)
    network = new_networks(0, 2).synthesis.eval()
    found = synthesise_together([pair], [0.5], network, LIGHT, hints=[hints])[0, 0]
    masks = blend_masks(pair, 0.5, network, hints=hints)
    assert masks.frame0.shape == masks.composite.shape == size
    splatted = splat_frames(*pair[:4], 0.5, LIGHT, hints=hints)
    shown = masks.frame0[..., None], masks.composite[..., None]
    expected = shown[0] * splatted.frame0 + (1 - shown[0]) * splatted.frame1
    expected += shown[1] * (Composite(*pair[:4]).frame(0.5) - expected)
    both = (splatted.weight0 > 0) & (splatted.weight1 > 0)
    assert both.mean() > 0.9
    np.testing.assert_allclose(found[both], expected[both], atol=1e-4)
    smaller = light_size(size, MASK_PIXELS)
    assert smaller[0] < size[0]
    small = RefinedPair(
        *(shrink_frame(frame, smaller) for frame in frames),
        *(resize_flow(each, smaller) for each in pair[2:4]),
    )
    drawn_small = blend_masks(small, 0.5, network, hints=Hints(start_flow01=small[2], start_flow10=small[3]))
    np.testing.assert_allclose(resize_map(masks.composite, smaller), drawn_small.composite, atol=0.05)


def test_times_may_come_in_any_order_and_twice(pair: Arrays) -> None:
    network = new_networks(0, 2).synthesis.eval()
    frames = synthesise(*pair, [0.5, 0.25, 0.5], network, LIGHT)
    np.testing.assert_array_equal(frames[0], frames[2])
    np.testing.assert_array_equal(frames[1], synthesise(*pair, [0.25], network, LIGHT)[0])
