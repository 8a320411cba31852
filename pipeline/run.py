"""A run: a session with its workers, which the tasks share."""

from __future__ import annotations

import atexit
from collections.abc import Callable
from dataclasses import dataclass, field

from configs.errors import AnimeInterpError
from pipeline.executors import Executor, open_executor
from pipeline.jobs import ShardOutcome
from pipeline.session import Session
from pipeline.workers import Surroundings

Listener = Callable[[ShardOutcome], None]


class RunFailedError(AnimeInterpError):
    """Some items or shards of a run failed; the others are done."""


@dataclass
class Run:
    """A session with its workers: what the tasks of one run share."""

    session: Session
    listeners: list[Listener] = field(default_factory=list)
    broken: list[str] = field(default_factory=list)
    """Shards that could not be committed, with the reason."""
    frames_written: int | None = None
    """Frames written to `store.results`; None before that was tried."""
    _executor: Executor | None = None

    @property
    def executor(self) -> Executor:
        """The workers, started when first needed."""
        if self._executor is None:
            self._executor = open_executor(self.session.config.executor, Surroundings.of(self.session))
            atexit.register(self.close)
        return self._executor

    def close(self) -> None:
        """Let go of the workers."""
        if self._executor is not None:
            self._executor.close()
            self._executor = None
            atexit.unregister(self.close)

    def batches(self, stage: str) -> list[tuple[int, ...]]:
        """Groups with work asked for, in batches of `store.shards_per_batch`."""
        groups = self.session.wanted_groups(stage)
        size = self.session.config.store.shards_per_batch
        slots = sorted({group // size for group in groups})
        return [tuple(group for group in groups if group // size == slot) for slot in slots]

    def batch_of(self, group: int) -> int:
        """Number of the batch in which a group stands."""
        return group // self.session.config.store.shards_per_batch
