"""A run: a session with its workers, which the tasks share."""

from __future__ import annotations

import atexit
import errno
import shutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

import pandas as pd

from configs.errors import AnimeInterpError, CacheError
from pipeline.compute.shard_jobs import ShardOutcome
from pipeline.planning.session import Session
from pipeline.planning.worker_count import fit_to_work
from pipeline.running.executors import Executor, open_executor
from pipeline.running.interruption import deferred
from pipeline.running.run_record import RunRecord
from pipeline.running.worker_checks import Surroundings
from pipeline.store.run_records import RunState
from pipeline.store.shards import ChangedCacheError, DamagedShardError
from pipeline.store.verification import verify_and_note

Listener = Callable[[ShardOutcome], None]

# What every other shard would meet as well.
HOPELESS = {errno.ENOSPC, errno.EDQUOT, errno.EROFS}


class RunFailedError(AnimeInterpError):
    """Some items or shards of a run failed; the others are done."""


@dataclass
class Run:
    """A session with its workers: what the tasks of one run share."""

    session: Session
    listeners: list[Listener] = field(default_factory=list)
    broken: list[str] = field(default_factory=list)
    """Shards that could not be committed, with the reason."""
    changed: list[ChangedCacheError] = field(default_factory=list)
    """What in the cache was not as planned, since the last `settle`."""
    stopped: AnimeInterpError | None = None
    """Why the run cannot go on at all."""
    frames_written: int | None = None
    """Frames written to `store.results`; None before that was tried."""
    scores: pd.DataFrame | None = None
    """Scores of the pairs, once they were written beside the frames."""
    _executor: Executor | None = None
    _record: RunRecord | None = None
    _batches: dict[str, Mapping[int, tuple[int, ...]]] = field(default_factory=dict)

    @property
    def executor(self) -> Executor:
        """The workers, started when first needed."""
        if self._executor is None:
            with deferred():  # workers that are only half started cannot be stopped in order
                section = fit_to_work(self.session)
                self._executor = open_executor(section, Surroundings.of(self.session))
            atexit.register(self.close)
        return self._executor

    def begin(self) -> RunRecord:
        """The run's record, begun by the first that asks: before it looks at what the cache holds.

        Else somebody who cleans the cache would take what the run is about to rely on for unused.
        """
        if self._record is None:
            self._record = RunRecord.begin(self.session)
            self.listeners.insert(0, self._record.shard)
            atexit.register(self.close)
        return self._record

    def end(self, state: RunState, why: str = "") -> None:
        """Close the run's record, if it was begun; `why` says what ended the run before its time."""
        if self._record is not None:
            failures = [(stage, record.id, record.reason) for stage, record in self.session.failures()]
            broken = [("", "", line) for line in self.broken]
            self._record.end(state, [*failures, *broken], why)
            self._record = None

    def close(self) -> None:
        """Let go of the workers, and close the record where nobody has."""
        if self._executor is not None:
            self._executor.close()
            self._executor = None
        failed = self._record is not None and bool(self.broken or self.session.failures())
        self.end("failed" if failed else "finished")
        atexit.unregister(self.close)

    def met(self, stage: str, shard: str, error: Exception) -> None:
        """Take note of what kept a shard from being committed, or with `shard` empty a whole stage.

        Raises
        ------
        CacheError
            It would keep every other shard from it as well.
        """
        if isinstance(error, ChangedCacheError):
            self.changed.append(error)
            if isinstance(error, DamagedShardError):
                verify_and_note(error.path)  # now, so that the next run knows even if this one is killed
        else:
            where = f"{stage}, shard {shard}" if shard else stage
            self.broken.append(f"{where}: {describe(error)}")
        if self._record is not None:
            self._record.event("trouble", stage=stage, shard=shard, what=describe(error))
        if isinstance(error, OSError) and error.errno in HOPELESS:
            self.stopped = _hopeless(self.session, error)
            raise self.stopped

    def settle(self) -> None:
        """Plan anew around what was found changed or damaged."""
        changed, self.changed = self.changed, []
        for error in changed:
            if isinstance(error, DamagedShardError):
                items = dict(verify_and_note(error.path).items) or {error.item: error.why}
                self.session.discard(error.path, items)
                if self._record is not None:
                    self._record.event("repair", path=str(error.path), items=items)
            else:
                self.session.look_again()

    def batches(self, stage: str) -> Mapping[int, tuple[int, ...]]:
        """Groups with work asked for, by number of their batch of `store.shards_per_batch`."""
        if stage not in self._batches:
            found: dict[int, list[int]] = {}
            for group in self.session.wanted_groups(stage):
                found.setdefault(self.batch_of(group), []).append(group)
            self._batches[stage] = {number: tuple(groups) for number, groups in found.items()}
        return self._batches[stage]

    def batch_of(self, group: int) -> int:
        """Number of the batch in which a group stands."""
        return group // self.session.config.store.shards_per_batch


def describe(error: Exception) -> str:
    """An error as a line for the user."""
    return str(error) if isinstance(error, AnimeInterpError) else f"{type(error).__name__}: {error}"


def _hopeless(session: Session, error: OSError) -> CacheError:
    cache = session.config.store.cache
    try:
        free = f"{shutil.disk_usage(cache.expanduser()).free / 1e9:.1f} GB free"
    except OSError:
        free = "free space unknown"
    return CacheError(
        f"store.cache = {str(cache)!r}: cannot be written ({error.strerror}; {free}); what is finished is "
        "kept: make room ('animeinterp cache gc' shows what can go) and run the same command again"
    )
