"""Runs in processes of their own, to be interrupted."""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path

from pipeline.store.shard_manifest import read_manifest
from tests.pipeline.small_runs import set_options
from tests.project import PATIENCE, ROOT


def start(settings: list[str]) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", "pipeline.cli", "run", "demo", *set_options(settings)],
        cwd=ROOT,
        text=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        start_new_session=True,
    )


def wait_for_shards(cache: Path, process: subprocess.Popen[str], count: int) -> list[Path]:
    patience = time.monotonic() + PATIENCE
    while time.monotonic() < patience:
        shards = [p for p in cache.glob("*/*/*.zarr") if read_manifest(p) is not None]
        if len(shards) >= count:
            return shards
        assert process.poll() is None, process.communicate()[0]
        time.sleep(0.02)
    raise AssertionError(f"no {count} shards within {PATIENCE} s")
