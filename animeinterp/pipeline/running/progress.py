"""Progress of a run: live bars on a terminal, occasional plain lines elsewhere."""

from __future__ import annotations

import time
from collections.abc import Mapping
from datetime import timedelta
from types import TracebackType
from typing import Self

from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    SpinnerColumn,
    Task,
    TaskID,
    TextColumn,
)

from animeinterp.pipeline.compute.shard_jobs import ShardOutcome

PLAIN_INTERVAL = 30.0  # seconds between lines of a stage without a terminal


class RunProgress:
    """Shows each stage's items done, rate, time left and failures.

    Parameters
    ----------
    console
        Where to show them; not a terminal = plain lines.
    totals
        Items to compute, by stage; stages without any are left out.
    quiet
        Show nothing.
    """

    def __init__(self, console: Console, totals: Mapping[str, int], *, quiet: bool = False) -> None:
        self._console = console
        self._quiet = quiet
        self._totals = {stage: total for stage, total in totals.items() if total}
        self._done = dict.fromkeys(self._totals, 0)
        self._failed = dict.fromkeys(self._totals, 0)
        self._started: dict[str, float] = {}
        self._said: dict[str, float] = {}
        self._bars: dict[str, TaskID] = {}
        self._progress = Progress(
            SpinnerColumn(finished_text="✓"),
            TextColumn("{task.description:<12}"),
            BarColumn(),
            MofNCompleteColumn(),
            TextColumn("{task.fields[rate]}"),
            TextColumn("{task.fields[left]}"),
            TextColumn("{task.fields[failed]}", style="red"),
            console=console,
            disable=quiet or not console.is_terminal,
        )

    def __enter__(self) -> Self:
        for stage, total in self._totals.items():
            self._bars[stage] = self._progress.add_task(
                stage, total=total, rate="", left="", failed="", start=False
            )
        self._progress.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._progress.stop()

    def __call__(self, outcome: ShardOutcome) -> None:
        """Count a committed shard."""
        items = outcome.computed + outcome.skipped
        self.advance(outcome.stage, items, failed=len(outcome.failures), seconds=outcome.seconds)

    def advance(self, stage: str, items: int, *, failed: int = 0, seconds: float = 0.0) -> None:
        """Count items done, failures included, and the seconds of work on them."""
        if stage not in self._totals:
            return
        now = time.monotonic()
        self._started.setdefault(stage, now - seconds)
        self._done[stage] = min(self._done[stage] + items, self._totals[stage])
        self._failed[stage] += failed
        rate = self._done[stage] / max(now - self._started[stage], 1e-6)
        trouble = f"{self._failed[stage]} failed" if self._failed[stage] else ""
        left = (self._totals[stage] - self._done[stage]) / max(rate, 1e-9)
        remaining = f"{timedelta(seconds=round(left))} left" if left else ""
        if self._progress.disable:
            self._say(stage, now, rate, remaining, trouble)
            return
        bar: Task = self._progress.tasks[self._bars[stage]]
        if not bar.started:
            self._progress.start_task(bar.id)
        self._progress.update(
            bar.id, completed=self._done[stage], rate=f"{rate:.2f}/s", left=remaining, failed=trouble
        )

    def _say(self, stage: str, now: float, rate: float, remaining: str, failed: str) -> None:
        if self._quiet or (remaining and now - self._said.get(stage, 0) < PLAIN_INTERVAL):
            return
        self._said[stage] = now
        parts = [f"{stage}: {self._done[stage]}/{self._totals[stage]}", f"{rate:.2f}/s", remaining, failed]
        self._console.print(", ".join(filter(None, parts)), highlight=False, soft_wrap=True)
