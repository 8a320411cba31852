"""Items that kill the worker that computes them: found and recorded as failed, their neighbours computed."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

from pipeline.executors import Executor
from pipeline.jobs import ItemJob, ShardJob, ShardOutcome, run_shard
from pipeline.shards import ItemRecord, read_manifest
from pipeline.workers import WorkerDiedError

LEAST_DEATHS = 2
"""Of workers that had nothing but the item: a single one may have had a cause of its own."""


def compute_shards(
    executor: Executor, jobs: Sequence[ShardJob]
) -> Iterator[tuple[ShardJob, ShardOutcome | Exception]]:
    """Compute and commit the shards of one stage, in whatever order they finish.

    Where a shard's workers died, its items are computed one at a time. One that kills its worker again is
    recorded as failed. Either way there is one outcome a job.

    Raises
    ------
    ClusterError
        There is nobody left to compute anything.
    """
    deadly: list[ShardJob] = []
    for job, outcome in executor.map(run_shard, jobs, _stage(jobs)):
        if isinstance(outcome, WorkerDiedError) and any(item.source is not None for item in job.items):
            deadly.append(job)
        else:
            yield job, outcome
    for job in deadly:
        yield job, _compute_apart(executor, job)


def _compute_apart(executor: Executor, job: ShardJob) -> ShardOutcome | Exception:
    """Compute a shard's items one at a time, each committed to the shard before the next begins."""
    outcomes: list[ShardOutcome] = []
    done: dict[str, ItemRecord] = {}
    for item in job.items:
        if item.source is None:
            continue
        outcome = _compute_item(executor, job, item, done)
        if isinstance(outcome, Exception):
            return outcome
        outcomes.append(outcome)
        manifest = read_manifest(job.path)
        done = {} if manifest is None else {record.id: record for record in manifest.items}
    return _merged(outcomes)


def _compute_item(
    executor: Executor, job: ShardJob, item: ItemJob, done: dict[str, ItemRecord]
) -> ShardOutcome | Exception:
    outcome = _run(executor, _with(job, item, done))
    if not isinstance(outcome, WorkerDiedError):
        return outcome
    reason = (
        f"{outcome}, each time while it computed this alone; give workers more memory (executor.memory_gb, "
        "fewer executor.workers; dask worker --memory-limit), then run again with --retry-failed"
    )
    return _run(executor, _with(job, ItemJob(item.id, item.input, status="failed", reason=reason), done))


def _with(job: ShardJob, current: ItemJob, done: dict[str, ItemRecord]) -> ShardJob:
    """Job for one item of a shard: those that were done are carried over, those that wait are left out.

    What the shard held before is carried over too, and not computed again here should it be damaged: that has
    a turn of its own.
    """
    items: list[ItemJob] = []
    for item in job.items:
        if item.id == current.id:
            items.append(current)
        elif item.id in done:
            items.append(replace(item, source=None, kept=done[item.id]))
        elif item.source is None or item.kept is not None:
            items.append(replace(item, source=None))
    return replace(job, items=tuple(items))


def _run(executor: Executor, job: ShardJob) -> ShardOutcome | Exception:
    """Run a job until it is done or has cost its number of workers."""
    deaths, cause = 0, ""
    while deaths < LEAST_DEATHS:
        [(_, outcome)] = executor.map(run_shard, [job], job.stage)
        if not isinstance(outcome, WorkerDiedError):
            return outcome
        deaths, cause = deaths + outcome.deaths, outcome.cause
    return WorkerDiedError(deaths, cause)


def _merged(outcomes: Sequence[ShardOutcome]) -> ShardOutcome:
    """What the commits of one shard's items amount to."""
    last = outcomes[-1]
    return replace(
        last,
        computed=sum(outcome.computed for outcome in outcomes),
        skipped=sum(outcome.skipped for outcome in outcomes),
        failures=tuple(record for outcome in outcomes for record in outcome.failures),
        seconds=sum(outcome.seconds for outcome in outcomes),
        peak_memory=max(outcome.peak_memory for outcome in outcomes),
    )


def _stage(jobs: Sequence[ShardJob]) -> str:
    return jobs[0].stage if jobs else ""
