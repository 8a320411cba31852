"""Workers and schedulers that can be killed at any moment, and that say which jobs they begin."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import socket
from collections import Counter
from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from multiprocessing.process import BaseProcess
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import dask
import psutil
from distributed import Client, Scheduler, Worker

from animeinterp.pipeline.compute import shard_jobs as jobs
from animeinterp.pipeline.compute.batching import Computed, compute_items
from animeinterp.pipeline.compute.entry import StageBinding
from animeinterp.pipeline.compute.item_source import ItemSource
from animeinterp.pipeline.running import dask_cluster as cluster
from tests.pipeline.faults import MOMENTS, Fault
from tests.pipeline.forking import context, fork_workers
from tests.project import PATIENCE

FOLDER = "MORTAL_WORKERS"  # environment variable: where workers write, each a file of its own

Item = tuple[str, str]  # stage, id


@dataclass(frozen=True)
class Job:
    """What a worker process has begun to compute."""

    process: int
    items: frozenset[Item]


@dataclass(frozen=True)
class MortalWorkers:
    """Such workers as the test sees them; `folder` is where they write."""

    folder: Path

    def inject(self) -> None:
        """Let the workers of the local cluster that this process starts be such."""
        self.folder.mkdir(exist_ok=True)
        os.environ[FOLDER] = str(self.folder)
        dask.config.set({"distributed.worker.preload": [__name__]})
        fork_workers()

    def dead(self) -> set[int]:
        """Numbers of those that were set up and have died."""
        return self._known() - {process.pid for process in self.alive()}

    def alive(self) -> list[psutil.Process]:
        """Those that have been set up and have not died."""
        found = []
        for number in sorted(self._known()):
            try:
                process = psutil.Process(number)
                if process.status() != psutil.STATUS_ZOMBIE:
                    found.append(process)
            except psutil.NoSuchProcess:
                continue
        return found

    def _known(self) -> set[int]:
        return {int(path.name.partition("-")[2]) for path in self.folder.glob("worker-*")}

    def jobs(self) -> list[Job]:
        """Every job that they have begun, each one's in order."""
        return [
            Job(process, frozenset((stage, name) for name in names))
            for process in sorted(self._known())
            for stage, names in map(json.loads, _whole_lines(_log(self.folder, process)))
        ]

    def doom(self, moment: str) -> Path:
        """Let the next of them that comes to a moment die there; the file returned has gone then."""
        path = self.folder / f"doom {moment}"
        path.touch()
        return path

    def needlessly_repeated(self, killed: Collection[int]) -> dict[Item, list[str]]:
        """Items begun more often than by killed processes, which had no more than their last job in hand.

        Of each, who began it, and what else these processes began after it.
        """
        jobs = self.jobs()
        last = {job.process: job for job in jobs}
        excused = Counter(item for process in killed if process in last for item in last[process].items)
        begun = Counter(item for job in jobs for item in job.items)
        return {
            item: [
                f"{job.process}{' (killed)' if job.process in killed else ''}, then "
                f"{[sorted(later.items) for later in jobs[k + 1 :] if later.process == job.process][:2]}"
                for k, job in enumerate(jobs)
                if item in job.items
            ]
            for item, count in begun.items()
            if count > 1 + excused[item]
        }


@contextmanager
def frozen(processes: Sequence[psutil.Process]) -> Iterator[None]:
    """Let processes stand still meanwhile."""
    for sent in (signal.SIGSTOP, signal.SIGCONT):
        for process in processes:
            try:
                process.send_signal(sent)
            except psutil.NoSuchProcess:
                continue
        if sent == signal.SIGSTOP:
            yield


def dask_setup(worker: object) -> None:
    """Let this process be a mortal worker."""
    folder = Path(os.environ[FOLDER])
    log = _log(folder, os.getpid())
    for moment in MOMENTS:
        Fault(moment, 1, "kill", folder / f"doom {moment}").inject()

    def compute(
        binding: StageBinding, items: Sequence[tuple[str, ItemSource]], config: Any
    ) -> Iterator[Computed]:
        with log.open("a") as file:
            file.write(json.dumps([binding.name, [name for name, _ in items]]) + "\n")
        yield from compute_items(binding, items, config)

    jobs.compute_items = compute
    log.touch()


def _log(folder: Path, process: int) -> Path:
    return folder / f"worker-{process}"


def _whole_lines(path: Path) -> list[str]:
    """Complete lines of a file: the last may be half written, now or by a writer that was killed."""
    *lines, _ = path.read_text().split("\n")
    return lines


class Impatience:
    """Lets a run that finds no scheduler say so after a second or two."""

    def inject(self) -> None:
        cluster.CONNECT_SECONDS = "2s"
        dask.config.set({"distributed.comm.timeouts.connect": "2s"})


@dataclass
class MortalCluster:
    """A scheduler and workers, each a process of its own, at an address that stays the same."""

    workers: MortalWorkers
    size: int = 2
    port: int = field(default_factory=lambda: _free_port())
    _processes: list[BaseProcess] = field(default_factory=list)

    @property
    def address(self) -> str:
        return f"tcp://127.0.0.1:{self.port}"

    def __enter__(self) -> Self:
        self.workers.folder.mkdir(exist_ok=True)
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for process in self._processes:
            process.kill()
            process.join()

    def start(self) -> None:
        """Start the scheduler and its workers, and wait until these have joined."""
        self._start(_schedule, self.port, str(self.workers.folder))
        for _ in range(self.size):
            self._start(_work, self.address, str(self.workers.folder))
        with Client(self.address, timeout=PATIENCE, set_as_default=False) as client:
            client.wait_for_workers(self.size, timeout=PATIENCE)

    def kill_scheduler(self) -> None:
        """Kill the scheduler."""
        self._processes[0].kill()

    def wait_for_workers(self) -> set[int]:
        """Wait until the workers have noticed that their scheduler has gone; returns their numbers."""
        for process in self._processes:
            process.join(PATIENCE)
            assert process.exitcode is not None
        _, *workers = self._processes
        self._processes.clear()
        return {process.pid or 0 for process in workers}

    def _start(self, target: Callable[..., None], *arguments: object) -> None:
        process = context.Process(target=target, args=arguments)
        process.start()
        self._processes.append(process)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _schedule(port: int, folder: str) -> None:
    async def serve() -> None:
        async with Scheduler(
            host="127.0.0.1", port=port, dashboard=False, dashboard_address=":0", local_directory=folder
        ) as scheduler:
            await scheduler.finished()

    asyncio.run(serve())


def _work(address: str, folder: str) -> None:
    os.environ[FOLDER] = folder

    async def serve() -> None:
        async with Worker(
            address,
            nthreads=1,
            memory_limit=0,
            dashboard=False,
            local_directory=folder,
            preload=[__name__],
        ) as worker:
            await worker.finished()

    asyncio.run(serve())
