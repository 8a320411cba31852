"""Past runs of a cache, as their folders tell them: how each ended, what it did, which settings it had."""

from __future__ import annotations

import shlex
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from configs.errors import CacheError
from configs.sections import Config
from pipeline.store.fingerprints import flat_settings
from pipeline.store.run_records import INFO_NAME, RUNS_FOLDER, RunInfo, is_alive, read_events, read_runs

DIED = "died"
"""State of a run that says it is running and whose process has gone."""
COUNTED = ("computed", "failed", "skipped", "seconds", "bytes")


@dataclass(frozen=True, slots=True)
class PastRun:
    """A run, going on or over."""

    folder: Path
    info: RunInfo
    state: str
    """As in its record, or `DIED`."""
    started: datetime
    """In this machine's time zone."""
    duration: timedelta
    """Up to its end, its last sign of life, or now."""
    stages: Mapping[str, Counter[str]]
    """What was committed, by stage: `computed`, `failed`, `skipped`, `seconds`, `bytes`, `peak_memory`."""
    totals: Mapping[str, int]
    """Items that it planned to compute, by stage."""
    events: tuple[Mapping[str, Any], ...] = field(repr=False)
    """What happened, in order."""

    def sum(self, name: str) -> int:
        """Sum of a count over the stages."""
        return sum(counts[name] for counts in self.stages.values())

    @property
    def command(self) -> str:
        """The command line, without the folder of the program."""
        if not self.info.command:
            return ""
        program, *arguments = self.info.command
        name = Path(program).name
        return shlex.join(["animeinterp" if name in ("cli.py", "animeinterp") else name, *arguments])


def past_runs(cache: Path) -> list[PastRun]:
    """Every run that left a folder in a cache, the latest first."""
    return [_past_run(folder, info) for folder, info in reversed(read_runs(cache))]


def find_run(cache: Path, name: str) -> PastRun:
    """The run of this id, or of the only one that begins so.

    Raises
    ------
    CacheError
        There is none, or more than one.
    """
    runs = read_runs(cache)
    found = [run for run in runs if run[1].id.startswith(name)]
    if len(found) == 1:
        return _past_run(*found[0])
    if found:
        which = ", ".join(info.id for _, info in found)
        raise CacheError(f"run {name!r}: several begin so ({which}); give more of the id")
    latest = f"the latest is {runs[-1][1].id}" if runs else "there are none"
    raise CacheError(f"run {name!r}: not in {cache / RUNS_FOLDER}, {latest}; see 'animeinterp history'")


def changed_settings(config: Mapping[str, Any]) -> dict[str, tuple[Any, Any]]:
    """Resolved settings that are not the default, by key: the value, and the default."""
    own, default = flat_settings(config), flat_settings(Config().model_dump(mode="json"))
    return {key: (own[key], default.get(key)) for key in own if own[key] != default.get(key)}


def _past_run(folder: Path, info: RunInfo) -> PastRun:
    events = tuple(read_events(folder))
    stages: dict[str, Counter[str]] = {}
    totals: Counter[str] = Counter()
    for event in events:
        if event.get("event") == "begin":
            totals.update(event.get("totals", {}))
        elif event.get("event") == "shard":
            counts = stages.setdefault(str(event.get("stage")), Counter())
            counts.update({name: event.get(name, 0) for name in COUNTED})
            counts["peak_memory"] = max(counts["peak_memory"], event.get("peak_memory", 0))
    state: str = info.state
    started = datetime.fromisoformat(info.started).astimezone()
    if info.ended:
        last = datetime.fromisoformat(info.ended)
    elif is_alive(info, folder):
        last = datetime.now().astimezone()
    else:
        state, last = DIED, _last_sign_of_life(folder)
    duration = max(last - started, timedelta())
    return PastRun(folder, info, state, started, duration, stages, totals, events)


def _last_sign_of_life(folder: Path) -> datetime:
    try:
        return datetime.fromtimestamp((folder / INFO_NAME).stat().st_mtime).astimezone()
    except OSError:
        return datetime.now().astimezone()
