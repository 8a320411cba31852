"""A Dask cluster of processes on this machine: how many, with how much memory."""

from __future__ import annotations

import ctypes
import importlib.util
import logging
import os
import signal
import sys
from concurrent.futures import ThreadPoolExecutor
from functools import wraps
from multiprocessing import parent_process, resource_tracker, spawn
from typing import Any

import dask
from distributed import LocalCluster
from distributed.system import MEMORY_LIMIT

from animeinterp.configs.errors import ClusterError, ConfigError
from animeinterp.configs.sections import LEAST_MEMORY_GB, ExecutorSection
from animeinterp.pipeline.planning.worker_count import number_of_workers
from animeinterp.pipeline.store.sizes import in_bytes

PR_SET_PDEATHSIG = 1  # linux/prctl.h
NAME_OF_WORKERS = "Dask Worker process"  # that `distributed.nanny` gives to their processes
# Jobs run in a thread. By default glibc gives it a heap of its own, returns memory to the system whenever an
# array is freed, and maps the next one anew; clearing its pages more than doubled the time of jobs.
MEMORY_SETTINGS = {
    "MALLOC_ARENA_MAX": 1,
    "MALLOC_MMAP_THRESHOLD_": 64 << 20,  # bytes; larger arrays are still mapped one by one
    "MALLOC_TOP_PAD_": 128 << 20,  # bytes kept at most for the next arrays
}
LOCAL_SETTINGS = {
    **{f"distributed.nanny.pre-spawn-environ.{name}": value for name, value in MEMORY_SETTINGS.items()},
    # `DaskExecutor.map` decides about the jobs of a worker that dies.
    "distributed.scheduler.allowed-failures": 0,
    # A worker gets a job only when it is free, so that its death affects no other jobs.
    "distributed.scheduler.worker-saturation": 1.0,
    # Otherwise a worker that restarts this long after an earlier death is given up for good.
    "distributed.deploy.lost-worker-timeout": "1000 days",
    # Workers hold nothing that Dask could spill, and a paused worker might never take a job again.
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
        The machine does not have enough memory for this many.
    ClusterError
        They cannot be started.
    """
    workers = number_of_workers(section)
    limit = section.memory_gb * 1e9 or MEMORY_LIMIT / workers
    if limit < LEAST_MEMORY_GB * 1e9:
        raise ConfigError(
            f"executor.workers = {workers}: this machine's memory gives each {in_bytes(limit)}, and a "
            f"worker needs {LEAST_MEMORY_GB:g} GB; choose fewer, or executor.kind = 'inline'"
        )
    dask.config.set(LOCAL_SETTINGS)
    _leave_scripts_alone()
    # Ctrl-C and a closing terminal reach all its processes; the main one decides when workers end. Threads
    # and processes inherit what is blocked where they are started; the main thread must go on hearing it.
    with ThreadPoolExecutor(1, initializer=_block_interrupts) as starter:
        try:
            return starter.submit(_start, workers, limit).result()
        except RuntimeError as error:
            raise ClusterError(
                f"executor.workers = {workers}: the worker processes could not be started ({error}); check "
                "whether the machine is out of memory or processes, choose fewer, or executor.kind = 'inline'"
            ) from None


def _leave_scripts_alone() -> None:
    """Let workers start without the script that this process runs: they need nothing of it.

    By default they import it, so that a script which starts a run outside of `if __name__ == "__main__":`
    would start it again in each of them, and fail. Other processes of the script start as ever.
    """
    if getattr(spawn.get_preparation_data, "__wrapped__", None) is not None:
        return
    as_ever = spawn.get_preparation_data

    @wraps(as_ever)
    def preparation(name: str) -> dict[str, Any]:
        found: dict[str, Any] = as_ever(name)
        if name.startswith(NAME_OF_WORKERS):
            return {key: value for key, value in found.items() if not key.startswith("init_main")}
        return found

    setattr(spawn, as_ever.__name__, preparation)


def _block_interrupts() -> None:
    resource_tracker.ensure_running()  # starting it ends what is blocked
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT, signal.SIGHUP})


def _start(workers: int, memory: float) -> LocalCluster:
    return LocalCluster(
        n_workers=workers,
        threads_per_worker=1,
        processes=True,
        dashboard_address="127.0.0.1:0",  # any free port; without Bokeh it only serves numbers
        silence_logs=logging.ERROR,
        memory_limit=int(memory),
    )


def end_with_parent() -> None:
    """Let this worker be killed the moment its parent has gone.

    Elsewhere than on Linux, Dask's own watch on the parent ends it soon after. A worker that a fork server
    started, as Dask can be told to, has the server for its parent, which ends when nobody needs it any more.
    """
    parent = parent_process()
    if sys.platform == "linux" and parent is not None:
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
        if not parent.is_alive():  # it had gone before
            os._exit(1)


def has_dashboard() -> bool:
    """Whether Bokeh is installed, which draws Dask's dashboard."""
    return importlib.util.find_spec("bokeh") is not None
