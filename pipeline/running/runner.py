"""A run from the command line: plan, work, results."""

from __future__ import annotations

import logging
import time
from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import pandas as pd
import torch
from rich.console import Console

from configs.errors import AnimeInterpError, ConfigError
from pipeline.compute.networks import load_network
from pipeline.compute.shard_jobs import ShardOutcome
from pipeline.planning.estimates import space_note
from pipeline.planning.selection import Selection
from pipeline.planning.session import Session
from pipeline.results.scores import score_table
from pipeline.running import luigi_scheduler
from pipeline.running.luigi_tasks import Interpolate
from pipeline.running.output_folder import write_results
from pipeline.running.progress import RunProgress
from pipeline.running.run import Run
from pipeline.store.run_records import RunState
from pipeline.store.shards import ChangedCacheError

MOST_PLANS = 5
"""Times that a run plans anew because it met damaged data, or another process changed what it needs."""


@dataclass
class RunReport:
    """What a run did."""

    session: Session
    computed: Counter[str]
    """Items computed, by stage."""
    seconds: dict[str, float]
    """Working time of the workers, by stage."""
    broken: list[str] = field(default_factory=list)
    """Shards that could not be committed."""
    frames_written: int = 0
    scores: pd.DataFrame | None = None
    """Scores of the pairs that have any, where evaluation was asked for."""
    record: Path | None = None
    """Folder of the run's record."""
    wall_seconds: float = 0.0

    def note(self, outcome: ShardOutcome) -> None:
        """Count a shard that has been committed."""
        self.computed[outcome.stage] += outcome.computed
        self.seconds[outcome.stage] += outcome.seconds

    @property
    def succeeded(self) -> bool:
        """Whether everything asked for is done and nothing failed."""
        session = self.session
        records = (record for stage in session.stages for _, record in session.records(stage))
        return not self.broken and all(record and record.status != "failed" for record in records)


def execute(
    source: str, settings: Sequence[str], selection: Selection, console: Console, *, quiet: bool = False
) -> RunReport:
    """Run the selected stages and write the results.

    Raises
    ------
    AnimeInterpError
        Config, dataset, weights or cache are unusable. Failed items are in the report instead.
    KeyboardInterrupt
        After the workers have been let go; what was committed stays.
    """
    started = time.monotonic()
    task = Interpolate(
        config=source,
        settings=tuple(settings),
        first=selection.first,
        last=selection.last,
        force=tuple(sorted(selection.force)),
        retry_failed=selection.retry_failed,
        limit=selection.limit,
        ids=selection.ids,
    )
    task.forget()
    run = task.pipeline_run
    report = RunReport(run.session, Counter(), defaultdict(float))
    run.listeners.append(report.note)
    try:
        report.record = run.begin().folder
        _check(run.session)
        if not quiet and (note := space_note(run.session)):
            console.print(f"note: {note}", style="yellow", markup=False, highlight=False, soft_wrap=True)
        for _ in range(MOST_PLANS):
            _go_through(task, run, report, console, quiet=quiet)
            if not run.changed:
                break
            run.settle()
        report.broken = run.broken + [str(error) for error in run.changed]
        run.end("finished" if report.succeeded else "failed")
    except BaseException as error:
        run.end(_state_after(error), str(error) or type(error).__name__)
        raise
    finally:
        task.forget()
    report.wall_seconds = time.monotonic() - started
    return report


def _go_through(task: Interpolate, run: Run, report: RunReport, console: Console, *, quiet: bool) -> None:
    """Plan, work, write the results; what is found changed on the way is then in `run.changed`."""
    totals = run.session.totals()
    run.begin().planned(totals)
    if sum(totals.values()):
        luigi_scheduler.check(run.session.config.executor.luigid)
        _ = run.executor  # a cluster that does not answer is met here, not in every task
        progress = RunProgress(console, totals, quiet=quiet)
        run.listeners.append(progress)
        _work(task, progress)
        run.listeners.remove(progress)
        stopped = run.stopped or run.executor.lost
        if stopped is not None:
            raise stopped
    try:
        if run.frames_written is None:
            write_results(run)
        report.frames_written += run.frames_written or 0
        if "evaluation" in run.session.stages:
            report.scores = score_table(run.session) if run.scores is None else run.scores
    except ChangedCacheError as error:
        run.met("results", "", error)
    run.frames_written = run.scores = None


def _state_after(error: BaseException) -> RunState:
    if isinstance(error, KeyboardInterrupt):
        return "interrupted"
    return "refused" if isinstance(error, AnimeInterpError) else "crashed"


def check_device(device: str) -> None:
    """Make sure that this machine has the device.

    Raises
    ------
    ConfigError
        It has no CUDA device.
    """
    if device == "cuda" and not torch.cuda.is_available():
        raise ConfigError(
            "executor.device = 'cuda': Torch finds no CUDA device on this machine; "
            "use executor.device = 'cpu', or the address of a cluster that has one in executor.kind"
        )


def _check(session: Session) -> None:
    """Meet trouble that concerns all items before hours of work, not in each of them."""
    first = session.stages[0]
    for group in session.wanted_groups(first):
        if session.to_compute(first, group):
            session.job(first, group)
    if session.config.executor.kind in ("inline", "local"):
        check_device(session.config.executor.device)
    # The workers' device may be another machine's: here it is enough that the weights fit.
    executor = session.config.executor.model_copy(update={"device": "cpu"})
    config = session.config.model_copy(update={"executor": executor})
    for stage in session.stages:
        if any(session.to_compute(stage, group) for group in session.wanted_groups(stage)):
            load_network(stage, config)


def _work(task: Interpolate, progress: RunProgress) -> None:
    # Failures reach the user as a table; Luigi's own account of them is for --debug.
    level = "INFO" if logging.getLogger().isEnabledFor(logging.DEBUG) else "CRITICAL"
    with progress:
        luigi_scheduler.build(task, task.pipeline_run.session.config.executor.luigid, level)
