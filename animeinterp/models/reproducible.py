"""Reproducible convolutions on a GPU: the same float32 sums in every run."""

from __future__ import annotations

from contextlib import AbstractContextManager

import torch


def reproducible() -> AbstractContextManager[None]:
    """Context in which cuDNN keeps full float32 and uses kernels that sum in a fixed order.

    By default it rounds float32 to TF32, of 10 bits, and may choose kernels that add in any order. On a CPU
    nothing changes.
    """
    flags: AbstractContextManager[None] = torch.backends.cudnn.flags(
        enabled=True, deterministic=True, allow_tf32=False
    )
    return flags
