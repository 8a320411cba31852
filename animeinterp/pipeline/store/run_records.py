"""Records of runs: `<cache>/runs/<id>/`, readable while a run is active and after it has died.

run.json        state, times, process, resolved config, fingerprints, versions, machine
log.jsonl       events, one per line, with their times
failures.csv    items that failed, with stage and reason
stages.csv      items, seconds, bytes and memory by stage
"""

from __future__ import annotations

import json
import platform
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any, Literal

import psutil

from animeinterp.pipeline.store.commits import modified

RUNS_FOLDER = "runs"

INFO_NAME = "run.json"

LOG_NAME = "log.jsonl"

FAILURES_NAME = "failures.csv"

HEARTBEAT = 30.0  # seconds between signs of life

SILENT_AFTER = 10 * HEARTBEAT
"""Seconds without a sign of life after which a run on another machine counts as dead; clocks may differ."""

RunState = Literal["running", "finished", "failed", "refused", "interrupted", "crashed"]
"""`failed`: ended, some items failed; `refused`: settings, data, weights or cache could not be used."""

EXIT_CODES: Mapping[RunState, int] = MappingProxyType(
    {"finished": 0, "failed": 1, "crashed": 1, "refused": 2, "interrupted": 130}
)
"""Exit codes of the command `animeinterp`; 130 is what shells report for a process ended by Ctrl-C."""


@dataclass(frozen=True, slots=True)
class RunInfo:
    """A run as recorded in its folder."""

    id: str
    state: RunState
    started: str
    """ISO 8601, UTC."""
    host: str
    process: int
    process_started: float
    """Seconds since the epoch; distinguishes a process from a later one with the same number."""
    command: list[str]
    config: dict[str, Any]
    """Resolved settings."""
    selection: dict[str, Any]
    fingerprints: dict[str, str]
    """Of each stage of the config."""
    versions: dict[str, str]
    machine: dict[str, Any]
    ended: str = ""
    exit_code: int | None = None
    """As in `EXIT_CODES`; None while it runs, and of a run that died."""


def is_alive(info: RunInfo, folder: Path) -> bool:
    """Whether the process of a run is still alive, as far as this machine can tell."""
    if info.state != "running":
        return False
    if info.host != platform.node():
        return time.time() - modified(folder / INFO_NAME) < SILENT_AFTER
    try:
        return abs(psutil.Process(info.process).create_time() - info.process_started) < 1
    except psutil.Error:
        return False


def read_runs(cache: Path) -> list[tuple[Path, RunInfo]]:
    """Folder and content of every run in a cache, in the order they began; damaged ones are left out."""
    runs = []
    for folder in sorted((cache / RUNS_FOLDER).glob("*")):
        try:
            content = json.loads((folder / INFO_NAME).read_text(encoding="utf-8"))
            runs.append((folder, RunInfo(**content)))
        except (OSError, ValueError, TypeError):
            continue
    return sorted(runs, key=lambda run: run[1].started)
