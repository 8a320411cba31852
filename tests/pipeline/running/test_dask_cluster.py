from __future__ import annotations

import shutil
import signal
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from distributed import Client, WorkerPlugin

from animeinterp.configs.errors import ClusterError, ConfigError
from animeinterp.configs.sections import ExecutorSection
from animeinterp.models.precision import native_precision
from animeinterp.pipeline.compute.registry import STAGES
from animeinterp.pipeline.planning.precision import RECORD
from animeinterp.pipeline.running import dask_cluster as cluster
from animeinterp.pipeline.running import waiting_for_workers as patience
from animeinterp.pipeline.running.dask_cluster import NETWORK_STAGES, DaskExecutor
from tests.pipeline.dask_processes import DaskProcesses, Network, kill
from tests.pipeline.run_processes import start, wait_for_shards
from tests.pipeline.small_runs import Opener, Runner, digests
from tests.project import PATIENCE

SMALL_SHARDS = "store.pairs_per_shard=1"


class Witness(WorkerPlugin):  # type: ignore[misc]
    """Notes which worker computes what."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def setup(self, worker: Any) -> None:
        self.path = self.folder / f"{worker.name}.seen"

    def transition(self, key: Any, start: str, finish: str, **_: Any) -> None:
        if finish == "executing":
            with self.path.open("a") as file:
                file.write(f"{key[0].rpartition('-')[0]}\n")


@pytest.fixture
def processes(tmp_path: Path) -> Iterator[DaskProcesses]:
    folder = tmp_path / "dask"
    folder.mkdir()
    with DaskProcesses(folder) as processes:
        yield processes


@pytest.mark.slow
def test_networks_go_to_workers_that_offer_their_resource(
    processes: DaskProcesses,
    run: Runner,
    open_session: Opener,
    tmp_path: Path,
    uninterrupted: dict[str, list[object]],
) -> None:
    processes.start_worker("--name", "fast", "--resources", "GPU=1", wait=False)
    processes.start_worker("--name", "plain", "--resources", "CPU=1")
    with Client(processes.address, set_as_default=False) as client:
        client.wait_for_workers(2, timeout=PATIENCE)
        client.register_plugin(Witness(tmp_path), name="witness")
    kinds = (f"executor.kind={processes.address}", SMALL_SHARDS)
    report = run(*kinds, "executor.network_resource=GPU", "executor.other_resource=CPU")
    assert report.succeeded
    seen = {name: set((tmp_path / f"{name}.seen").read_text().split()) for name in ("fast", "plain")}
    assert seen["fast"] == set(NETWORK_STAGES)
    assert seen["plain"] >= set(STAGES) - set(NETWORK_STAGES)
    assert not seen["plain"] & set(NETWORK_STAGES)
    assert digests(open_session()) == uninterrupted


@pytest.mark.slow
def test_workers_are_asked_for_their_precision(
    processes: DaskProcesses, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cluster, "FIRST_WORKER_SECONDS", 0.1)
    assert cluster.ask_cluster(processes.address, "cuda") == "float32"
    processes.start_worker()
    assert cluster.ask_cluster(processes.address, "cpu") == native_precision("cpu")
    assert cluster.ask_cluster(processes.address, "cuda") == "float16"


@pytest.mark.slow
def test_a_resource_that_nobody_offers_is_waited_for_with_a_word(
    processes: DaskProcesses, run: Runner, caplog: pytest.LogCaptureFixture
) -> None:
    processes.start_worker("--resources", "CPU=1")
    kinds = (
        f"executor.kind={processes.address}",
        "executor.network_resource=GPU",
        "executor.wait_minutes=0.05",
    )
    with pytest.raises(
        ClusterError, match="executor.network_resource = 'GPU': no worker .* none joined within"
    ):
        run(*kinds)
    assert "offers this resource (offered: CPU=1); start one with: dask worker tcp:" in caplog.text
    assert run().succeeded


@pytest.mark.slow
def test_a_cluster_without_workers_is_waited_for_with_a_word(
    processes: DaskProcesses, run: Runner, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(patience, "GRACE_SECONDS", 0.0)
    with pytest.raises(
        ClusterError, match="there is no worker; none joined within executor.wait_minutes = 0.05"
    ):
        run(f"executor.kind={processes.address}", "executor.wait_minutes=0.05")
    assert "there is no worker; waiting for one" in caplog.text


@pytest.mark.slow
def test_workers_may_come_go_and_die(
    processes: DaskProcesses,
    settings: list[str],
    run: Runner,
    open_session: Opener,
    tmp_path: Path,
    uninterrupted: dict[str, list[object]],
) -> None:
    process = start(
        [*settings, SMALL_SHARDS, f"executor.kind={processes.address}", "executor.wait_minutes=2"]
    )
    try:
        doomed = processes.start_worker("--no-nanny")
        wait_for_shards(tmp_path / "cache", process, 2)
        kill(doomed)
        leaving = processes.start_worker(wait=False)
        wait_for_shards(tmp_path / "cache", process, 6)
        leaving.send_signal(signal.SIGTERM)
        processes.start_worker(wait=False)
        printed, _ = process.communicate(timeout=PATIENCE)
    finally:
        process.kill()
    assert process.returncode == 0, printed
    assert run(SMALL_SHARDS).computed.total() == 0
    assert digests(open_session()) == uninterrupted
    assert not list((tmp_path / "cache").glob(".workers-*"))


@pytest.mark.slow
def test_a_scheduler_that_dies_ends_the_run_and_the_next_one_goes_on(
    processes: DaskProcesses,
    settings: list[str],
    open_session: Opener,
    tmp_path: Path,
    uninterrupted: dict[str, list[object]],
) -> None:
    processes.start_worker()
    command = [*settings, SMALL_SHARDS, f"executor.kind={processes.address}"]
    process = start(command)
    try:
        done = wait_for_shards(tmp_path / "cache", process, 4)
        kill(processes.scheduler)
        printed, _ = process.communicate(timeout=PATIENCE)
    finally:
        process.kill()
    assert process.returncode == 2, printed
    assert "the Dask scheduler has stopped or cannot be reached any more" in printed
    assert "run the same command again to resume" in printed
    assert "Traceback" not in printed

    before = {path: (path / "manifest.json").read_bytes() for path in done}
    processes.start_scheduler(port=int(processes.address.rpartition(":")[2]))
    processes.start_worker(wait=False)
    process = start(command)
    printed, _ = process.communicate(timeout=PATIENCE)
    assert process.returncode == 0, printed
    assert {path: (path / "manifest.json").read_bytes() for path in done} == before
    assert digests(open_session()) == uninterrupted


def elsewhere(folder: Path) -> list[str]:
    """Command around a worker that sees an empty folder in place of this one, as on another machine."""
    return ["unshare", "--mount", "sh", "-c", f'mount -t tmpfs none "{folder}" && exec "$@"', "sh"]


@pytest.mark.slow
@pytest.mark.privileged
def test_a_worker_that_sees_another_cache_is_refused_before_any_work(
    processes: DaskProcesses, run: Runner, tmp_path: Path
) -> None:
    (tmp_path / "cache").mkdir()
    processes.start_worker(prefix=elsewhere(tmp_path / "cache"))
    with pytest.raises(
        ConfigError, match=r"worker tcp://\S+: store.cache = .* is another folder on its machine"
    ):
        run(f"executor.kind={processes.address}")
    assert not list((tmp_path / "cache").glob("*/*/*.zarr"))


@pytest.mark.slow
@pytest.mark.privileged
def test_a_worker_without_the_frames_is_refused_before_any_work(
    processes: DaskProcesses, run: Runner, cartoons: Path
) -> None:
    processes.start_worker(prefix=elsewhere(cartoons))
    with pytest.raises(ConfigError, match="data.root: .* does not exist on its machine"):
        run(f"executor.kind={processes.address}")


def test_a_worker_without_the_program_is_refused_before_any_work(
    processes: DaskProcesses, run: Runner, tmp_path: Path
) -> None:
    running = tmp_path / "other" / "animeinterp" / "pipeline" / "running"
    running.mkdir(parents=True)
    for package in ("animeinterp", "animeinterp/pipeline", "animeinterp/pipeline/running"):
        (tmp_path / "other" / package / "__init__.py").touch()
    # Without this file, one would be found where the program is installed for its developers.
    (running / "dask_cluster.py").write_text(
        "raise ModuleNotFoundError('animeinterp.pipeline.running.dask_cluster')"
    )
    processes.start_worker(path=tmp_path / "other")
    with pytest.raises(ConfigError, match="its workers cannot load animeinterp .*install the same version"):
        run(f"executor.kind={processes.address}")


@pytest.mark.slow
@pytest.mark.privileged
def test_a_worker_that_joins_and_sees_another_cache_gets_no_work(
    processes: DaskProcesses,
    settings: list[str],
    open_session: Opener,
    tmp_path: Path,
    finished_cache: Path,
    uninterrupted: dict[str, list[object]],
) -> None:
    (tmp_path / "cache").mkdir()
    shutil.copy(finished_cache / RECORD, tmp_path / "cache")  # no worker can be asked for its precision yet
    prefix = elsewhere(tmp_path / "cache")
    process = start([*settings, SMALL_SHARDS, f"executor.kind={processes.address}"])
    try:
        while not list((tmp_path / "cache").glob(".workers-*")):
            assert process.poll() is None
            time.sleep(0.01)
        processes.start_worker(prefix=prefix, wait=False)
        printed = ""
        assert process.stdout is not None
        while "Its jobs go to other workers" not in printed:
            assert process.poll() is None, printed
            printed += process.stdout.readline()
        processes.start_worker(wait=False)
        further, _ = process.communicate(timeout=PATIENCE)
    finally:
        process.kill()
    assert process.returncode == 0, printed + further
    assert "store.cache = " in printed
    assert digests(open_session()) == uninterrupted


@pytest.mark.slow
@pytest.mark.privileged
def test_a_machine_that_is_cut_off_costs_no_result(
    settings: list[str],
    run: Runner,
    open_session: Opener,
    tmp_path: Path,
    uninterrupted: dict[str, list[object]],
) -> None:
    (tmp_path / "dask").mkdir()
    with Network(2) as network, DaskProcesses(tmp_path / "dask", network.address) as processes:
        for machine in range(2):
            processes.start_worker(prefix=network.on(machine))
        process = start([*settings, SMALL_SHARDS, f"executor.kind={processes.address}"])
        try:
            wait_for_shards(tmp_path / "cache", process, 4)
            network.unplug(0)
            printed, _ = process.communicate(timeout=2 * PATIENCE)
        finally:
            process.kill()
        assert process.returncode == 0, printed
    assert run(SMALL_SHARDS).computed.total() == 0
    assert digests(open_session()) == uninterrupted


@pytest.mark.slow
def test_a_scheduler_that_dies_between_two_stages_is_missed(
    processes: DaskProcesses, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cluster, "CONNECT_SECONDS", "1s")
    processes.start_worker()
    executor = DaskExecutor(ExecutorSection(kind=processes.address))
    try:
        assert dict(executor.map(abs, [-1, -2])) == {-1: 1, -2: 2}
        kill(processes.scheduler)
        for _ in range(2):
            with pytest.raises(ClusterError, match="the Dask scheduler has stopped"):
                list(executor.map(abs, [-1, -2]))
        assert executor.lost is not None
    finally:
        executor.close()
