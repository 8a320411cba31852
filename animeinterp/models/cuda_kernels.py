"""CUDA kernels on Torch tensors, compiled by CuPy at run time.

Tensors are handed over as pointers, nothing is copied, and kernels run on Torch's current stream. CuPy is
an extra, `pip install animeinterp[gpu]`; without it callers fall back on Torch's own operators.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from importlib import resources
from typing import Any, Protocol

import numpy as np
import torch
from torch import Tensor

SOURCES = ("splat", "correlate")
"""Names of the `.cu` files in `models/kernels`; a kernel's name begins with that of its file."""

REALS = {torch.float32: "float", torch.float64: "double"}
"""What REAL means in the sources, by the type of the tensors."""

BLOCK = 256  # threads; a multiple of the 32 that run together, small enough for every register count

# Kernels stride over what a grid does not cover; this many blocks fill every device several times over.
LARGEST_GRID = 2**16

Argument = Tensor | int | float | None


class Launch(Protocol):
    """Runs a kernel on tensors of one device."""

    def __call__(self, kernel: str, dtype: torch.dtype, items: int, arguments: Sequence[Argument]) -> None:
        """Run `kernel`, compiled for `dtype`, over `items` pieces of work; None is the null pointer."""


def kernels_for(device: torch.device) -> Launch | None:
    """Runs kernels on a device; None without a CUDA device or CuPy."""
    if device.type != "cuda" or not _has_cupy():
        return None
    return _launch


def source_of(kernel: str) -> str:
    """The CUDA C++ source that holds a kernel, or one of `SOURCES` by its own name.

    Raises
    ------
    ValueError
        The name begins with none of `SOURCES`.
    """
    name = kernel.partition("_")[0]
    if name not in SOURCES:
        raise ValueError(
            f"kernel is {kernel!r}, expected a name that begins with one of {', '.join(SOURCES)}"
        )
    return resources.files("animeinterp.models.kernels").joinpath(f"{name}.cu").read_text(encoding="utf-8")


def widened(*tensors: Tensor | None) -> torch.dtype:
    """The type to compute in: that of the widest tensor, at least float32."""
    dtype = torch.float32
    for tensor in tensors:
        if tensor is not None:
            dtype = torch.promote_types(dtype, tensor.dtype)
    return dtype


def _launch(kernel: str, dtype: torch.dtype, items: int, arguments: Sequence[Argument]) -> None:
    if items == 0:
        return
    import cupy

    device = next(x.device for x in arguments if isinstance(x, Tensor))
    index = torch.cuda.current_device() if device.index is None else device.index
    with torch.cuda.device(index), cupy.cuda.Device(index):
        function = _compiled(index, kernel.partition("_")[0], dtype).get_function(kernel)
        stream = cupy.cuda.ExternalStream(torch.cuda.current_stream(index).cuda_stream)
        grid = min(-(-items // BLOCK), LARGEST_GRID)
        with stream:
            function((grid,), (BLOCK,), tuple(_eight_bytes(x) for x in arguments))


def _eight_bytes(argument: Argument) -> np.generic:
    if argument is None:
        return np.uint64(0)
    if isinstance(argument, Tensor):
        return np.uint64(argument.data_ptr())
    return np.float64(argument) if isinstance(argument, float) else np.int64(argument)


@cache
def _compiled(index: int, source: str, dtype: torch.dtype) -> Any:
    """The module for one device (`index` is its number); CuPy keeps the machine code on disk as well."""
    del index  # part of the key only: a module belongs to the device that is current when it is loaded
    import cupy

    return cupy.RawModule(code=source_of(source), options=("--std=c++17", f"-DREAL={REALS[dtype]}"))


@cache
def _has_cupy() -> bool:
    try:
        import cupy  # noqa: F401
    except ImportError:
        return False
    return True
