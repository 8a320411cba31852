"""Processes that train together, started by `torchrun`: each computes a part of every batch.

Gradients are added over all processes, so all take the same steps; the first one writes. The sums are made
here and not by Torch's `DistributedDataParallel`, which needs gradients inside the parameters, where the
threads of a process would disturb each other.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

import torch
from torch import Tensor, distributed


@dataclass(frozen=True, slots=True)
class Group:
    """The processes of a training, as one of them sees them."""

    rank: int = 0
    """Its own number."""
    size: int = 1

    @property
    def leads(self) -> bool:
        """Whether it writes files and reports."""
        return self.rank == 0

    def add(self, tensors: Sequence[Tensor]) -> None:
        """Replace tensors of one type by their sums over all processes."""
        if self.size == 1 or not tensors:
            return
        whole = torch.cat([tensor.flatten() for tensor in tensors])
        distributed.all_reduce(whole)
        start = 0
        for tensor in tensors:
            tensor.copy_(whole[start : start + tensor.numel()].view_as(tensor))
            start += tensor.numel()

    def decided(self, decision: bool) -> bool:
        """What the first process has decided."""
        told = torch.tensor([int(decision and self.leads)])
        if self.size > 1 and torch.cuda.is_available() and distributed.get_backend() == "nccl":
            told = told.cuda()
        self.add([told])
        return bool(told.item())


@contextmanager
def joined(device: torch.device) -> Iterator[Group]:
    """Join the processes that `torchrun` has started; alone if it has not."""
    size, rank = (int(os.environ.get(name, default)) for name, default in (("WORLD_SIZE", 1), ("RANK", 0)))
    if size == 1:
        yield Group()
        return
    if device.type == "cuda":
        torch.cuda.set_device(int(os.environ.get("LOCAL_RANK", rank)))
    distributed.init_process_group("nccl" if device.type == "cuda" else "gloo")
    try:
        yield Group(rank, size)
    finally:
        distributed.destroy_process_group()


def first_process() -> bool:
    """Whether this process writes and reports, before it has joined the others."""
    return os.environ.get("RANK", "0") == "0"
