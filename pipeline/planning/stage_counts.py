"""How far each stage is: its items by state, and the bytes they take."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import Literal

from pipeline.planning.reasons import CHANGED, Cues

State = Literal["done", "failed", "skipped", "stale", "waiting", "missing"]


@dataclass(frozen=True, slots=True)
class StageState:
    """How far a stage is."""

    stage: str
    counts: Counter[State]
    """`stale`: there, but of other settings or inputs; `waiting`: for an earlier stage; `missing`: neither
    there nor waiting, or damaged."""
    size: int
    """Bytes under the present fingerprint."""

    @property
    def items(self) -> int:
        """Items asked for."""
        return self.counts.total()


def stage_state(cues: Cues, stage: str) -> StageState:
    """Look how far a stage is."""
    session = cues.session
    counts: Counter[State] = Counter(_state(cues, stage, item) for item, _ in session.locations(stage))
    return StageState(
        stage, counts, sum(found.size for found in session.current.index(stage).shards.values())
    )


def _state(cues: Cues, stage: str, item: int) -> State:
    kind = cues.cue(stage, item).kind
    if kind in ("current", "forced"):
        return "done"
    if kind in ("failed", "retry"):
        return "failed"
    if kind == "skipped":
        return "skipped"
    if kind in CHANGED:
        return "stale"
    return "waiting" if cues.session.current.inputs_of(stage, item) is None else "missing"
