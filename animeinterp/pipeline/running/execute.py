"""A run from end to end: open, plan, work, write the results, report."""

from __future__ import annotations

import logging
import time
from collections.abc import Sequence

from rich.console import Console

from animeinterp.configs.errors import AnimeInterpError, ConfigError
from animeinterp.configs.loading import load_config
from animeinterp.models.weights.records import SHIPPED
from animeinterp.pipeline.compute.networks import load_network, weights_paths
from animeinterp.pipeline.planning.estimates import space_note
from animeinterp.pipeline.planning.selection import Selection
from animeinterp.pipeline.planning.session import Session
from animeinterp.pipeline.planning.shard_planning import shard_job
from animeinterp.pipeline.results.results_record import results_notes
from animeinterp.pipeline.results.scores import score_table
from animeinterp.pipeline.running import luigi_scheduler
from animeinterp.pipeline.running.luigi_tasks import RunDataset
from animeinterp.pipeline.running.output_folder import write_results
from animeinterp.pipeline.running.progress import RunProgress
from animeinterp.pipeline.running.run import Run, RunReport
from animeinterp.pipeline.store.run_records import RunState
from animeinterp.pipeline.store.shard_arrays import check_zarr
from animeinterp.pipeline.store.shards import ChangedCacheError

MOST_PLANS = 5
"""How often a run plans again because it found damaged data or another process changed its inputs."""


def execute(
    source: str, settings: Sequence[str], selection: Selection, console: Console, *, quiet: bool = False
) -> RunReport:
    """Run the selected stages and write the results.

    Parameters
    ----------
    source, settings
        The config as `load_config` takes it.
    selection
        The selected work.
    console, quiet
        Where progress is shown; with `quiet` it is not.

    Raises
    ------
    AnimeInterpError
        Config, dataset, weights or cache are unusable. Failed items are in the report instead.
    KeyboardInterrupt
        After the workers have been stopped; committed results stay.
    """
    started = time.monotonic()
    run = Run.open(load_config(source, settings), selection)
    try:
        _check(run.session)
        for note in () if quiet else filter(None, (*results_notes(run.session), space_note(run.session))):
            console.print(f"note: {note}", style="yellow", markup=False, highlight=False, soft_wrap=True)
        for _ in range(MOST_PLANS):
            _work(run, RunDataset.of(source, settings, run), console, quiet=quiet)
            _write(run)
            if not run.changed:
                break
            run.settle()
        run.report.broken += [str(error) for error in run.changed]
        run.close("finished" if run.report.succeeded else "failed")
    except BaseException as error:
        run.close(_state_after(error), str(error) or type(error).__name__)
        raise
    run.report.wall_seconds = time.monotonic() - started
    return run.report


def _check(session: Session) -> None:
    """Report problems of the whole run before hours of work, not in each item."""
    check_zarr()
    first = session.stages[0]
    for group in session.layout.wanted_groups(first):
        if session.to_compute(first, group):
            shard_job(session, first, group)
    if session.config.executor.kind in ("inline", "local"):
        check_device(session.config.executor.device)
    # The workers' device may be on another machine: here only the fit of the user's weights is checked.
    executor = session.config.executor.model_copy(update={"device": "cpu"})
    config = session.config.model_copy(update={"executor": executor})
    for stage in session.stages:
        given = set(weights_paths(stage, config).values()) - {SHIPPED}
        if given and any(session.to_compute(stage, group) for group in session.layout.wanted_groups(stage)):
            load_network(stage, config)


def check_device(device: str) -> None:
    """Make sure that this machine has the device.

    Raises
    ------
    ConfigError
        It has no CUDA device.
    """
    if device != "cuda":
        return
    import torch  # late: a run on CPUs needs none of it in its own process

    if not torch.cuda.is_available():
        raise ConfigError(
            "executor.device = 'cuda': Torch finds no CUDA device on this machine; "
            "use executor.device = 'cpu', or the address of a cluster that has one in executor.kind"
        )


def _work(run: Run, task: RunDataset, console: Console, *, quiet: bool) -> None:
    """Plan and compute; changes found on the way are then in `run.changed`."""
    totals = run.session.totals()
    run.record.planned(totals)
    if not sum(totals.values()):
        return
    luigid = run.session.config.executor.luigid
    luigi_scheduler.check(luigid)
    workers = run.start_workers()  # a cluster that does not answer fails here, not in every task
    # Failures are shown as a table; Luigi's log of them is for --debug.
    level = "INFO" if logging.getLogger().isEnabledFor(logging.DEBUG) else "CRITICAL"
    with RunProgress(console, totals, quiet=quiet) as progress:
        run.listeners.append(progress)
        luigi_scheduler.build(task, luigid, level)
        run.listeners.remove(progress)
    stopped = run.stopped or workers.lost
    if stopped is not None:
        raise stopped


def _write(run: Run) -> None:
    """Write frames and scores, and read the scores for the report."""
    try:
        run.report.frames_written += write_results(run)
        if "evaluation" in run.session.stages:
            run.report.scores = score_table(run.session)
    except ChangedCacheError as error:
        run.met("results", "", error)


def _state_after(error: BaseException) -> RunState:
    if isinstance(error, KeyboardInterrupt):
        return "interrupted"
    return "refused" if isinstance(error, AnimeInterpError) else "crashed"
