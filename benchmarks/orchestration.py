"""The share of a run that is spent outside the stages, on drawn pairs at 540x960.

Of the seconds of all workers, from the first job to the end of the last, it is what is not within an item.
`writing` is what shards take beside their items: digests, compression, flushing to disk. `waiting` is what
workers wait for jobs, and for the others at the end of a stage's batch, and the frames written as PNG. What a
run takes before its first job and after its last (planning, starting and stopping processes) is given apart:
it hardly grows with the pairs.
"""

from __future__ import annotations

import tempfile
import time
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from unittest.mock import patch

import torch
from rich.console import Console

from animeinterp.data.cartoon import write_dataset
from animeinterp.pipeline.compute.shard_jobs import ShardOutcome
from animeinterp.pipeline.planning.selection import Selection
from animeinterp.pipeline.running.execute import execute
from animeinterp.pipeline.running.executors import DaskExecutor
from benchmarks.measuring import Pair
from benchmarks.networks import random_network

PAIRS = 64
WORKERS = 2
PRESET = "released"


def main(_pairs: list[Pair]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        write_dataset(root / "cartoons", PAIRS)
        weights = []
        for stage in ("refinement", "synthesis"):
            torch.save(random_network(stage).state_dict(), root / f"{stage}.pth")
            weights.append(f"{stage}.weights='{root / stage}.pth'")
        for name, more in {"without weights": [], "random networks": weights}.items():
            settings = [
                f"data.root='{root / 'cartoons'}'",
                f"store.cache='{root / name}'",
                f"store.results='{root / name}-results'",
                "store.least_shards=16",
                f"executor.workers={WORKERS}",
                *more,
            ]
            _print(name, settings)


def _print(name: str, settings: list[str]) -> None:
    first_job = last_job = 0.0
    shard_seconds: defaultdict[str, float] = defaultdict(float)
    real = DaskExecutor.map

    def noted(self: DaskExecutor, *arguments: Any) -> Iterator[Any]:
        nonlocal first_job, last_job
        first_job = first_job or time.perf_counter()
        for job, outcome in real(self, *arguments):
            if isinstance(outcome, ShardOutcome):
                shard_seconds[outcome.stage] += outcome.seconds
            last_job = time.perf_counter()
            yield job, outcome

    started = time.perf_counter()
    with patch.object(DaskExecutor, "map", noted):
        report = execute(PRESET, settings, Selection(), Console(quiet=True))
    ended = time.perf_counter()
    session = report.session
    items = {
        stage: sum(record.seconds for _, record in session.records(stage) if record is not None)
        for stage in session.stages
    }
    whole, inside, within = WORKERS * (last_job - first_job), sum(items.values()), sum(shard_seconds.values())
    print(f"{name}: {PAIRS} pairs, {first_job - started:.1f} s before the first job")
    print(f"  {ended - last_job:.1f} s after the last")
    print(f"  {last_job - first_job:.1f} s on {WORKERS} workers, {1 - inside / whole:.1%} outside the stages")
    print(f"  of it writing {(within - inside) / whole:.1%}, waiting {1 - within / whole:.1%}")
    for stage, seconds in items.items():
        beside = (shard_seconds[stage] - seconds) / PAIRS
        print(f"    {stage:14} {seconds / PAIRS:.3f} s a pair in the stage, {beside:.3f} s beside it")
