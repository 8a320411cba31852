"""The CuPy path on a real device, against the CPU."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import torch
from torch import Tensor

from animeinterp.models import correlation as correlation_module
from animeinterp.models.correlation import CorrelationOnDemand, CorrelationVolume, correlate
from animeinterp.models.splatting import splat

pytestmark = pytest.mark.gpu


@pytest.fixture(autouse=True)
def _needs_cupy() -> None:
    pytest.importorskip("cupy")


@pytest.fixture
def in_fixed_order() -> Iterator[None]:
    torch.use_deterministic_algorithms(True)
    yield
    torch.use_deterministic_algorithms(False)


@pytest.fixture
def rounded_products() -> Iterator[None]:
    matmul = torch.backends.cuda.matmul
    before, matmul.fp32_precision = matmul.fp32_precision, "tf32"
    yield
    matmul.fp32_precision = before


def case(batch: int, channels: int, seeded: torch.Generator) -> tuple[Tensor, Tensor, Tensor]:
    values, flow, importance = (
        torch.randn(batch, count, 37, 53, generator=seeded) for count in (channels, 2, 1)
    )
    return values, 6 * flow, 2 * importance


@pytest.mark.parametrize("memory_format", [torch.contiguous_format, torch.channels_last])
@pytest.mark.parametrize(("batch", "channels"), [(1, 1), (2, 3), (1, 35), (3, 96)])
def test_splat_equals_the_cpu(
    batch: int, channels: int, memory_format: torch.memory_format, seeded: torch.Generator
) -> None:
    arguments = case(batch, channels, seeded)
    on_gpu = [x.cuda().contiguous(memory_format=memory_format) for x in arguments]
    expected = splat(*arguments, rows=(5, 30))
    with torch.inference_mode():
        found = splat(*on_gpu, rows=(5, 30))
    torch.testing.assert_close(found.values.cpu(), expected.values, rtol=1e-4, atol=1e-5)
    torch.testing.assert_close(found.weights.cpu(), expected.weights, rtol=1e-4, atol=1e-6)
    assert torch.equal(found.weights.cpu() > 0, expected.weights > 0)


def test_splat_in_fixed_order_gives_the_same_bits(in_fixed_order: None, seeded: torch.Generator) -> None:
    arguments = [x.cuda() for x in case(2, 8, seeded)]
    arguments[1] *= 5
    runs = [splat(*arguments) for _ in range(5)]
    for other in runs[1:]:
        assert torch.equal(runs[0].values, other.values)
        assert torch.equal(runs[0].weights, other.weights)
    expected = splat(*(x.cpu() for x in arguments))
    torch.testing.assert_close(runs[0].values.cpu(), expected.values, rtol=1e-4, atol=1e-5)


def test_splat_backward_equals_the_cpu(seeded: torch.Generator) -> None:
    inputs = [x.double().requires_grad_() for x in case(2, 5, seeded)]
    on_gpu = [x.detach().cuda().requires_grad_() for x in inputs]
    for tensors in (inputs, on_gpu):
        values, weights = splat(*tensors)
        (values.square().sum() + weights.square().sum()).backward()
    for found, expected in zip(on_gpu, inputs, strict=True):
        torch.testing.assert_close(found.grad.cpu(), expected.grad, rtol=1e-6, atol=1e-8)


def test_splat_gradients(in_fixed_order: None, seeded: torch.Generator) -> None:
    inputs = tuple(
        (torch.rand(1, count, 3, 4, generator=seeded, dtype=torch.float64) * 0.8 + 0.1)
        .cuda()
        .requires_grad_()
        for count in (2, 2, 1)
    )
    assert torch.autograd.gradcheck(splat, inputs)


def test_splat_runs_on_the_current_stream(seeded: torch.Generator) -> None:
    arguments = case(1, 3, seeded)
    stream = torch.cuda.Stream()
    with torch.cuda.stream(stream):
        found = splat(*(x.cuda() for x in arguments)).values.cpu()
    torch.testing.assert_close(found, splat(*arguments).values, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16, torch.float16])
@pytest.mark.parametrize("batch", [1, 2])
def test_correlations_equal_the_cpus(
    batch: int, dtype: torch.dtype, monkeypatch: pytest.MonkeyPatch, seeded: torch.Generator
) -> None:
    features = [torch.randn(batch, 256, 19, 23, generator=seeded).to(dtype) for _ in range(2)]
    positions = 10 * torch.randn(2 * batch, 2, 19, 23, generator=seeded)
    expected = correlate(*features).lookup(positions)
    on_gpu = [x.cuda() for x in features]
    for share, kind in ((1.0, CorrelationVolume), (0.0, CorrelationOnDemand)):
        monkeypatch.setattr(correlation_module, "VOLUME_SHARE", share)
        correlation = correlate(*on_gpu)
        assert isinstance(correlation, kind)
        found = correlation.lookup(positions.cuda())
        torch.testing.assert_close(found.cpu(), expected, rtol=1e-4, atol=1e-4)


def test_volume_is_of_whole_float32(rounded_products: None, seeded: torch.Generator) -> None:
    features = [torch.randn(1, 256, 16, 16, generator=seeded) for _ in range(2)]
    positions = 8 * torch.rand(2, 2, 16, 16, generator=seeded)
    expected = CorrelationVolume(*features).lookup(positions)
    found = CorrelationVolume(*(x.cuda() for x in features)).lookup(positions.cuda())
    torch.testing.assert_close(found.cpu(), expected, rtol=1e-5, atol=1e-5)
    assert torch.backends.cuda.matmul.fp32_precision == "tf32"


def test_frames_of_3840_by_2160_are_looked_up_on_demand() -> None:
    features = [torch.randn(1, 256, 270, 480, device="cuda") for _ in range(2)]
    correlation = correlate(*features)
    assert isinstance(correlation, CorrelationOnDemand)
    assert correlation.lookup(torch.rand(2, 2, 270, 480, device="cuda") * 270).isfinite().all()
