"""Loaded into workers by Dask's `preload`: items named in a file take their worker process down."""

from __future__ import annotations

import ctypes
import json
import os
import signal
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from pipeline import jobs
from pipeline.bindings import ItemSource, StageBinding
from pipeline.compute import Computed, compute_items

POISON_FILE = "POISON_FILE"  # environment variable: JSON, {"stage of item": way to die}


def dask_setup(worker: object) -> None:
    jobs.compute_items = _compute_items


def _compute_items(
    binding: StageBinding, items: Sequence[tuple[str, ItemSource]], config: Any
) -> Iterator[Computed]:
    ways = json.loads(Path(os.environ[POISON_FILE]).read_text())
    for name, source in items:
        way = ways.get(f"{binding.name} of {name}")
        if way is not None:
            {"exit": _exit, "segfault": _segfault, "kill": _kill, "allocate": _allocate}[way]()
        yield from compute_items(binding, [(name, source)], config)


def _exit() -> None:
    os._exit(3)


def _segfault() -> None:
    ctypes.string_at(0)


def _kill() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def _allocate() -> None:
    hoard = []
    while True:
        hoard.append(b"x" * 50_000_000)  # touched, so that it counts
        time.sleep(0.02)
