from __future__ import annotations

import os
import signal
from pathlib import Path

import psutil
import pytest

from animeinterp.pipeline.compute.registry import STAGES
from tests.pipeline.run_processes import start_program, wait_for_shards
from tests.pipeline.small_runs import PAIRS, Opener, Runner, digests
from tests.project import PATIENCE


@pytest.mark.slow
@pytest.mark.parametrize(
    ("kind", "shards", "with_signal"),
    [
        ("inline", 1, signal.SIGKILL),
        ("inline", 6, signal.SIGKILL),
        ("local", 3, signal.SIGKILL),
        ("local", 3, signal.SIGINT),
    ],
)
def test_a_run_that_was_stopped_resumes_to_the_same_results(
    settings: list[str],
    run: Runner,
    open_session: Opener,
    tmp_path: Path,
    uninterrupted: dict[str, list[object]],
    kind: str,
    shards: int,
    with_signal: signal.Signals,
) -> None:
    process = start_program([*settings, f"executor.kind={kind}", "executor.workers=1"])
    try:
        done = wait_for_shards(tmp_path / "cache", process, shards)
        children = psutil.Process(process.pid).children(recursive=True)
        os.killpg(process.pid, with_signal) if with_signal is signal.SIGINT else process.kill()
        printed, _ = process.communicate(timeout=PATIENCE)
    finally:
        process.kill()
    assert process.returncode == (130 if with_signal is signal.SIGINT else -signal.SIGKILL)
    if with_signal is signal.SIGINT:
        assert "run the same command again to resume" in printed
        assert "Traceback" not in printed
    _, alive = psutil.wait_procs(children, timeout=PATIENCE)
    assert not alive

    before = {path: (path / "manifest.json").read_bytes() for path in done}
    resumed = run()
    assert resumed.succeeded
    whole = sum(PAIRS * (2 if binding.unit == "frame" else 1) for binding in STAGES.values())
    assert resumed.computed.total() < whole
    assert {path: (path / "manifest.json").read_bytes() for path in done} == before
    assert digests(open_session()) == uninterrupted
    assert not list((tmp_path / "cache").rglob("wip-*"))
