from __future__ import annotations

import math
from collections.abc import Callable, Iterator

import numpy as np
import pytest
import torch
from torch import Tensor
from torch.nn.functional import avg_pool2d

from animeinterp.models import correlation as correlation_module
from animeinterp.models.correlation import (
    CHANNELS,
    LEVELS,
    RADIUS,
    Correlation,
    CorrelationOnDemand,
    CorrelationVolume,
    _suits_on_demand,
    correlate,
)

KINDS = [CorrelationVolume, CorrelationOnDemand]


def bilinear(image: np.ndarray, x: float, y: float) -> float:
    total = 0.0
    for row in (math.floor(y), math.floor(y) + 1):
        for column in (math.floor(x), math.floor(x) + 1):
            if 0 <= row < image.shape[0] and 0 <= column < image.shape[1]:
                total += (1 - abs(x - column)) * (1 - abs(y - row)) * image[row, column]
    return total


def lookup_by_loop(features0: Tensor, features1: Tensor, positions: Tensor) -> np.ndarray:
    channels, height, width = features0.shape
    result = np.zeros((LEVELS, 2 * RADIUS + 1, 2 * RADIUS + 1, height, width))
    for row in range(height):
        for column in range(width):
            query = features0[:, row, column]
            correlations = (query[:, None, None] * features1).sum(dim=0)[None] / math.sqrt(channels)
            for level in range(LEVELS):
                if level > 0:
                    correlations = avg_pool2d(correlations, 2)
                x, y = (positions[:, row, column] / 2**level).tolist()
                for i in range(2 * RADIUS + 1):
                    for j in range(2 * RADIUS + 1):
                        value = bilinear(correlations[0].numpy(), x + i - RADIUS, y + j - RADIUS)
                        result[level, i, j, row, column] = value
    return result.reshape(CHANNELS, height, width)


def random_case(height: int, width: int, seeded: torch.Generator) -> tuple[Tensor, Tensor, Tensor]:
    features = (torch.randn(2, 6, height, width, generator=seeded, dtype=torch.float64) for _ in range(2))
    y, x = torch.meshgrid(torch.arange(height), torch.arange(width), indexing="ij")
    shift = 4 * torch.randn(4, 2, height, width, generator=seeded, dtype=torch.float64)
    shift[0, :, 0] = 0  # whole positions too
    return *features, torch.stack([x, y]) + shift


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(("height", "width"), [(8, 9), (11, 8)])
def test_lookup_equals_a_plain_loop(
    kind: Callable[[Tensor, Tensor], Correlation], height: int, width: int, seeded: torch.Generator
) -> None:
    features0, features1, positions = random_case(height, width, seeded)
    found = kind(features0, features1).lookup(positions)
    assert found.shape == (4, CHANNELS, height, width)
    # Two pairs: both of their frames 0 look into frames 1, then the other way round.
    queries, others = torch.cat([features0, features1]), torch.cat([features1, features0])
    for image in range(4):
        expected = lookup_by_loop(queries[image], others[image], positions[image])
        np.testing.assert_allclose(found[image], expected, atol=1e-12)


@pytest.mark.parametrize("kind", KINDS)
def test_swapping_the_frames_swaps_the_directions(
    kind: Callable[[Tensor, Tensor], Correlation], seeded: torch.Generator
) -> None:
    features0, features1, positions = random_case(9, 12, seeded)
    expected = kind(features0, features1).lookup(positions)
    swapped = kind(features1, features0).lookup(positions.roll(2, dims=0))
    torch.testing.assert_close(swapped.roll(2, dims=0), expected)


def test_a_second_look_finds_what_a_first_one_does(seeded: torch.Generator) -> None:
    features0, features1 = (torch.randn(1, 6, 9, 11, generator=seeded) for _ in range(2))
    positions = 12 * torch.rand(2, 2, 9, 11, generator=seeded) - 1
    often = CorrelationOnDemand(features0, features1)
    for reach in (0.0, 0.3, 3.0, 0.05, 0.0):  # within a cell of the last look, and out of it
        positions = positions + reach * torch.randn(positions.shape, generator=seeded)
        found = CorrelationOnDemand(features0, features1).lookup(positions)
        assert torch.equal(often.lookup(positions), found)


def test_threads_change_nothing(seeded: torch.Generator) -> None:
    features0, features1, positions = random_case(9, 12, seeded)
    correlation, before = CorrelationOnDemand(features0, features1), torch.get_num_threads()
    found = []
    try:
        for threads in (1, 2, 20):
            torch.set_num_threads(threads)
            found.append(correlation.lookup(positions))
    finally:
        torch.set_num_threads(before)
    assert torch.equal(found[0], found[1])
    assert torch.equal(found[0], found[2])


@pytest.mark.parametrize("kind", KINDS)
def test_positions_without_a_cell_read_zero(
    kind: Callable[[Tensor, Tensor], Correlation], seeded: torch.Generator
) -> None:
    features0, features1, positions = random_case(8, 8, seeded)
    assert not kind(features0, features1).lookup(positions + 1e6).any()
    assert kind(features0, features1).lookup(positions.clone() - 1e30).isfinite().all()


def test_cpu_correlates_on_demand_without_gradients(seeded: torch.Generator) -> None:
    features0, features1, _ = random_case(8, 8, seeded)
    assert isinstance(correlate(features0, features1), CorrelationOnDemand)
    assert isinstance(correlate(features0, features1.requires_grad_()), CorrelationVolume)
    with torch.no_grad():
        assert isinstance(correlate(features0, features1), CorrelationOnDemand)


@pytest.fixture
def rounded_products() -> Iterator[None]:
    matmul = torch.backends.cuda.matmul
    before, matmul.fp32_precision = matmul.fp32_precision, "tf32"
    yield
    matmul.fp32_precision = before


def test_volume_is_made_in_whole_float32_whatever_is_set(
    rounded_products: None, monkeypatch: pytest.MonkeyPatch, seeded: torch.Generator
) -> None:
    matmul, seen = torch.backends.cuda.matmul, []
    features = [x.bfloat16() for x in random_case(8, 8, seeded)[:2]]
    matmul_before = Tensor.__matmul__
    monkeypatch.setattr(
        Tensor,
        "__matmul__",
        lambda a, b: (seen.append((matmul.fp32_precision, a.dtype)), matmul_before(a, b))[1],
    )
    with torch.autocast("cpu", dtype=torch.bfloat16):
        CorrelationVolume(*features)
    assert seen == [("ieee", torch.float32)] * LEVELS
    assert matmul.fp32_precision == "tf32"


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
def test_half_precision_is_correlated_in_float32(
    kind: Callable[[Tensor, Tensor], Correlation], dtype: torch.dtype, seeded: torch.Generator
) -> None:
    features0, features1, positions = (x.to(dtype) for x in random_case(8, 9, seeded))
    found = kind(features0, features1).lookup(positions.float())
    assert found.dtype == torch.float32
    expected = kind(features0.float(), features1.float()).lookup(positions.float())
    assert torch.equal(found, expected)


@pytest.mark.parametrize(("memory", "expected"), [(10**9, CorrelationVolume), (10**4, CorrelationOnDemand)])
def test_gpu_takes_the_volume_while_it_is_small(
    memory: int, expected: type, monkeypatch: pytest.MonkeyPatch
) -> None:
    features = torch.zeros(1, 4, 8, 9, device="meta")
    properties = type("Properties", (), {"total_memory": memory})
    monkeypatch.setattr(torch.cuda, "get_device_properties", lambda device: properties)
    assert not _suits_on_demand(features)  # no kernels there
    monkeypatch.setattr(correlation_module, "kernels_for", lambda device: print)
    assert _suits_on_demand(features) == (expected is CorrelationOnDemand)


def test_gradients_flow_through_the_volume(seeded: torch.Generator) -> None:
    features0, features1, positions = random_case(8, 8, seeded)
    features0.requires_grad_()
    correlate(features0, features1).lookup(positions).sum().backward()
    assert features0.grad is not None
    assert features0.grad.any()


def test_shapes_that_do_not_fit_are_refused() -> None:
    features = torch.zeros(1, 4, 8, 9)
    with pytest.raises(ValueError, match=r"features0 has shape \(1, 4, 8, 9\) and features1 \(1, 4, 8, 8\)"):
        correlate(features, features[..., :8])
    with pytest.raises(ValueError, match=r"features0 has shape \(4, 8, 9\)"):
        correlate(features[0], features[0])
    with pytest.raises(ValueError, match="features0 is 7x9, expected both sides at least 8"):
        correlate(features[:, :, :7], features[:, :, :7])


@pytest.mark.parametrize(("levels", "radius"), [(3, 3), (1, 2)])
def test_other_reaches_look_up_part_of_the_same(levels: int, radius: int, seeded: torch.Generator) -> None:
    features0, features1, positions = random_case(8, 9, seeded)
    whole = CorrelationVolume(features0, features1).lookup(positions)
    windows = whole.reshape(whole.shape[0], LEVELS, 2 * RADIUS + 1, 2 * RADIUS + 1, 8, 9)
    inner = slice(RADIUS - radius, RADIUS + radius + 1)
    expected = windows[:, :levels, inner, inner].reshape(whole.shape[0], -1, 8, 9)
    for kind in (CorrelationVolume, CorrelationOnDemand):
        found = kind(features0, features1, levels, radius).lookup(positions)
        torch.testing.assert_close(found, expected, atol=1e-5, rtol=1e-5)
