"""Timing functions against each other, memory of processes, and the frame pairs to measure on."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from unittest.mock import patch

import numpy as np
import psutil
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn.functional import conv2d

from animeinterp.data.cartoon import draw_triplet
from animeinterp.data.images import read_image
from animeinterp.models import convolution

Frame = NDArray[np.uint8]


@dataclass(frozen=True)
class Pair:
    """Two frames to measure on."""

    name: str
    frame0: Frame
    frame1: Frame

    @property
    def size(self) -> str:
        return "x".join(str(extent) for extent in self.frame0.shape[:2])


def load_pairs(folder: Path | None) -> list[Pair]:
    """One drawn pair at 540x960; with a folder, the first and last frame of each folder in it as well."""
    triplet = draw_triplet(0, style="Japan")
    pairs = [Pair("drawn", triplet.frame0, triplet.frame1)]
    for found in sorted(folder.iterdir()) if folder else []:
        frames = sorted(found.iterdir())
        pairs.append(Pair(found.name, read_image(frames[0]), read_image(frames[-1])))
    return pairs


def bare_convolutions(run: Callable[[], object]) -> Callable[[], None]:
    """What `run` convolves, alone: each convolution on another input of the same shape."""
    calls: list[tuple[tuple[torch.Size, torch.dtype], tuple[Any, ...]]] = []

    def recorded(x: Tensor, *rest: Any) -> Tensor:
        calls.append(((x.shape, x.dtype), rest))
        return conv2d(x, *rest)

    with patch.object(convolution, "conv2d", recorded):
        run()
    inputs = {
        (shape, dtype): torch.rand(shape).to(dtype, memory_format=torch.channels_last)
        for (shape, dtype), _ in calls
    }

    def bare() -> None:
        with torch.inference_mode():
            for key, rest in calls:
                conv2d(inputs[key], *rest)

    return bare


def memory_of(process: int) -> int:
    """Bytes of a process and all that it has started; what they share counts once."""
    total = 0
    with suppress(psutil.NoSuchProcess):
        first = psutil.Process(process)
        for one in (first, *first.children(recursive=True)):
            with suppress(psutil.NoSuchProcess):
                total += one.memory_full_info().pss
    return total


def compare(functions: Mapping[str, Callable[[], object]], repeats: int = 5) -> dict[str, float]:
    """Shortest time of each function, s.

    They take turns, so that other work on the machine, which only ever adds, meets all of them alike.
    """
    shortest = dict.fromkeys(functions, float("inf"))
    for _ in range(repeats):
        for name, function in functions.items():
            started = time.perf_counter()
            function()
            shortest[name] = min(shortest[name], time.perf_counter() - started)
    return shortest
