"""Runs in processes of their own, to be interrupted or to lose what they depend on."""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path

from animeinterp.pipeline.store.shard_manifest import read_manifest
from tests.pipeline.forking import CommandProcess
from tests.pipeline.small_runs import set_options
from tests.project import PATIENCE, ROOT


def start(settings: list[str]) -> CommandProcess:
    """Start a run."""
    return CommandProcess(["run", "demo", *set_options(settings)])


def start_program(settings: list[str]) -> subprocess.Popen[str]:
    """Start a run as users do, with an interpreter of its own."""
    return subprocess.Popen(
        [sys.executable, "-m", "animeinterp.pipeline.cli", "run", "demo", *set_options(settings)],
        cwd=ROOT,
        text=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        start_new_session=True,
    )


def wait_for_shards(cache: Path, process: CommandProcess | subprocess.Popen[str], count: int) -> list[Path]:
    patience = time.monotonic() + PATIENCE
    while time.monotonic() < patience:
        shards = [p for p in cache.glob("*/*/*.zarr") if read_manifest(p) is not None]
        if len(shards) >= count:
            return shards
        assert process.poll() is None, process.communicate()[0]
        time.sleep(0.02)
    raise AssertionError(f"no {count} shards within {PATIENCE} s")
