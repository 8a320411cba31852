"""How far runs are that go on in other processes, by the records that they write."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

from pipeline.planning.session import Session
from pipeline.store.run_records import RunInfo, is_alive, read_events, read_runs

SecondsAnItem = Callable[[str], float | None]


@dataclass
class StageProgress:
    """A stage of a run that goes on."""

    total: int
    """Items to compute, as planned."""
    done: int = 0
    """Of them, failed and skipped ones included."""
    failed: int = 0
    seconds: float = 0.0
    """Work on what is done, on one worker."""
    size: int = 0
    """Bytes written."""
    began: float = 0.0
    """When work on it began, seconds since the epoch; 0 before."""
    last: float = 0.0
    """When something of it was committed last."""

    @property
    def rate(self) -> float | None:
        """Items a second; None before the first are done."""
        return self.done / max(self.last - self.began, 1e-6) if self.done else None

    @property
    def left(self) -> int:
        """Items left to do."""
        return max(0, self.total - self.done)


@dataclass(frozen=True)
class LiveRun:
    """A run as seen from outside."""

    folder: Path
    info: RunInfo
    alive: bool
    stages: dict[str, StageProgress] = field(default_factory=dict)
    """In the order of the work, those with something to do."""

    @property
    def started(self) -> datetime:
        """When the run began."""
        return datetime.fromisoformat(self.info.started).astimezone()

    @property
    def ended(self) -> datetime | None:
        """When it ended; None while it goes on, and where it died."""
        return datetime.fromisoformat(self.info.ended).astimezone() if self.info.ended else None

    def time_left(self, past: SecondsAnItem) -> tuple[float | None, tuple[str, ...]]:
        """Seconds until the run will have ended, and the stages that are not in that.

        Parameters
        ----------
        past
            Seconds of work an item of a stage that this run has not come to; None where not known.

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
                left += found.left * each / at_once
        return left, tuple(unknown)


def look_at_run(folder: Path, info: RunInfo) -> LiveRun:
    """Read what a run has written of itself so far."""
    stages: dict[str, StageProgress] = {}
    for event in read_events(folder):
        if event.get("event") == "begin":
            stages = {stage: StageProgress(total) for stage, total in event["totals"].items() if total}
        elif event.get("event") == "shard":
            found = stages.setdefault(event["stage"], StageProgress(0))
            when = datetime.fromisoformat(event["time"]).timestamp()
            if not found.done:
                found.began = when - event["seconds"]
            found.last = when
            found.done += event["computed"] + event["skipped"]
            found.total = max(found.total, found.done)  # more than planned where something was repaired
            found.failed += event["failed"]
            found.seconds += event["seconds"]
            found.size += event["bytes"]
    return LiveRun(folder, info, is_alive(info, folder), stages)


def runs_of(session: Session) -> tuple[list[LiveRun], list[LiveRun]]:
    """Runs in a session's cache, in the order they began: those of the same work, and others that go on.

    Of the same work are runs with the fingerprints that the session has, on the same dataset.
    """
    same: list[LiveRun] = []
    others: list[LiveRun] = []
    for folder, info in read_runs(session.config.store.cache.expanduser()):
        fingerprints = {stage: info.fingerprints.get(stage) for stage in session.stages}
        wanted = {stage: session.fingerprints[stage] for stage in session.stages}
        if fingerprints == wanted and _root(info) == str(session.config.data.root):
            same.append(look_at_run(folder, info))
        elif is_alive(info, folder):
            others.append(look_at_run(folder, info))
    return same, others


def _root(info: RunInfo) -> str:
    return str(info.config.get("data", {}).get("root"))
