"""Past and active runs of a cache, read from their records: progress and outcome."""

from __future__ import annotations

import csv
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from animeinterp.configs.errors import CacheError
from animeinterp.configs.files import json_lines
from animeinterp.configs.names import command_line, own_command
from animeinterp.configs.sections import Config
from animeinterp.pipeline.planning.session import Session
from animeinterp.pipeline.store.commits import modified
from animeinterp.pipeline.store.fingerprints import flat_settings
from animeinterp.pipeline.store.run_records import (
    FAILURES_NAME,
    INFO_NAME,
    LOG_NAME,
    RUNS_FOLDER,
    RunInfo,
    is_alive,
    read_runs,
)

DIED = "died"
"""State of a run that is recorded as running but whose process is gone."""


@dataclass
class StageProgress:
    """The progress of a run in a stage."""

    planned: int = 0
    """Items to compute."""
    computed: int = 0
    """Failed ones included."""
    failed: int = 0
    skipped: int = 0
    seconds: float = 0.0
    """Work on the items done, on one worker."""
    size: int = 0
    """Bytes written."""
    peak_memory: int = 0
    """Bytes."""
    began: float = 0.0
    """When work on it began, seconds since the epoch; 0 before."""
    last: float = 0.0
    """Time of the last commit."""

    @property
    def done(self) -> int:
        """Items that are done, skipped ones included."""
        return self.computed + self.skipped

    @property
    def total(self) -> int:
        """Items to compute in all; more than planned if results were repaired."""
        return max(self.planned, self.done)

    @property
    def rate(self) -> float | None:
        """Items per second; None before the first are done."""
        return self.done / max(self.last - self.began, 1e-6) if self.done else None

    def add(self, event: Mapping[str, Any]) -> None:
        """Count a committed shard."""
        when, seconds = datetime.fromisoformat(event["time"]).timestamp(), event.get("seconds", 0.0)
        self.began, self.last = self.began or when - seconds, when
        self.computed += event.get("computed", 0)
        self.failed += event.get("failed", 0)
        self.skipped += event.get("skipped", 0)
        self.seconds += seconds
        self.size += event.get("bytes", 0)
        self.peak_memory = max(self.peak_memory, event.get("peak_memory", 0))


@dataclass(frozen=True, slots=True)
class PastRun:
    """A run, active or ended."""

    folder: Path
    info: RunInfo
    state: str
    """The recorded state, or `DIED`."""
    started: datetime
    """In this machine's time zone."""
    duration: timedelta
    """Until its end, its last sign of life, or now."""
    stages: Mapping[str, StageProgress]
    """In the order of the work, those with something to do."""
    events: tuple[Mapping[str, Any], ...] = field(repr=False)
    """Events, in order."""

    def sum(self, name: str) -> int:
        """Sum of a count over the stages."""
        return sum(getattr(found, name) for found in self.stages.values())

    @property
    def command(self) -> str:
        """The command line, without the folder of the program."""
        if not self.info.command:
            return ""
        program, *arguments = self.info.command
        name = Path(program).name
        return command_line(["animeinterp" if name in ("cli.py", "animeinterp") else name, *arguments])

    def time_left(self, past: Callable[[str], float | None]) -> tuple[float | None, tuple[str, ...]]:
        """Seconds until an active run ends, and the stages not included.

        Parameters
        ----------
        past
            Seconds of work per item of a stage that this run has not reached; None if unknown.

        Returns
        -------
        tuple
            None before anything is done; stages without a rate are left out of the time.
        """
        begun = [found for found in self.stages.values() if found.done]
        if not begun:
            return None, tuple(self.stages)
        worked = sum(found.seconds for found in begun)
        elapsed = max(found.last for found in begun) - min(found.began for found in begun)
        at_once = max(worked / elapsed, 1e-6) if elapsed > 0 and worked > 0 else 1.0
        left, unknown = 0.0, []
        for stage, found in self.stages.items():
            each = found.seconds / found.done if found.done else past(stage)
            if each is None:
                unknown.append(stage)
            else:
                left += (found.total - found.done) * each / at_once
        return left, tuple(unknown)


def past_runs(cache: Path) -> list[PastRun]:
    """Every recorded run of a cache, the latest first."""
    return [look_at_run(folder, info) for folder, info in reversed(read_runs(cache))]


def find_run(cache: Path, name: str) -> PastRun:
    """The run with this id, or with the only id that starts with it.

    Raises
    ------
    CacheError
        There is none, or more than one.
    """
    runs = read_runs(cache)
    found = [run for run in runs if run[1].id.startswith(name)]
    if len(found) == 1:
        return look_at_run(*found[0])
    if found:
        which = ", ".join(info.id for _, info in found)
        raise CacheError(f"run {name!r}: ambiguous ({which}); give more of the id")
    latest = f"the latest is {runs[-1][1].id}" if runs else "there are none"
    raise CacheError(f"run {name!r}: not in {cache / RUNS_FOLDER}, {latest}; see '{own_command('history')}'")


def runs_of(session: Session) -> tuple[list[PastRun], list[PastRun]]:
    """Runs in a session's cache, in the order they began: those of the same work, and other active ones.

    Of the same work are runs with the fingerprints that the session has, on the same dataset.
    """
    same: list[PastRun] = []
    others: list[PastRun] = []
    for folder, info in read_runs(session.config.store.cache):
        shared = all(info.fingerprints.get(stage) == session.fingerprints[stage] for stage in session.stages)
        if shared and str(info.config.get("data", {}).get("root")) == str(session.config.data.root):
            same.append(look_at_run(folder, info))
        elif is_alive(info, folder):
            others.append(look_at_run(folder, info))
    return same, others


def failures_of(folder: Path) -> list[dict[str, str]]:
    """Failed items of an ended run, from its record: stage, item and reason."""
    from animeinterp.pipeline.store.csv_tables import cell_text  # pandas, which listing runs does not need

    try:
        with (folder / FAILURES_NAME).open(encoding="utf-8", newline="") as file:
            return [{key: cell_text(cell) for key, cell in row.items()} for row in csv.DictReader(file)]
    except (OSError, csv.Error, AttributeError):  # none was written, or the file is cut
        return []


def changed_settings(config: Mapping[str, Any]) -> dict[str, tuple[Any, Any]]:
    """Resolved settings other than the default, by key: value and default."""
    own, default = flat_settings(config), flat_settings(Config().model_dump(mode="json"))
    return {key: (own[key], default.get(key)) for key in own if own[key] != default.get(key)}


def look_at_run(folder: Path, info: RunInfo) -> PastRun:
    """Read the record that a run has written so far."""
    events = tuple(json_lines(folder / LOG_NAME))
    stages: dict[str, StageProgress] = {}
    for event in events:
        if event.get("event") == "begin":
            stages = {stage: StageProgress(total) for stage, total in event["totals"].items() if total}
        elif event.get("event") == "shard":
            stages.setdefault(str(event.get("stage")), StageProgress()).add(event)
    state: str = info.state
    started = datetime.fromisoformat(info.started).astimezone()
    if info.ended:
        last = datetime.fromisoformat(info.ended)
    elif is_alive(info, folder):
        last = datetime.now().astimezone()
    else:
        state, last = DIED, datetime.fromtimestamp(modified(folder / INFO_NAME)).astimezone()
    return PastRun(folder, info, state, started, max(last - started, timedelta()), stages, events)
