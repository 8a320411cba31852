"""Loaded into workers by Dask's `preload`: items named in a file take their worker process down."""

from __future__ import annotations

import asyncio
import ctypes
import json
import os
import signal
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import psutil
from distributed import Status

from animeinterp.pipeline.compute import shard_jobs as jobs
from animeinterp.pipeline.compute.batching import Computed, compute_items
from animeinterp.pipeline.compute.entry import StageBinding
from animeinterp.pipeline.compute.item_source import ItemSource

POISON_FILE = "POISON_FILE"  # environment variable: JSON, {"stage of item": way to die}


def dask_setup(worker: Any) -> None:
    jobs.compute_items = _compute_items
    worker.loop.add_callback(_announce, worker)


async def _announce(worker: Any) -> None:
    while worker.status != Status.running:
        await asyncio.sleep(0.01)
    _announcement(os.getpid()).touch()


def _folder() -> Path:
    return Path(os.environ[POISON_FILE]).parent


def _announcement(process: int) -> Path:
    """File that is there while a worker is at work."""
    return _folder() / f"worker {process}"


def _compute_items(
    binding: StageBinding, items: Sequence[tuple[str, ItemSource]], config: Any
) -> Iterator[Computed]:
    ways = json.loads(Path(os.environ[POISON_FILE]).read_text())
    for name, source in items:
        way = ways.get(f"{binding.name} of {name}")
        if way is not None:
            WAYS[way]()
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


def _unrest() -> None:
    """Another worker goes first, as where machines are taken away: once for each file `unrest *`."""
    left = next(_folder().glob("unrest *"), None)
    if left is None:
        return
    left.unlink()
    other = _another_worker()
    _announcement(other).unlink()
    os.kill(other, signal.SIGKILL)
    _another_worker()  # in its place: by now the scheduler knows that it has gone
    _announcement(os.getpid()).unlink()
    _kill()


def _another_worker() -> int:
    """Process of a worker at work that is not this one."""
    while True:
        for path in _folder().glob("worker *"):
            number = int(path.name.split()[1])
            if number != os.getpid() and psutil.pid_exists(number):
                return number
        time.sleep(0.01)


WAYS = {"exit": _exit, "segfault": _segfault, "kill": _kill, "allocate": _allocate, "unrest": _unrest}
