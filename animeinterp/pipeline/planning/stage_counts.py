"""Progress of each stage: its items by state, and their size in bytes."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import Literal

from animeinterp.pipeline.planning.verdicts import CHANGED, Verdicts

ItemState = Literal["done", "failed", "skipped", "stale", "waiting", "missing"]


@dataclass(frozen=True, slots=True)
class StageCounts:
    """Progress of a stage."""

    stage: str
    counts: Counter[ItemState]
    """`stale`: there, but of other settings or inputs; `waiting`: for an earlier stage; `missing`: neither
    there nor waiting, or damaged."""
    size: int
    """Bytes under the present fingerprint."""

    @property
    def items(self) -> int:
        """Selected items."""
        return self.counts.total()


def stage_state(verdicts: Verdicts, stage: str) -> StageCounts:
    """Count the items of a stage."""
    session = verdicts.session
    counts: Counter[ItemState] = Counter(
        _state(verdicts, stage, item) for item, _ in session.locations(stage)
    )
    return StageCounts(
        stage, counts, sum(found.size for found in session.current.index(stage).shards.values())
    )


def _state(verdicts: Verdicts, stage: str, item: int) -> ItemState:
    kind = verdicts.verdict(stage, item).kind
    if kind in ("current", "forced"):
        return "done"
    if kind in ("failed", "retry"):
        return "failed"
    if kind == "skipped":
        return "skipped"
    if kind in CHANGED:
        return "stale"
    return "waiting" if verdicts.session.current.inputs_of(stage, item) is None else "missing"
