"""Find items that kill their worker, record them as failed, and compute the others."""

from __future__ import annotations

from collections.abc import Generator, Sequence
from contextlib import closing
from dataclasses import replace

from animeinterp.pipeline.compute.shard_jobs import ItemJob, ShardJob, ShardOutcome, run_shard
from animeinterp.pipeline.running.executors import Executor
from animeinterp.pipeline.running.worker_checks import WorkerDiedError

LEAST_DEATHS = 3
"""Deaths in a row of workers that ran only this item, while no other worker died; fewer may be chance."""
MOST_DEATHS = 12
"""After this many deaths the item counts as failed even if other workers died too, so that the run ends."""


def compute_shards(
    executor: Executor, jobs: Sequence[ShardJob]
) -> Generator[tuple[ShardJob, ShardOutcome | Exception], None, None]:
    """Compute and commit the shards of one stage, in whatever order they finish.

    Where a shard's workers died, its items are computed one at a time. One that kills its worker again and
    again is recorded as failed. Either way there is one outcome per job.

    Raises
    ------
    ClusterError
        No worker is left.
    """
    deadly: list[ShardJob] = []
    with closing(executor.map(run_shard, jobs, _stage(jobs))) as outcomes:
        for job, outcome in outcomes:
            if isinstance(outcome, WorkerDiedError):
                deadly.append(job)
            else:
                yield job, outcome
    for job in deadly:
        yield job, _compute_apart(executor, job)


def _compute_apart(executor: Executor, job: ShardJob) -> ShardOutcome | Exception:
    """Compute a shard's items one at a time, each committed to the shard before the next begins."""
    outcomes: list[ShardOutcome] = []
    job = replace(job, present=True)  # from the first of these commits on
    foregone = tuple(item for item in job.items if item.source is None)
    if foregone:
        outcome = _run(executor, replace(job, items=foregone))
        if isinstance(outcome, Exception):
            return outcome
        outcomes.append(outcome)
    for item in job.items:
        if item.source is None:
            continue
        outcome = _compute_item(executor, replace(job, items=(item,)))
        if isinstance(outcome, Exception):
            return outcome
        outcomes.append(outcome)
    return _merged(outcomes)


def _compute_item(executor: Executor, job: ShardJob) -> ShardOutcome | Exception:
    """Compute the only item of a job; what else its shard holds is carried over."""
    outcome = _run(executor, job)
    if not isinstance(outcome, WorkerDiedError):
        return outcome
    reason = (
        f"{outcome}, each time while it computed this alone; give workers more memory (executor.memory_gb, "
        "fewer executor.workers; dask worker --memory-limit), then run again with --retry-failed"
    )
    (item,) = job.items
    failed = ItemJob(item.id, item.input, item.inputs, status="failed", reason=reason)
    return _run(executor, replace(job, items=(failed,)))


def _run(executor: Executor, job: ShardJob) -> ShardOutcome | Exception:
    """Run a job until it is done or has killed too many workers.

    If other workers die too, machines are being taken away or processes killed: then deaths say little about
    the job, and counting restarts.
    """
    deaths = in_a_row = 0
    while True:
        [(_, outcome)] = executor.map(run_shard, [job], job.stage)
        if not isinstance(outcome, WorkerDiedError):
            return outcome
        deaths += outcome.deaths
        in_a_row = 0 if outcome.elsewhere else in_a_row + outcome.deaths
        if in_a_row >= LEAST_DEATHS or deaths >= MOST_DEATHS:
            return WorkerDiedError(deaths, outcome.cause)


def _merged(outcomes: Sequence[ShardOutcome]) -> ShardOutcome:
    """The combined outcome of the commits of one shard's items."""
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
