from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import Tensor

from animeinterp.models import synthesis_network
from animeinterp.models.feature_extractor import FeatureExtractor
from animeinterp.models.gridnet import GridNet
from animeinterp.models.padding import pad_edge
from animeinterp.models.splatting import splat
from animeinterp.models.synthesis_network import Source, SynthesisNetwork, carry
from animeinterp.models.weights.loading import load_synthesis


@pytest.fixture(scope="module")
def network() -> SynthesisNetwork:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        return SynthesisNetwork().eval().requires_grad_(False)


def random_pair(height: int, width: int, seeded: torch.Generator) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    frame0, frame1 = (torch.rand(1, 3, height, width, generator=seeded) for _ in range(2))
    flow01, flow10 = (3 * torch.randn(1, 2, height, width, generator=seeded) for _ in range(2))
    return frame0, frame1, flow01, flow10


def splat_levels(source: Source, share: float) -> list[Tensor]:
    return [splat(*level).values for level in carry(source, share)]


def test_average_splatting_gives_the_released_programs_frames(golden_pair) -> None:
    results = golden_pair.results
    network = load_synthesis(golden_pair.checkpoint)
    with torch.inference_mode():
        sources = network.prepare(*golden_pair.frames, *golden_pair.flows, splatting="average", alpha=0.0)
        frames = {t: golden_pair.kept(network.draw(*sources, t)[0]) for t in (0.5, 0.25)}
    for t, frame in frames.items():
        expected = results[f"frame_t{t}"]
        assert np.abs(frame - expected).max() < 1e-5 * np.abs(expected).max()
    features = sources[0].levels[1][0].mean(dim=(1, 2)).numpy()
    expected = results["feat1_mean"]
    assert np.abs(features - expected).max() < 1e-5 * np.abs(expected).max()


def test_feature_levels_halve_twice(seeded: torch.Generator) -> None:
    levels = FeatureExtractor()(torch.rand(2, 3, 16, 24, generator=seeded))
    assert [tuple(level.shape) for level in levels] == [(2, 32, 16, 24), (2, 64, 8, 12), (2, 96, 4, 6)]


@pytest.mark.parametrize("splatting", ["average", "softmax"])
@pytest.mark.parametrize(("height", "width"), [(16, 24), (15, 22), (1, 1), (5, 33)])
def test_any_size_gives_a_finite_frame_of_that_size(
    network: SynthesisNetwork, height: int, width: int, splatting, seeded: torch.Generator
) -> None:
    frame = network(*random_pair(height, width, seeded), 0.5, splatting=splatting)
    assert frame.shape == (1, 3, height, width)
    assert frame.isfinite().all()


@pytest.mark.parametrize("splatting", ["average", "softmax"])
def test_added_pixels_repeat_the_edge_and_stay_where_they_are(
    network: SynthesisNetwork, splatting, seeded: torch.Generator
) -> None:
    frame0, frame1, flow01, flow10 = random_pair(14, 18, seeded)
    source, _ = network.prepare(frame0, frame1, flow01, flow10, splatting=splatting, alpha=-20.0)
    assert torch.equal(source.levels[0], pad_edge(frame0, 16, 20))
    warped = splat_levels(source, 0.5)[0]
    importance = None if source.importance is None else source.importance[..., :14, :18]
    expected = splat(frame0, 0.5 * flow01, importance).values
    torch.testing.assert_close(warped[..., :14, :18], expected)


def test_splatted_levels_follow_the_resized_flow(network: SynthesisNetwork, seeded: torch.Generator) -> None:
    frame0, frame1, flow01, flow10 = random_pair(16, 16, seeded)
    flow01 = torch.zeros_like(flow01)
    flow01[:, 0] = 8
    source, _ = network.prepare(frame0, frame1, flow01, flow10, splatting="average", alpha=0.0)
    levels = splat_levels(source, 0.5)
    assert torch.equal(levels[0][..., 4:], frame0[..., :-4])
    for shift, warped, features in zip((4, 4, 2, 1), levels, source.levels, strict=True):
        torch.testing.assert_close(warped[..., shift:], features[..., :-shift])
        assert not warped[..., :shift].any()


def test_zero_alpha_is_average_splatting(network: SynthesisNetwork, seeded: torch.Generator) -> None:
    pair = random_pair(16, 16, seeded)
    softmax = network(*pair, 0.3, splatting="softmax", alpha=0.0)
    torch.testing.assert_close(softmax, network(*pair, 0.3, splatting="average"))
    assert not torch.allclose(network(*pair, 0.3, splatting="softmax", alpha=-20.0), softmax)


def test_at_both_ends_one_frame_is_not_moved(network: SynthesisNetwork, seeded: torch.Generator) -> None:
    sources = network.prepare(*random_pair(8, 8, seeded), splatting="average", alpha=0.0)
    for source in sources:
        for warped, level in zip(splat_levels(source, 0.0), source.levels, strict=True):
            assert torch.equal(warped, level)


def test_gridnet_reaches_64_rows_at_most(network: SynthesisNetwork, seeded: torch.Generator) -> None:
    frames = torch.rand(1, 6, 160, 8, generator=seeded)
    levels = [
        torch.rand(1, 2 * c, 160 // s, 8 // s, generator=seeded) for c, s in ((32, 1), (64, 2), (96, 4))
    ]
    whole = network.synnet(frames, levels)
    strip = network.synnet(
        frames[:, :, 32:], [level[:, :, 32 // s :] for level, s in zip(levels, (1, 2, 4), strict=True)]
    )
    torch.testing.assert_close(strip[:, :, 64:], whole[:, :, 96:], atol=1e-6, rtol=1e-5)


@pytest.mark.parametrize("splatting", ["average", "softmax"])
def test_strips_give_the_whole_frame(
    network: SynthesisNetwork, splatting, seeded: torch.Generator, monkeypatch: pytest.MonkeyPatch
) -> None:
    pair = random_pair(150, 18, seeded)
    whole = network(*pair, 0.3, splatting=splatting)
    for rows in (40, 148):
        monkeypatch.setattr(synthesis_network, "STRIP_PIXELS", 20 * rows)
        torch.testing.assert_close(network(*pair, 0.3, splatting=splatting), whole, atol=1e-6, rtol=1e-5)


def test_gridnet_refuses_sides_not_divisible_by_four_and_other_levels() -> None:
    network = GridNet()
    levels = [torch.zeros(1, 64, 8, 8), torch.zeros(1, 128, 4, 4), torch.zeros(1, 192, 2, 2)]
    with pytest.raises(ValueError, match=r"frames has shape \(1, 6, 8, 10\), .* divisible by 4"):
        network(torch.zeros(1, 6, 8, 10), levels)
    with pytest.raises(ValueError, match=r"frames has shape \(1, 3, 8, 8\)"):
        network(torch.zeros(1, 3, 8, 8), levels)
    with pytest.raises(ValueError, match=r"levels\[2\] is missing, expected \(1, 192, 2, 2\) for"):
        network(torch.zeros(1, 6, 8, 8), levels[:2])
    with pytest.raises(ValueError, match=r"levels\[1\] has shape \(1, 64, 8, 8\), expected \(1, 128, 4, 4\)"):
        network(torch.zeros(1, 6, 8, 8), levels[:1] * 3)


def test_shapes_that_do_not_fit_are_refused(network: SynthesisNetwork, seeded: torch.Generator) -> None:
    frame0, frame1, flow01, flow10 = random_pair(8, 8, seeded)
    with pytest.raises(ValueError, match=r"frame1 has shape \(1, 3, 8, 4\) and frame0 \(1, 3, 8, 8\)"):
        network(frame0, frame1[..., :4], flow01, flow10, 0.5)
    with pytest.raises(ValueError, match=r"frame0 has shape \(1, 3, 8, 8\) and flow \(1, 2, 8, 4\)"):
        network(frame0, frame1, flow01[..., :4], flow10, 0.5)
    with pytest.raises(ValueError, match=r"flow has shape \(2, 8, 8\), expected"):
        network(frame0, frame1, flow01, flow10[0], 0.5)
