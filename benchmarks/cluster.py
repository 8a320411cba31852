"""What many workers do to the scheduler, the run's own process and the file system.

`python -m benchmarks cluster` simulates clusters of WORKERS; `python -m benchmarks.cluster 100 --seconds 2`
another. Dask's scheduler is a process of its own, and the run is the command as users run it, on the tiny
dataset of `scale`. Only the workers stand in: some hundred of Dask's own in each process, whose jobs sleep
and then commit a shard with the files of a real one.
"""

from __future__ import annotations

import argparse
import asyncio
import logging
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from functools import partial
from pathlib import Path
from unittest.mock import patch

import dask
import psutil
from distributed import Client, Worker

from animeinterp.pipeline.compute import shard_jobs, warm_up
from animeinterp.pipeline.compute.shard_jobs import ShardJob, ShardOutcome
from animeinterp.pipeline.running.dask_cluster import DaskExecutor
from animeinterp.pipeline.store import commits
from animeinterp.pipeline.store.commits import commit_folder, locked, sync_tree, unfinished_folder
from animeinterp.pipeline.store.shard_manifest import read_manifest
from benchmarks.measuring import Pair
from benchmarks.scale import StandIn, command, settings, write_tiny_dataset
from tests.pipeline.dask_processes import DaskProcesses

WORKERS = (10, 100, 1_000)
SHARDS_A_SECOND = 50
"""What each cluster could do: a real shard takes some 20 s, and a thousand workers do as many."""
PAIRS = 12_000
PER_PROCESS = 250
WRITERS = (1, 16, 256)
COMMITS = 300
QUIET = {
    "distributed.worker.profile.enabled": False,
    "distributed.admin.system-monitor.interval": "60s",
    "distributed.admin.system-monitor.gil.enabled": False,
}
"""Settings of stand-ins: what each real worker watches on a machine of its own would keep this one busy."""


def main(_pairs: list[Pair]) -> None:
    with _dataset(PAIRS) as root:
        _print_shards(root / "real")
        _print_commits(root)
        for count in WORKERS:
            _print_run(root, count, count / SHARDS_A_SECOND)


@contextmanager
def _dataset(pairs: int) -> Iterator[Path]:
    """A folder with a tiny dataset, and in `real` the cache of one pair of it."""
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        write_tiny_dataset(root / "frames", pairs)
        elsewhere = (f"store.cache='{root / 'real'}'", "executor.kind=inline")
        command(settings(root, *elsewhere), "--limit", "1")
        yield root


def _print_shards(real: Path) -> None:
    """Files, flushes and bytes of a shard of each stage."""
    for path in sorted(real.glob("*/*/*.zarr")):
        files = [found for found in path.rglob("*") if found.is_file()]
        folders = 1 + sum(found.is_dir() for found in path.rglob("*"))
        size = sum(found.stat().st_size for found in files)
        print(
            f"{path.parents[1].name:13} {len(files)} files, {folders} folders, "
            f"{len(files) + folders + 1} flushes, {size / 1000:.0f} kB"
        )


def _print_commits(root: Path) -> None:
    """Shards that threads, as many workers, commit to one stage's folder."""
    real = next((root / "real" / "coarse_flow").glob("*/*.zarr"))
    flushes = 0
    sync = commits.sync

    def counted(path: Path) -> int:
        nonlocal flushes
        flushes += 1
        return sync(path)

    for writers in WRITERS:
        folder = root / f"commits-{writers}"
        folder.mkdir()
        flushes, started = 0, time.perf_counter()
        with patch.object(commits, "sync", counted), ThreadPoolExecutor(writers) as pool:
            paths = [folder / f"{k}.zarr" for k in range(COMMITS)]
            list(pool.map(partial(_commit, real), paths))
        seconds = time.perf_counter() - started
        print(
            f"{writers} writers: {COMMITS / seconds:,.0f} commits, {flushes / seconds:,.0f} flushes a second",
            flush=True,
        )


def _commit(real: Path, path: Path) -> None:
    """Commit a copy of a shard as `write_shard` does."""
    unfinished = unfinished_folder(path)
    shutil.copytree(real, unfinished)
    sync_tree(unfinished)
    with locked(path.parent):
        read_manifest(path)
        commit_folder(unfinished, path)


def _print_run(root: Path, count: int, seconds: float, batch: int = 0) -> None:
    began: list[float] = []
    ended: list[float] = []
    real = DaskExecutor.map

    def noted(self: DaskExecutor, *arguments: object) -> Iterator[object]:
        for outcome in real(self, *arguments):  # type: ignore[arg-type]
            yield outcome
            ended.append(time.perf_counter())

    def map_noted(self: DaskExecutor, *arguments: object) -> Iterator[object]:
        began.append(time.perf_counter())
        return noted(self, *arguments)

    cache = root / f"cache-{count}"
    cache.mkdir()
    with _cluster(root, count, seconds) as (address, scheduler), patch.object(DaskExecutor, "map", map_noted):
        before = _processor_seconds(scheduler), time.process_time(), time.perf_counter()
        more = f"store.cache='{cache}'", f"executor.kind={address}", f"store.shards_per_batch={batch}"
        command(settings(root, *more))
        after = _processor_seconds(scheduler), time.process_time(), time.perf_counter()
        memory = scheduler.memory_info().rss / 1e6
    shards = len(ended)
    ideal = shards * seconds / count
    wall = ended[-1] - began[0]
    print(
        f"{count:5,} workers, {shards:,} shards of {seconds:g} s: {wall:.1f} s, at best {ideal:.1f} "
        f"({ideal / wall:.0%}); before {began[0] - before[2]:.1f} s, after {after[2] - ended[-1]:.1f} s; "
        f"a shard takes the run {1000 * (after[1] - before[1]) / shards:.1f} ms and the scheduler "
        f"{1000 * (after[0] - before[0]) / shards:.1f} ms of a core; scheduler {memory:.0f} MB",
        flush=True,
    )


def _processor_seconds(process: psutil.Process) -> float:
    times = process.cpu_times()
    return float(times.user + times.system)


@contextmanager
def _cluster(root: Path, count: int, seconds: float) -> Iterator[tuple[str, psutil.Process]]:
    """Address and process of a scheduler with as many workers."""
    with DaskProcesses(root) as dask, ExitStack() as opened:
        for first in range(0, count, PER_PROCESS):
            share = min(PER_PROCESS, count - first)
            arguments = ["--serve", dask.address, "--share", str(share), "--seconds", str(seconds)]
            process = subprocess.Popen(
                [sys.executable, "-m", "benchmarks.cluster", *arguments, "--folder", str(root)]
            )
            opened.callback(process.wait)
            opened.callback(process.kill)
        with Client(dask.address, set_as_default=False) as client:
            client.wait_for_workers(count)
        yield dask.address, psutil.Process(dask.scheduler.pid)


def serve(address: str, count: int, seconds: float, root: Path) -> None:
    """Be so many workers until killed."""
    logging.getLogger("distributed").setLevel(logging.CRITICAL)
    dask.config.set(QUIET)
    stand_in = StandIn(root / "real")

    def run_shard(job: ShardJob) -> ShardOutcome:
        time.sleep(seconds)
        return replace(stand_in.write(job), seconds=seconds)

    shard_jobs.run_shard = run_shard  # what the name in a job leads to
    warm_up.prepare_process = lambda _: None

    async def work() -> None:
        options = {"nthreads": 1, "memory_limit": 0, "dashboard": False, "local_directory": str(root)}
        workers = [Worker(address, **options) for _ in range(count)]
        await asyncio.gather(*workers)
        await asyncio.gather(*(worker.finished() for worker in workers))

    asyncio.run(work())


if __name__ == "__main__":
    parser = argparse.ArgumentParser(prog="python -m benchmarks.cluster")
    parser.add_argument("counts", nargs="*", type=int, default=WORKERS, metavar="WORKERS")
    parser.add_argument("--seconds", type=float, default=0.0, help="of a shard; by default of 50 a second")
    parser.add_argument("--pairs", type=int, default=PAIRS)
    parser.add_argument("--batch", type=int, default=0, help="`store.shards_per_batch`")
    parser.add_argument("--serve", help=argparse.SUPPRESS)
    parser.add_argument("--share", type=int, help=argparse.SUPPRESS)
    parser.add_argument("--folder", type=Path, help=argparse.SUPPRESS)
    chosen = parser.parse_args()
    if chosen.serve:
        serve(chosen.serve, chosen.share, chosen.seconds, chosen.folder)
    else:
        with _dataset(chosen.pairs) as made:
            for number in chosen.counts:
                _print_run(made, number, chosen.seconds or number / SHARDS_A_SECOND, chosen.batch)
