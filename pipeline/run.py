"""A run: a session with its workers, which the tasks share."""

from __future__ import annotations

import atexit
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from configs.errors import AnimeInterpError
from pipeline.executors import Executor, open_executor
from pipeline.jobs import ShardOutcome
from pipeline.session import Session

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
    _batches: dict[str, Mapping[int, tuple[int, ...]]] = field(default_factory=dict)

    @property
    def executor(self) -> Executor:
        """The workers, started when first needed."""
        if self._executor is None:
            self._executor = open_executor(self.session.config.executor)
            atexit.register(self.close)
        return self._executor

    def close(self) -> None:
        """Let go of the workers."""
        if self._executor is not None:
            self._executor.close()
            self._executor = None
            atexit.unregister(self.close)

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
