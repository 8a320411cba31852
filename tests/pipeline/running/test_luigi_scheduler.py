from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import time
import urllib.parse
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from animeinterp.configs.errors import ConfigError
from animeinterp.pipeline.compute.registry import STAGES
from animeinterp.pipeline.running import luigi_scheduler
from tests.pipeline.run_processes import start_program, wait_for_shards
from tests.pipeline.small_runs import Command, Runner, set_options
from tests.project import PATIENCE, ROOT


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@pytest.fixture
def luigid(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest) -> Iterator[str]:
    """Address of a Luigi scheduler.

    Its parameter is for how many seconds it takes a task that was done for done, whatever a run says.
    """
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    with started(tmp_path, cooldown=getattr(request, "param", 10)) as (address, _):
        yield address


@contextmanager
def started(folder: Path, cooldown: int = 10) -> Iterator[tuple[str, subprocess.Popen[bytes]]]:
    """A Luigi scheduler, a process of its own, and its address."""
    (folder / "luigid.cfg").write_text(f"[scheduler]\nstable_done_cooldown_secs = {cooldown}\n")
    port = free_port()
    command = [str(Path(sys.executable).with_name("luigid")), "--address", "127.0.0.1", "--port", str(port)]
    with (folder / "luigid.log").open("w") as log:
        process = subprocess.Popen(
            [*command, "--state-path", str(folder / "luigi.pickle")],
            env={**os.environ, "LUIGI_CONFIG_PATH": str(folder / "luigid.cfg")},
            stdout=log,
            stderr=log,
            cwd=folder,
        )
    try:
        address = f"http://127.0.0.1:{port}"
        patience = time.monotonic() + PATIENCE
        while not _answers(address):
            assert process.poll() is None
            assert time.monotonic() < patience
            time.sleep(0.1)
        yield address, process
    finally:
        process.kill()
        process.wait()


def _answers(address: str) -> bool:
    try:
        luigi_scheduler.check(address)
    except ConfigError:
        return False
    return True


def ask(luigid: str, what: str, **data: str) -> Any:
    """What the scheduler tells its web page."""
    query = urllib.parse.quote(json.dumps(data))
    with urllib.request.urlopen(f"{luigid}/api/{what}?data={query}") as answer:
        return json.load(answer)["response"]


def tasks(luigid: str, status: str) -> dict[str, dict[str, Any]]:
    """Tasks of a status, by name."""
    found = ask(luigid, "task_list", status=status, upstream_status="")
    return {task["name"]: {"task_id": task_id, **task} for task_id, task in found.items()}


NAMES = {"RunDataset", *("".join(word.title() for word in stage.split("_")) for stage in STAGES)}


def test_the_luigi_command_shows_its_tasks_on_the_schedulers_page(
    luigid: str, settings: list[str], tmp_path: Path
) -> None:
    local = [*settings, "executor.kind=local", "executor.workers=1"]
    ended = subprocess.run(
        [
            Path(sys.executable).with_name("luigi"),
            "--module",
            "animeinterp.pipeline.tasks",
            "RunDataset",
            "--config",
            "demo",
            "--settings",
            json.dumps(local),
            "--scheduler-url",
            luigid,
        ],
        env={**os.environ, "LUIGI_CONFIG_PATH": str(ROOT / "luigi.cfg"), "PYTHONPATH": str(ROOT)},
        cwd=tmp_path,
        text=True,
        capture_output=True,
        timeout=PATIENCE,
        check=False,
    )
    assert ended.returncode == 0, ended.stderr
    done = tasks(luigid, "DONE")
    assert done.keys() == NAMES
    for name in NAMES - {"RunDataset"}:
        progress = ask(luigid, "get_task_progress_percentage", task_id=done[name]["task_id"])
        assert progress["progressPercentage"] == 100
        assert done[name]["tracking_url"].startswith("http://127.0.0.1:")
        assert done[name]["tracking_url"].endswith("/status")


@pytest.mark.parametrize(("luigid", "expected"), [(0, 0), (60, 2)], indirect=["luigid"])
def test_a_run_shows_itself_on_the_schedulers_page(
    luigid: str, expected: int, command: Command, settings: list[str], cartoons: Path, tmp_path: Path
) -> None:
    frames = tmp_path / "frames"
    (frames / "void").mkdir(parents=True)
    options = set_options(
        [*settings, f"data.root='{frames}'", "data.layout=folders", f"executor.luigid={luigid}"]
    )
    code, _ = command("run", "demo", *options, "--quiet")
    assert code == 1
    assert tasks(luigid, "FAILED").keys() == {"RunDataset"}

    for pair in (cartoons / "test_2k_540p").iterdir():
        (frames / pair.name).symlink_to(pair)
    (frames / "void").rmdir()
    code, printed = command("run", "demo", *options, "--quiet")
    assert code == expected, printed
    assert (tasks(luigid, "DONE").keys() == NAMES) == (code == 0)
    assert ("the Luigi scheduler did not give this run all of its tasks" in printed) == (code == 2)


@pytest.mark.parametrize("name", ["http_proxy", "HTTP_PROXY", "all_proxy"])
def test_a_scheduler_of_this_machine_is_reached_past_proxies(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, settings: list[str], run: Runner, name: str
) -> None:
    monkeypatch.delenv("no_proxy", raising=False)
    monkeypatch.delenv("NO_PROXY", raising=False)
    monkeypatch.setenv(name, f"http://127.0.0.1:{free_port()}")  # where nobody is
    with started(tmp_path) as (address, _):
        assert run(
            f"executor.luigid={address}", "coarse_flow.method=zero", limit=1, last="coarse_flow"
        ).succeeded
        assert tasks(address, "DONE")


def test_a_scheduler_that_does_not_answer_is_told_before_any_work(run: Runner, tmp_path: Path) -> None:
    address = f"http://127.0.0.1:{free_port()}"
    with pytest.raises(ConfigError, match=f"executor.luigid = '{address}': no Luigi scheduler answers there"):
        run(f"executor.luigid={address}")
    assert not list((tmp_path / "cache").glob("*/*/*.zarr"))


@pytest.mark.slow
def test_a_scheduler_that_dies_ends_the_run_and_the_same_command_goes_on(
    settings: list[str], run: Runner, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    (tmp_path / "luigi.cfg").write_text("[core]\nrpc-retry-wait = 1\n")
    with started(tmp_path) as (address, scheduler):
        monkeypatch.setenv("LUIGI_CONFIG_PATH", str(tmp_path / "luigi.cfg"))
        process = start_program([*settings, "store.pairs_per_shard=1", f"executor.luigid={address}"])
        try:
            wait_for_shards(tmp_path / "cache", process, 2)
            scheduler.kill()
            printed, _ = process.communicate(timeout=PATIENCE)
        finally:
            process.kill()
    assert process.returncode == 2, printed
    assert "the Luigi scheduler has stopped or cannot be reached any more" in printed
    assert "Traceback" not in printed
    assert run("store.pairs_per_shard=1").succeeded
