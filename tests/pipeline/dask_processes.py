"""A Dask cluster as its users start one: a scheduler and workers, each a process of its own."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import Self

import psutil
from distributed import Client

from tests.project import PATIENCE, ROOT


class DaskProcesses:
    """Starts them, and ends whatever is left of them.

    Parameters
    ----------
    folder
        Where their logs go, and what workers write beside the cache.
    host
        Address that the scheduler listens on.
    """

    def __init__(self, folder: Path, host: str = "127.0.0.1") -> None:
        self._folder, self._host = folder, host
        self._processes: list[subprocess.Popen[bytes]] = []
        self.address = ""
        self.scheduler: subprocess.Popen[bytes]

    def __enter__(self) -> Self:
        self.start_scheduler()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for process in self._processes:
            kill(process)

    def start_scheduler(self, port: int = 0) -> None:
        """Start a scheduler and wait for its address."""
        arguments = ["--host", self._host, "--port", str(port), "--no-dashboard"]
        self.scheduler, log = self._start("distributed.cli.dask_scheduler", arguments, (), None)
        found = self._wait_for(r"Scheduler at: +(tcp://\S+)", self.scheduler, log)
        self.address = found[1]

    def start_worker(
        self,
        *arguments: str,
        prefix: Sequence[str] = (),
        path: Path = ROOT,
        wait: bool = True,
    ) -> subprocess.Popen[bytes]:
        """Start a worker of one thread that finds the program in `path`; `prefix` is a command around it."""
        fixed = [self.address, "--nthreads", "1", "--no-dashboard", "--local-directory", str(self._folder)]
        before = self.worker_count() if wait else 0
        process, log = self._start("distributed.cli.dask_worker", [*fixed, *arguments], prefix, path)
        if wait:
            patience = time.monotonic() + PATIENCE
            while self.worker_count() <= before:
                assert process.poll() is None, log.read_text()
                assert time.monotonic() < patience, log.read_text()
                time.sleep(0.1)
        return process

    def worker_count(self) -> int:
        """Workers that the scheduler knows."""
        with Client(self.address, set_as_default=False) as client:
            return len(client.scheduler_info(n_workers=-1)["workers"])

    def _start(
        self, module: str, arguments: Sequence[str], prefix: Sequence[str], path: Path | None
    ) -> tuple[subprocess.Popen[bytes], Path]:
        log = self._folder / f"{module.rpartition('.')[2]}_{len(self._processes)}.log"
        with log.open("wb") as output:
            process = subprocess.Popen(
                [*prefix, sys.executable, "-m", module, *arguments],
                cwd=self._folder,
                env={**os.environ, "PYTHONPATH": str(path or ROOT)},
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        self._processes.append(process)
        return process, log

    def _wait_for(self, pattern: str, process: subprocess.Popen[bytes], log: Path) -> re.Match[str]:
        patience = time.monotonic() + PATIENCE
        while time.monotonic() < patience:
            found = re.search(pattern, log.read_text())
            if found is not None:
                return found
            assert process.poll() is None, log.read_text()
            time.sleep(0.05)
        raise AssertionError(log.read_text())


def kill(process: subprocess.Popen[bytes]) -> None:
    """Kill a process and all it has started, as a machine does that loses its power."""
    try:
        started = psutil.Process(process.pid).children(recursive=True)
    except psutil.NoSuchProcess:
        started = []
    for victim in (process, *started):
        try:
            victim.send_signal(signal.SIGKILL)
        except psutil.NoSuchProcess:
            continue
    process.wait()


class Network:
    """A switch in this machine with further machines, of their own network namespaces, behind it."""

    address = "10.213.77.1"

    def __init__(self, machines: int) -> None:
        self._id = os.getpid() % 100_000
        self.machines = [f"ai{self._id}m{number}" for number in range(machines)]

    def __enter__(self) -> Self:
        try:
            self._build()
        except BaseException:
            self._remove()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._remove()

    def on(self, machine: int) -> list[str]:
        """Command around one that is to run on a machine."""
        return ["ip", "netns", "exec", self.machines[machine]]

    def unplug(self, machine: int) -> None:
        """Cut a machine off, without any word to its peers."""
        _ip("link", "set", f"{self.machines[machine]}h", "down")

    def _build(self) -> None:
        switch = f"ai{self._id}"
        _ip("link", "add", switch, "type", "bridge")
        _ip("addr", "add", f"{self.address}/24", "dev", switch)
        _ip("link", "set", switch, "up")
        for number, name in enumerate(self.machines):
            _ip("netns", "add", name)
            _ip("link", "add", f"{name}h", "type", "veth", "peer", "name", "eth0", "netns", name)
            _ip("link", "set", f"{name}h", "master", switch, "up")
            _ip("-n", name, "addr", "add", f"{self.address[:-1]}{number + 2}/24", "dev", "eth0")
            for device in ("eth0", "lo"):
                _ip("-n", name, "link", "set", device, "up")

    def _remove(self) -> None:
        for name in self.machines:
            subprocess.run(["ip", "netns", "del", name], capture_output=True, check=False)
        subprocess.run(["ip", "link", "del", f"ai{self._id}"], capture_output=True, check=False)


def _ip(*arguments: str) -> None:
    subprocess.run(["ip", *arguments], check=True, capture_output=True)
