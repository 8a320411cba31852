"""Who computes the shards: this process, processes on this machine, or a Dask cluster."""

from __future__ import annotations

import logging
import os
import signal
import threading
from collections.abc import Callable, Generator, Sequence
from concurrent.futures import CancelledError
from contextlib import closing
from typing import Any, Protocol, TypeVar

import cv2
import dask
import numba
import psutil
import torch
from distributed import Client, LocalCluster, WorkerPlugin, as_completed
from distributed.scheduler import KilledWorker

from configs.errors import ConfigError
from configs.sections import ExecutorSection
from pipeline.warm_up import warm_up

MEMORY_PER_WORKER = 1.5e9  # bytes: networks, one 540p shard's arrays and the libraries themselves
CONNECT_SECONDS = "30s"

Job = TypeVar("Job")
Outcome = TypeVar("Outcome")


class Executor(Protocol):
    """Computes jobs and hands back what they return, in whatever order they finish."""

    @property
    def dashboard(self) -> str | None:
        """Address of a page that shows the workers, if there is one."""
        ...

    def map(
        self, function: Callable[[Job], Outcome], jobs: Sequence[Job]
    ) -> Generator[tuple[Job, Outcome | Exception], None, None]:
        """Run `function` on each job; an exception stands in place of the outcome."""
        ...

    def close(self) -> None:
        """Let go of the workers."""
        ...


class InlineExecutor:
    """Works in this process, one job after the other."""

    dashboard: str | None = None

    def __init__(self, section: ExecutorSection) -> None:
        prepare_process(section.threads)

    def map(
        self, function: Callable[[Job], Outcome], jobs: Sequence[Job]
    ) -> Generator[tuple[Job, Outcome | Exception], None, None]:
        """Run the jobs in order."""
        for job in jobs:
            try:
                yield job, function(job)
            except Exception as error:  # noqa: BLE001 - handed to the caller in place of the outcome
                yield job, error

    def close(self) -> None:
        """Nothing to let go of."""


class PrepareWorker(WorkerPlugin):  # type: ignore[misc]
    """Sets up each worker process before its first job."""

    name = "animeinterp-prepare"

    def __init__(self, threads: int, *, shares_terminal: bool) -> None:
        self.threads = threads
        self.shares_terminal = shares_terminal

    def setup(self, worker: Any) -> None:  # noqa: ARG002
        """Give the libraries their threads and make the compiled code ready."""
        if self.shares_terminal and threading.current_thread() is threading.main_thread():
            # Ctrl-C reaches every process of the terminal; the main one decides what becomes of the workers.
            signal.signal(signal.SIGINT, signal.SIG_IGN)
        prepare_process(self.threads)


class DaskExecutor:
    """Works on the processes of a Dask cluster."""

    def __init__(self, section: ExecutorSection) -> None:
        self._cluster: LocalCluster | None = None
        # What becomes of the jobs of a worker that dies is decided in `map`.
        dask.config.set({"distributed.scheduler.allowed-failures": 0})
        if section.kind == "local":
            self._cluster = LocalCluster(
                n_workers=section.workers or default_workers(),
                threads_per_worker=1,
                processes=True,
                dashboard_address=None,
                silence_logs=logging.ERROR,
            )
        try:
            self._client = Client(self._cluster or section.kind, timeout=CONNECT_SECONDS)
        except OSError as error:
            raise ConfigError(
                f"executor.kind = {section.kind!r}: no Dask scheduler answers there ({error}); "
                "start one with 'dask scheduler', or use executor.kind = 'local'"
            ) from None
        self._client.register_plugin(PrepareWorker(section.threads, shares_terminal=section.kind == "local"))
        self.dashboard: str | None = None if self._cluster else self._client.dashboard_link

    def map(
        self, function: Callable[[Job], Outcome], jobs: Sequence[Job]
    ) -> Generator[tuple[Job, Outcome | Exception], None, None]:
        """Run the jobs on whichever worker is free; leaving early cancels what has not begun.

        Dask lays a worker's death on every job that was waiting there. Each of them is tried once more,
        alone, so that only the one that kills its worker again is to blame.
        """
        suspects: list[Job] = []
        with closing(self._map_once(function, jobs)) as outcomes:
            for job, outcome in outcomes:
                if isinstance(outcome, KilledWorker):
                    suspects.append(job)
                else:
                    yield job, outcome
        for job in suspects:
            with closing(self._map_once(function, [job])) as outcomes:
                for _, outcome in outcomes:
                    if isinstance(outcome, KilledWorker):
                        outcome = RuntimeError(f"the worker process died, out of memory perhaps ({outcome})")
                    yield job, outcome

    def _map_once(
        self, function: Callable[[Job], Outcome], jobs: Sequence[Job]
    ) -> Generator[tuple[Job, Outcome | Exception], None, None]:
        job_of = {self._client.submit(function, job, pure=False): job for job in jobs}
        try:
            for future in as_completed(list(job_of)):
                try:
                    outcome: Any = future.result()
                except (Exception, CancelledError) as error:  # noqa: BLE001 - as above
                    outcome = error
                yield job_of[future], outcome
                future.release()
        finally:
            self._client.cancel(list(job_of))

    def close(self) -> None:
        """Disconnect; stop the processes that were started here."""
        self._client.close(timeout=5)
        if self._cluster is not None:
            self._cluster.close(timeout=5)


def open_executor(section: ExecutorSection) -> Executor:
    """Executor that a config asks for.

    Raises
    ------
    ConfigError
        No scheduler answers at the address given.
    """
    return InlineExecutor(section) if section.kind == "inline" else DaskExecutor(section)


def default_workers() -> int:
    """One process a core, fewer where memory is short."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return max(1, min(cores, int(psutil.virtual_memory().available // MEMORY_PER_WORKER)))


def prepare_process(threads: int) -> None:
    """Give this process's libraries their number of threads, and make the compiled code ready."""
    cv2.setNumThreads(threads)
    torch.set_num_threads(threads)
    numba.set_num_threads(min(threads, numba.config.NUMBA_NUM_THREADS))
    warm_up()
