from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import cv2
import pytest
import torch

from animeinterp.configs.errors import CacheError, ConfigError
from animeinterp.configs.sections import ExecutorSection
from animeinterp.models.precision import native_precision
from animeinterp.pipeline.running import dask_cluster as cluster
from animeinterp.pipeline.running.dask_cluster import DaskExecutor
from animeinterp.pipeline.running.executors import Executor, InlineExecutor, ask_process, open_executor
from animeinterp.pipeline.running.worker_checks import WorkerDiedError
from tests.project import ROOT


def square(number: int) -> int:
    if number < 0:
        raise CacheError(f"{number} is below zero")
    return number**2


def process_of(_: int) -> int:
    time.sleep(0.2)  # long enough that one worker cannot do all
    return os.getpid()


def threads_of(_: int) -> tuple[int, int]:
    return torch.get_num_threads(), cv2.getNumThreads()


def survive(number: int) -> int:
    if number < 0:
        os._exit(1)
    time.sleep(0.1)
    return number


@pytest.fixture(scope="module")
def local(forked_workers: None) -> Iterator[DaskExecutor]:
    """Two processes of this machine."""
    executor = open_executor(ExecutorSection(kind="local", workers=2))
    assert isinstance(executor, DaskExecutor)
    yield executor
    executor.close()


@pytest.fixture(params=["inline", "local", "tcp"])
def executor(request: pytest.FixtureRequest) -> Iterator[Executor]:
    if request.param == "inline":
        yield open_executor(ExecutorSection(kind="inline"))
        return
    local: DaskExecutor = request.getfixturevalue("local")
    if request.param == "local":
        yield local
        return
    assert local._cluster is not None
    connected = open_executor(ExecutorSection(kind=local._cluster.scheduler_address))
    yield connected
    connected.close()


def test_jobs_come_back_with_what_they_return_or_raise(executor: Executor) -> None:
    found = dict(executor.map(square, [3, -1, 4]))
    assert found.keys() == {3, -1, 4}
    assert (found[3], found[4]) == (9, 16)
    assert isinstance(found[-1], CacheError)
    assert str(found[-1]) == "-1 is below zero"


def test_nothing_to_do(executor: Executor) -> None:
    assert list(executor.map(square, [])) == []


def test_leaving_early_leaves_the_workers_usable(executor: Executor) -> None:
    work = executor.map(process_of, range(8))
    next(work)
    work.close()  # type: ignore[attr-defined]
    assert dict(executor.map(square, [5])) == {5: 25}


def test_inline_works_here_in_order() -> None:
    executor = InlineExecutor(ExecutorSection(kind="inline"))
    assert list(executor.map(process_of, [2, 1])) == [(2, os.getpid()), (1, os.getpid())]
    assert executor.dashboard is None
    executor.close()


def test_local_works_in_processes_with_one_thread_each(local: DaskExecutor) -> None:
    processes = {pid for _, pid in local.map(process_of, range(6))}
    assert len(processes) == 2
    assert os.getpid() not in processes
    assert dict(local.map(threads_of, [0])) == {0: (1, 1)}


def test_a_job_that_kills_its_worker_fails_alone(local: DaskExecutor) -> None:
    found = dict(local.map(survive, [-1, *range(6)]))
    assert {number: found[number] for number in range(6)} == {number: number for number in range(6)}
    assert isinstance(found[-1], WorkerDiedError)
    assert "the worker process died once" in str(found[-1])
    assert dict(local.map(square, [2])) == {2: 4}


def test_closing_a_connection_leaves_the_cluster_alone(local: DaskExecutor) -> None:
    assert local._cluster is not None
    open_executor(ExecutorSection(kind=local._cluster.scheduler_address)).close()
    assert dict(local.map(square, [6])) == {6: 36}


def test_address_without_a_scheduler_is_refused_by_name(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cluster, "CONNECT_SECONDS", "1s")
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        address = f"tcp://127.0.0.1:{probe.getsockname()[1]}"
    with pytest.raises(
        ConfigError, match=f"executor.kind = '{address}': no Dask scheduler .*'dask scheduler'"
    ):
        open_executor(ExecutorSection(kind=address))


def test_the_workers_of_this_machine_are_asked_in_a_process_of_their_own() -> None:
    assert ask_process("cpu") == native_precision("cpu")


# The default's networks in a worker, by the whole command.
COMMAND = """
import sys
from animeinterp.pipeline.cli.app import main

sys.argv[1:] = ["run", "-c", "default", *sys.argv[1:]]
try:
    main()
except SystemExit as end:
    assert not end.code
needless = {"torch", "numba", "scipy", "matplotlib"} & set(sys.modules)
assert not needless, needless
"""


@pytest.mark.slow
def test_the_process_of_a_run_needs_none_of_what_workers_compute_with(cartoons: Path, tmp_path: Path) -> None:
    settings = [f"data.root='{cartoons}'", f"store.cache='{tmp_path / 'cache'}'"]
    settings += [f"store.results='{tmp_path / 'results'}'", "executor.workers=1"]
    options = [word for setting in settings for word in ("--set", setting)]
    done = subprocess.run(
        [sys.executable, "-c", COMMAND, *options, "--limit", "1"],
        capture_output=True,
        text=True,
        check=False,
        cwd=ROOT,
    )
    assert done.returncode == 0, done.stderr
    assert len(list((tmp_path / "results").glob("*/*.png"))) == 1
