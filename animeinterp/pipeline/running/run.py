"""A run: a session with its workers, its record and its outcome; all steps of a run share it."""

from __future__ import annotations

import atexit
import errno
import shutil
from collections import Counter, defaultdict
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

import pandas as pd

from animeinterp.configs.errors import AnimeInterpError, CacheError, ConfigError
from animeinterp.configs.names import own_command
from animeinterp.configs.sections import Config
from animeinterp.pipeline.compute.shard_jobs import ShardOutcome
from animeinterp.pipeline.planning.selection import Selection
from animeinterp.pipeline.planning.session import Session
from animeinterp.pipeline.planning.worker_count import fit_to_work, shards_per_batch
from animeinterp.pipeline.results.results_record import check_owner
from animeinterp.pipeline.running.executors import Executor, open_executor, precision_of_workers
from animeinterp.pipeline.running.interruption import deferred
from animeinterp.pipeline.running.run_record import RunRecord
from animeinterp.pipeline.running.worker_checks import Surroundings
from animeinterp.pipeline.store.run_records import RunState
from animeinterp.pipeline.store.shards import ChangedCacheError, DamagedShardError
from animeinterp.pipeline.store.verification import verify_and_note

Listener = Callable[[ShardOutcome], None]

# Problems that every other shard would have as well.
HOPELESS = {errno.ENOSPC, errno.EDQUOT, errno.EROFS}


class RunFailedError(AnimeInterpError):
    """Some items or shards of a run failed; the others are done."""


@dataclass
class RunReport:
    """The outcome of a run."""

    session: Session
    record: Path
    """Folder of the run's record."""
    computed: Counter[str] = field(default_factory=Counter)
    """Items computed, by stage."""
    seconds: dict[str, float] = field(default_factory=lambda: defaultdict(float))
    """Working time of the workers, by stage."""
    broken: list[str] = field(default_factory=list)
    """Shards that could not be committed, with the reason."""
    frames_written: int = 0
    """Frames written to `store.results`."""
    scores: pd.DataFrame | None = None
    """Scores of the scored pairs, if evaluation was selected."""
    wall_seconds: float = 0.0

    def note(self, outcome: ShardOutcome) -> None:
        """Count a shard that has been committed."""
        self.computed[outcome.stage] += outcome.computed
        self.seconds[outcome.stage] += outcome.seconds

    @property
    def succeeded(self) -> bool:
        """Whether everything selected is done and nothing failed."""
        session = self.session
        records = (record for stage in session.stages for _, record in session.records(stage))
        return not self.broken and all(record and record.status != "failed" for record in records)


@dataclass(eq=False, repr=False)  # Luigi writes each parameter of a task out, whenever it makes one
class Run:
    """A session with its workers and its record; `open` makes one."""

    session: Session
    record: RunRecord
    report: RunReport
    listeners: list[Listener]
    """Called for each committed shard."""
    changed: list[ChangedCacheError] = field(default_factory=list)
    """Changes found in the cache since the last `settle`."""
    stopped: AnimeInterpError | None = None
    """Why the run cannot continue."""
    _executor: Executor | None = None
    _batches: dict[str, Mapping[int, tuple[int, ...]]] = field(default_factory=dict)

    @classmethod
    def open(cls, config: Config, selection: Selection) -> Run:
        """Open a session and begin its record before the cache is read.

        Otherwise a concurrent `cache gc` would treat results that the run relies on as unused.

        Raises
        ------
        ConfigError, DataError, WeightsError, CacheError
            As `Session.open`; also if `store.results` holds results of another config.
        """
        session = Session.open(config, selection, ask=precision_of_workers(config.executor))
        record = RunRecord.begin(session)
        report = RunReport(session, record.folder)
        run = cls(session, record, report, [record.shard, report.note])
        atexit.register(run.close)
        try:
            check_owner(session)
        except ConfigError as error:
            run.close("refused", str(error))
            raise
        return run

    def start_workers(self) -> Executor:
        """The workers; started on first use."""
        if self._executor is None:
            with deferred():  # workers that are only half started cannot be stopped in order
                section = fit_to_work(self.session)
                self._executor = open_executor(section, Surroundings.of(self.session))
        return self._executor

    def close(self, state: RunState | None = None, why: str = "") -> None:
        """Stop the workers and close the record, unless already done.

        Parameters
        ----------
        state
            How the run ended; by default whether anything has failed.
        why
            What ended it early.
        """
        if self._executor is not None:
            self._executor.close()
            self._executor = None
        if not self.record.ended:
            failures = [(stage, record.id, record.reason) for stage, record in self.session.failures()]
            broken = [("", "", line) for line in self.report.broken]
            found: RunState = "failed" if failures or broken else "finished"
            self.record.end(state or found, [*failures, *broken], why)
        atexit.unregister(self.close)

    def met(self, stage: str, shard: str, error: Exception) -> None:
        """Record what prevented the commit of a shard, or with `shard` empty of a whole stage.

        Raises
        ------
        CacheError
            It would prevent every other commit as well.
        """
        if isinstance(error, ChangedCacheError):
            self.changed.append(error)
            if isinstance(error, DamagedShardError):
                verify_and_note(error.path)  # now, so that the next run finds it even if this one is killed
        else:
            where = f"{stage}, shard {shard}" if shard else stage
            self.report.broken.append(f"{where}: {describe(error)}")
        self.record.event("trouble", stage=stage, shard=shard, what=describe(error))
        if isinstance(error, OSError) and error.errno in HOPELESS:
            self.stopped = _hopeless(self.session, error)
            raise self.stopped

    def settle(self) -> None:
        """Plan again after changes or damage were found."""
        changed, self.changed = self.changed, []
        for error in changed:
            if isinstance(error, DamagedShardError):
                items = dict(verify_and_note(error.path).items) or {error.item: error.why}
                self.session.discard(error.path, items)
                self.record.event("repair", path=str(error.path), items=items)
            else:
                self.session.current.forget_all()

    def batches(self, stage: str) -> Mapping[int, tuple[int, ...]]:
        """Groups with selected work, by the number of their batch."""
        if stage not in self._batches:
            found: dict[int, list[int]] = {}
            for group in self.session.layout.wanted_groups(stage):
                found.setdefault(self.batch_of(group), []).append(group)
            self._batches[stage] = {number: tuple(groups) for number, groups in found.items()}
        return self._batches[stage]

    def batch_of(self, group: int) -> int:
        """Number of a group's batch."""
        return group // self._shards_per_batch

    @cached_property
    def _shards_per_batch(self) -> int:
        chosen = self.session.config.store.shards_per_batch
        return chosen or shards_per_batch(fit_to_work(self.session))


def describe(error: Exception) -> str:
    """An error as a line for the user."""
    return str(error) if isinstance(error, AnimeInterpError) else f"{type(error).__name__}: {error}"


def _hopeless(session: Session, error: OSError) -> CacheError:
    cache = session.config.store.cache
    try:
        free = f"{shutil.disk_usage(cache).free / 1e9:.1f} GB free"
    except OSError:
        free = "free space unknown"
    return CacheError(
        f"store.cache = {str(cache)!r}: cannot be written ({error.strerror}; {free}); what is finished is "
        f"kept: make room ('{own_command('cache', 'gc')}' shows what can go) and run the same command again"
    )
