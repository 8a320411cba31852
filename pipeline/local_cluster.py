"""A Dask cluster of processes on this machine: how many, with how much memory."""

from __future__ import annotations

import importlib.util
import logging
import os
import signal
from concurrent.futures import ThreadPoolExecutor
from multiprocessing import resource_tracker
from typing import TYPE_CHECKING

import dask
import psutil
from distributed import LocalCluster
from distributed.system import MEMORY_LIMIT

from configs.errors import ClusterError, ConfigError
from configs.sections import LEAST_MEMORY_GB, ExecutorSection

if TYPE_CHECKING:
    from pipeline.session import Session

MEMORY_PER_WORKER = 1.5e9  # bytes: networks, one 540p shard's arrays and the libraries themselves
# Peak of a worker with large frames: synthesis, measured at 540x960 to 2160x3840, docs/performance.md.
MEMORY_ANYWAY, MEMORY_PER_PIXEL = 0.8e9, 720.0

LOCAL_SETTINGS = {
    # What becomes of the jobs of a worker that dies is decided in `DaskExecutor.map`.
    "distributed.scheduler.allowed-failures": 0,
    # Workers get a job when they are free for it, so that one that dies takes no others along.
    "distributed.scheduler.worker-saturation": 1.0,
    # Else one that is just being started again, this long after an earlier death, is given up for good.
    "distributed.deploy.lost-worker-timeout": "1000 days",
    # Workers hold nothing that Dask could spill, and one that it pauses might never take a job again.
    "distributed.worker.memory.target": False,
    "distributed.worker.memory.spill": False,
    "distributed.worker.memory.pause": False,
    "distributed.worker.memory.terminate": 0.95,
}


def start_local_cluster(section: ExecutorSection) -> LocalCluster:
    """Processes of one thread each.

    Raises
    ------
    ConfigError
        More of them are asked for than this machine has memory for.
    ClusterError
        They cannot be started.
    """
    workers = number_of_workers(section)
    limit = section.memory_gb * 1e9 or MEMORY_LIMIT / workers
    if limit < LEAST_MEMORY_GB * 1e9:
        raise ConfigError(
            f"executor.workers = {workers}: this machine's memory gives each {gigabytes(limit)}, and a "
            f"worker needs {LEAST_MEMORY_GB:g} GB; choose fewer, or executor.kind = 'inline'"
        )
    dask.config.set(LOCAL_SETTINGS)
    # Ctrl-C reaches every process of the terminal; the main one decides what becomes of the workers. Threads
    # and processes inherit what is blocked where they are started; the main thread must go on hearing it.
    with ThreadPoolExecutor(1, initializer=_block_interrupts) as starter:
        try:
            return starter.submit(_start, workers, limit).result()
        except RuntimeError as error:
            raise ClusterError(
                f"executor.workers = {workers}: the worker processes could not be started ({error}); see "
                "whether the machine is out of memory or processes, choose fewer, or executor.kind = 'inline'"
            ) from None


def _block_interrupts() -> None:
    resource_tracker.ensure_running()  # starting it ends what is blocked
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})


def _start(workers: int, memory: float) -> LocalCluster:
    return LocalCluster(
        n_workers=workers,
        threads_per_worker=1,
        processes=True,
        dashboard_address="127.0.0.1:0",  # any free port; without Bokeh it serves no more than numbers
        silence_logs=logging.ERROR,
        memory_limit=int(memory),
    )


def has_dashboard() -> bool:
    """Whether Bokeh is installed, which draws Dask's dashboard."""
    return importlib.util.find_spec("bokeh") is not None


def number_of_workers(section: ExecutorSection, pixels: int = 0) -> int:
    """Processes that `local` starts for frames of so many pixels."""
    needed = max(MEMORY_PER_WORKER, MEMORY_ANYWAY + MEMORY_PER_PIXEL * pixels)
    return section.workers or default_workers(max(needed, section.memory_gb * 1e9))


def fit_to_work(session: Session) -> ExecutorSection:
    """Who does the work of a session: of `local` no more processes than it has shards and memory for."""
    section = session.config.executor
    if section.kind != "local":
        return section
    pixels = max(
        (frame.size[0] * frame.size[1] for frame in session.manifest.frames if frame.size), default=0
    )
    shards = max(len(session.wanted_groups(stage)) for stage in session.stages)
    return section.model_copy(update={"workers": max(1, min(number_of_workers(section, pixels), shards))})


def default_workers(memory: float = MEMORY_PER_WORKER) -> int:
    """One process a core, fewer where there is not so much memory, in bytes, for each."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return max(1, min(cores, int(psutil.virtual_memory().available // memory)))


def gigabytes(size: float) -> str:
    """Size in bytes as a text."""
    return f"{size / 1e9:.1f} GB"
