"""The kernels' logic without a GPU: the same sources, compiled as C++ for the host, against the CPU."""

from __future__ import annotations

import ctypes
import shutil
import subprocess
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest
import torch
from torch import Tensor

from animeinterp.models import correlation as correlation_module
from animeinterp.models import cuda_kernels
from animeinterp.models import splatting as splatting_module
from animeinterp.models.correlation import CorrelationOnDemand
from animeinterp.models.cuda_kernels import REALS, SOURCES, Argument, Launch, kernels_for, source_of, widened
from animeinterp.models.splatting import Splatted, splat

SHIM = Path(__file__).parent / "host_cuda" / "shim.h"
BLOCKS, THREADS = 2, 3  # six threads in all, so that each has to stride over the grid


@pytest.fixture(scope="session")
def on_host(tmp_path_factory: pytest.TempPathFactory) -> Launch:
    """Runs kernels compiled for the host."""
    if shutil.which("g++") is None:
        pytest.skip("no g++ to compile the kernels for the host")
    folder = tmp_path_factory.mktemp("kernels")
    libraries = {}
    for name in SOURCES:
        (folder / f"{name}.cpp").write_text(source_of(name))
        for dtype, real in REALS.items():
            library = folder / f"{name}.{real}.so"
            options = ["-std=c++17", "-O1", "-ffp-contract=off", "-shared", "-fPIC", f"-DREAL={real}"]
            command = [
                "g++",
                *options,
                "-include",
                str(SHIM),
                str(folder / f"{name}.cpp"),
                "-o",
                str(library),
            ]
            subprocess.run(command, check=True)
            libraries[name, dtype] = ctypes.CDLL(str(library))

    def launch(kernel: str, dtype: torch.dtype, items: int, arguments: Sequence[Argument]) -> None:
        library = libraries[kernel.partition("_")[0], dtype]
        library.set_grid(BLOCKS, THREADS)
        for block in range(BLOCKS):
            for thread in range(THREADS):
                library.set_thread(block, thread)
                getattr(library, kernel)(*(_on_host(x) for x in arguments))

    return launch


def _on_host(argument: Argument) -> ctypes.c_void_p | ctypes.c_longlong | ctypes.c_double:
    if argument is None or isinstance(argument, Tensor):
        return ctypes.c_void_p(None if argument is None else argument.data_ptr())
    return ctypes.c_double(argument) if isinstance(argument, float) else ctypes.c_longlong(argument)


@pytest.fixture(params=[False, True], ids=["any order", "deterministic"])
def by_kernel(
    request: pytest.FixtureRequest, on_host: Launch, monkeypatch: pytest.MonkeyPatch
) -> Callable[..., Splatted]:
    """`splat`, through the kernels."""

    def run(*arguments: object, **options: object) -> Splatted:
        with monkeypatch.context() as patch:
            patch.setattr(splatting_module, "kernels_for", lambda device: on_host)
            patch.setattr(torch, "are_deterministic_algorithms_enabled", lambda: request.param)
            return splat(*arguments, **options)

    return run


def case(
    batch: int, channels: int, height: int, width: int, seeded: torch.Generator, dtype: torch.dtype
) -> tuple[Tensor, Tensor, Tensor]:
    def random(count: int) -> Tensor:
        return torch.randn(batch, count, height, width, generator=seeded, dtype=dtype)

    return random(channels), 4 * random(2), 3 * random(1)


def laid_out(tensor: Tensor, layout: str) -> Tensor:
    if layout == "channels last":
        return tensor.contiguous(memory_format=torch.channels_last)
    if layout == "every second column":
        return tensor.repeat_interleave(2, dim=3)[..., ::2]
    return tensor


LAYOUTS = ["channels first", "channels last", "every second column"]


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize(
    ("batch", "channels", "size"), [(1, 1, (1, 7)), (2, 3, (13, 9)), (1, 35, (8, 11)), (3, 96, (6, 5))]
)
def test_splat_forward_equals_the_cpu(
    by_kernel: Callable[..., Splatted],
    batch: int,
    channels: int,
    size: tuple[int, int],
    weighted: bool,
    layout: str,
    seeded: torch.Generator,
) -> None:
    values, flow, importance = (
        laid_out(x, layout) for x in case(batch, channels, *size, seeded, torch.float32)
    )
    arguments = (values, flow, importance if weighted else None)
    expected, found = splat(*arguments), by_kernel(*arguments)
    torch.testing.assert_close(found.values, expected.values, rtol=1e-4, atol=1e-5)
    torch.testing.assert_close(found.weights, expected.weights, rtol=1e-5, atol=0)
    assert torch.equal(found.weights > 0, expected.weights > 0)


@pytest.mark.parametrize(("first", "last"), [(0, 9), (3, 7), (8, 9), (4, 4)])
def test_splat_keeps_the_rows_wanted(
    by_kernel: Callable[..., Splatted], first: int, last: int, seeded: torch.Generator
) -> None:
    values, flow, importance = case(2, 3, 9, 11, seeded, torch.float64)
    whole, some = splat(values, flow, importance), by_kernel(values, flow, importance, rows=(first, last))
    torch.testing.assert_close(some.values, whole.values[:, :, first:last])
    torch.testing.assert_close(some.weights, whole.weights[:, :, first:last])


@pytest.mark.parametrize("value", [float("nan"), float("inf"), -1e30])
def test_splat_drops_vectors_that_are_not_finite(by_kernel: Callable[..., Splatted], value: float) -> None:
    flow = torch.zeros(1, 2, 3, 3)
    flow[0, 1, 1, 1] = value
    values, weights = by_kernel(torch.ones(1, 1, 3, 3), flow)
    assert weights[0, 0, 1, 1] == 0
    assert values.sum() == 8


def test_splat_passes_on_values_that_are_not_finite(by_kernel: Callable[..., Splatted]) -> None:
    values = torch.tensor([[[[1.0, float("inf"), float("nan"), -2.0]]]])
    found = by_kernel(values, torch.zeros(1, 2, 1, 4)).values[0, 0, 0]
    expected = splat(values, torch.zeros(1, 2, 1, 4)).values[0, 0, 0]
    torch.testing.assert_close(found, expected, equal_nan=True, rtol=0, atol=0)


def test_splat_covers_a_pixel_by_a_tiny_weight(by_kernel: Callable[..., Splatted]) -> None:
    flow, importance = torch.zeros(1, 2, 1, 1000), torch.zeros(1, 1, 1, 1000)
    flow[0, 0, 0, 900] = 1e-6
    flow[0, 0, 0, 901:] = 200
    importance[0, 0, 0, 900] = -20  # far below the other weights, and alone
    values, weights = by_kernel(torch.full((1, 1, 1, 1000), 0.5), flow, importance)
    assert 0 < weights[0, 0, 0, 901] < 1e-14
    assert values[0, 0, 0, 901].item() == pytest.approx(0.5, rel=1e-6)


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
def test_splat_computes_half_precision_in_float32(
    by_kernel: Callable[..., Splatted], dtype: torch.dtype, seeded: torch.Generator
) -> None:
    arguments = [x.to(dtype) for x in case(1, 3, 6, 7, seeded, torch.float32)]
    found, expected = by_kernel(*arguments), splat(*(x.float() for x in arguments))
    assert found.values.dtype == found.weights.dtype == torch.float32
    torch.testing.assert_close(found.values, expected.values, rtol=1e-4, atol=1e-5)
    torch.testing.assert_close(splat(*arguments).values, expected.values, rtol=0, atol=0)


@pytest.mark.parametrize("rows", [None, (2, 6)])
@pytest.mark.parametrize(("batch", "channels"), [(1, 1), (2, 3), (1, 35)])
def test_splat_backward_equals_torchs(
    by_kernel: Callable[..., Splatted],
    batch: int,
    channels: int,
    rows: tuple[int, int] | None,
    seeded: torch.Generator,
) -> None:
    inputs = [x.requires_grad_() for x in case(batch, channels, 8, 7, seeded, torch.float64)]
    found, expected = by_kernel(*inputs, rows=rows), splat(*inputs, rows=rows)
    pulls = [torch.randn(x.shape, generator=seeded, dtype=x.dtype) for x in expected]
    expected_grads = torch.autograd.grad(expected, inputs, pulls)
    for found_grad, expected_grad in zip(
        torch.autograd.grad(found, inputs, pulls), expected_grads, strict=True
    ):
        torch.testing.assert_close(found_grad, expected_grad, rtol=1e-7, atol=1e-7)


def test_splat_gradients(by_kernel: Callable[..., Splatted], seeded: torch.Generator) -> None:
    inputs = tuple(
        (torch.rand(1, count, 3, 4, generator=seeded, dtype=torch.float64) * 0.8 + 0.1).requires_grad_()
        for count in (2, 2, 1)
    )
    assert torch.autograd.gradcheck(by_kernel, inputs)
    assert torch.autograd.gradcheck(by_kernel, inputs[:2])


def test_whole_numbers_do_not_depend_on_the_order(
    by_kernel: Callable[..., Splatted], request: pytest.FixtureRequest, seeded: torch.Generator
) -> None:
    values, importance = (torch.randn(1, count, 1, 200, generator=seeded) for count in (2, 1))
    target = torch.stack([100 - torch.arange(200.0), torch.zeros(200)])[None, :, None]  # all on pixel 100
    order = torch.randperm(200, generator=seeded)
    one = by_kernel(values, target, 5 * importance)
    other = by_kernel(values[..., order], target, 5 * importance[..., order])
    torch.testing.assert_close(one.values[..., 100], other.values[..., 100])
    if "deterministic" in request.node.name:
        assert torch.equal(one.values[..., 100], other.values[..., 100])
        assert torch.equal(one.weights[..., 100], other.weights[..., 100])


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize(("batch", "channels", "size"), [(1, 1, (8, 9)), (2, 35, (11, 8)), (1, 96, (9, 17))])
def test_correlation_on_demand_equals_the_cpu(
    on_host: Launch,
    batch: int,
    channels: int,
    size: tuple[int, int],
    dtype: torch.dtype,
    monkeypatch: pytest.MonkeyPatch,
    seeded: torch.Generator,
) -> None:
    features = [torch.randn(batch, channels, *size, generator=seeded, dtype=dtype) for _ in range(2)]
    positions = 12 * torch.randn(2 * batch, 2, *size, generator=seeded, dtype=dtype)
    positions[0, :, 0] = 3  # whole
    positions[0, :, 1] = 1e30  # far
    expected = CorrelationOnDemand(*features).lookup(positions)
    monkeypatch.setattr(correlation_module, "kernels_for", lambda device: on_host)
    found = CorrelationOnDemand(*features).lookup(positions)
    torch.testing.assert_close(found, expected, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("architecture", ["sm_80", "sm_90"])
@pytest.mark.parametrize("real", sorted(REALS.values()))
@pytest.mark.parametrize("name", SOURCES)
def test_nvcc_compiles_the_source(name: str, real: str, architecture: str, tmp_path: Path) -> None:
    nvcc = shutil.which("nvcc")
    if nvcc is None:
        pytest.skip("no nvcc")
    (tmp_path / "kernel.cu").write_text(source_of(name))
    options = ["-std=c++17", f"-DREAL={real}", f"-arch={architecture}", "-Werror", "all-warnings", "-cubin"]
    command = [nvcc, *options, "-o", str(tmp_path / "kernel.cubin"), str(tmp_path / "kernel.cu")]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_unknown_kernel_is_refused() -> None:
    with pytest.raises(
        ValueError, match="kernel is 'blur_rows', expected a name that begins with one of splat"
    ):
        source_of("blur_rows")


def test_no_kernels_without_a_device_or_without_cupy(monkeypatch: pytest.MonkeyPatch) -> None:
    assert kernels_for(torch.device("cpu")) is None
    monkeypatch.setattr(cuda_kernels, "_has_cupy", lambda: False)
    assert kernels_for(torch.device("cuda")) is None


def test_computing_type_is_at_least_float32() -> None:
    half, double = torch.zeros(1, dtype=torch.float16), torch.zeros(1, dtype=torch.float64)
    assert widened(half, None) == torch.float32
    assert widened(half, double) == torch.float64
