"""What makes convolutions on a GPU give the same float32 sums in every run."""

from __future__ import annotations

from contextlib import AbstractContextManager

import torch


def reproducible() -> AbstractContextManager[None]:
    """While it is entered, cuDNN keeps float32 whole and takes kernels that sum in a fixed order.

    By default it rounds float32 to TF32, of 10 bits, and may choose kernels that add in any order. On a CPU
    nothing changes.
    """
    flags: AbstractContextManager[None] = torch.backends.cudnn.flags(
        enabled=True, deterministic=True, allow_tf32=False
    )
    return flags
