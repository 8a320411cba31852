"""The precision in which a machine convolves fastest, without loss that shows."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, TypeVar

if TYPE_CHECKING:
    import torch

    Network = TypeVar("Network", bound=torch.nn.Module)

Precision = Literal["float32", "bfloat16", "float16"]
INSTRUCTIONS = ("avx512_bf16", "amx_tile")
"""Sets of instructions for bfloat16, as Torch names them."""


def dtype_of(precision: str) -> torch.dtype:
    """Torch's type of a precision; of `auto`, the one in which this machine's processor is fast."""
    import torch

    found: torch.dtype = getattr(torch, native_precision("cpu") if precision == "auto" else precision)
    return found


def native_precision(device: str) -> Precision:
    """`float16` on GPUs, `bfloat16` on processors with instructions for it, else `float32`.

    If a build of Torch does not report the instructions, the answer is `float32`: correct, but slower.
    """
    if device == "cuda":
        return "float16"
    import torch  # late: whoever only looks at results need not wait for it

    tests = (getattr(torch.cpu, f"_is_{name}_supported", None) for name in INSTRUCTIONS)
    return "bfloat16" if any(test is not None and test() for test in tests) else "float32"


def channels_last(network: Network) -> Network:
    """The network, the weights of its convolutions laid out as processors take them without copying."""
    import torch

    for parameter in network.parameters():
        if parameter.ndim == 4:
            parameter.data = parameter.data.contiguous(memory_format=torch.channels_last)
    return network
