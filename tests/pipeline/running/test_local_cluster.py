from __future__ import annotations

import ipaddress
import os
import platform
import resource
import subprocess
import sys
from collections.abc import Iterator
from multiprocessing import spawn
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import psutil
import pytest
from distributed import Client, LocalCluster

from animeinterp.configs.errors import ConfigError
from animeinterp.configs.loading import load_config
from animeinterp.configs.sections import ExecutorSection
from animeinterp.pipeline.planning.worker_count import (
    default_workers,
    fit_to_work,
    memory_needed,
    number_of_workers,
)
from animeinterp.pipeline.running.local_cluster import NAME_OF_WORKERS, start_local_cluster
from tests.pipeline.small_runs import Opener
from tests.project import PATIENCE, ROOT


@pytest.fixture(scope="module")
def cluster(forked_workers: None) -> Iterator[LocalCluster]:
    with start_local_cluster(ExecutorSection(workers=1, memory_gb=1.5)) as cluster:
        yield cluster


def thresholds(dask_worker: Any) -> tuple[object, ...]:
    memory = dask_worker.memory_manager
    return memory.memory_target_fraction, memory.memory_spill_fraction, memory.memory_pause_fraction


def test_workers_have_one_thread_and_the_memory_given(cluster: LocalCluster) -> None:
    [worker] = cluster.scheduler_info["workers"].values()
    assert worker["nthreads"] == 1
    assert worker["memory_limit"] == 1_500_000_000


def test_workers_never_spill_or_pause_and_are_ended_beyond_their_limit(cluster: LocalCluster) -> None:
    with Client(cluster) as client:
        assert list(client.run(thresholds).values()) == [(False, False, False)]
    [nanny] = cluster.workers.values()
    assert nanny.memory_manager.memory_terminate_fraction == 0.95


def page_faults() -> int:
    """Of 50 arrays of 2 MB, each freed before the next."""
    for _ in range(2):
        np.ones(1 << 21, np.uint8)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
    for _ in range(50):
        np.ones(1 << 21, np.uint8)
    return resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before


@pytest.mark.slow
@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="settings of glibc")
def test_workers_keep_freed_memory_for_the_next_arrays() -> None:
    with start_local_cluster(ExecutorSection(workers=1, memory_gb=1.5)) as own, Client(own) as client:
        assert client.submit(page_faults).result() < 50 * 512 / 10  # a fault for every page of every array


@pytest.mark.slow
def test_a_script_needs_no_guard(tmp_path: Path) -> None:
    script = tmp_path / "script.py"
    script.write_text("""
from animeinterp.configs.sections import ExecutorSection
from animeinterp.pipeline.running.local_cluster import start_local_cluster

print("begun", flush=True)
with start_local_cluster(ExecutorSection(workers=1, memory_gb=1.5)) as cluster:
    print(len(cluster.scheduler_info["workers"]), "worker")
""")
    done = subprocess.run(
        [sys.executable, script],
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        check=False,
    )
    assert done.stdout.splitlines() == ["begun", "1 worker"], done.stderr


def test_only_workers_do_without_the_script(cluster: LocalCluster, monkeypatch: pytest.MonkeyPatch) -> None:
    main = sys.modules["__main__"]  # of pytest or of a process of xdist: here a script
    monkeypatch.setattr(main, "__spec__", None)
    monkeypatch.setattr(main, "__file__", __file__, raising=False)
    script = {"init_main_from_name", "init_main_from_path"}
    assert not script & set(spawn.get_preparation_data(f"{NAME_OF_WORKERS} (from Nanny)"))
    assert script & set(spawn.get_preparation_data("another"))


def test_more_workers_than_the_memory_allows_are_refused() -> None:
    with pytest.raises(ConfigError, match="executor.workers = 9999: .* a worker needs 1 GB; choose fewer"):
        start_local_cluster(ExecutorSection(workers=9999))


def test_one_worker_a_core_and_fewer_where_memory_is_short(monkeypatch: pytest.MonkeyPatch) -> None:
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    for available, expected in ((1e15, cores), (1.6e9, 1), (1e6, 1)):
        monkeypatch.setattr(psutil, "virtual_memory", lambda n=available: SimpleNamespace(available=n))
        assert default_workers() == expected
    monkeypatch.setattr(psutil, "virtual_memory", lambda: SimpleNamespace(available=20e9))
    assert default_workers(memory=15e9) == 1


def test_large_frames_have_fewer_workers_where_memory_is_short(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: range(16), raising=False)
    monkeypatch.setattr(psutil, "virtual_memory", lambda: SimpleNamespace(available=14e9))
    full = ["refinement.weights=a.ckpt", "synthesis.weights=a.ckpt"]
    for settings, expected in ([], (9, 9, 4)), (full, (9, 6, 2)):
        config = load_config("paper", settings)
        for pixels, workers in zip((540 * 960, 1080 * 1920, 2160 * 3840), expected, strict=True):
            assert number_of_workers(ExecutorSection(), memory_needed(config, pixels)) == workers
    assert number_of_workers(ExecutorSection(workers=5), 14e9) == 5


def test_no_more_workers_than_shards(open_session: Opener) -> None:
    nine = ("executor.kind=local", "executor.workers=9")
    session = open_session(*nine)
    assert fit_to_work(session).workers == len(session.layout.groups) < 9
    assert fit_to_work(open_session(*nine, limit=1)).workers == 1
    assert fit_to_work(open_session("executor.workers=9")).workers == 9  # which nobody looks at inline


def test_nobody_outside_of_this_machine_is_listened_to(cluster: LocalCluster) -> None:
    with Client(cluster) as client:
        client.run(os.getpid)
        own = psutil.Process()
        listening = [
            connection.laddr.ip
            for process in (own, *own.children(recursive=True))
            for connection in process.net_connections(kind="inet")
            if connection.status == psutil.CONN_LISTEN
        ]
    assert len(listening) >= 3  # the scheduler, its page and the worker
    assert all(ipaddress.ip_address(address).is_loopback for address in listening)
