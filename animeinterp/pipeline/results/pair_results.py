"""All cached results of one pair, complete or not."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from animeinterp.configs.errors import CacheError, DataError
from animeinterp.data.images import Frame, read_image
from animeinterp.data.manifest import Pair
from animeinterp.data.truth import TRUTH_TIME
from animeinterp.pipeline.compute.registry import STAGES, needed_for
from animeinterp.pipeline.planning.selection import find_pairs
from animeinterp.pipeline.planning.session import Session
from animeinterp.pipeline.store.array_specs import ARRAY_SPECS, Array
from animeinterp.pipeline.store.fingerprints import canonical_digest
from animeinterp.pipeline.store.shard_manifest import ItemRecord
from animeinterp.pipeline.store.stage_index import Location

ResultState = Literal["ok", "damaged", "earlier", "missing", "failed", "skipped", "unneeded"]
"""State of a stage's results: present; partly unreadable; present, but an earlier stage's are missing; not
computed; recorded as failed or skipped; not part of the run."""


@dataclass(frozen=True, slots=True)
class Found:
    """The cached results of a pair for one stage."""

    state: ResultState
    note: str = ""
    """The problem, if any."""
    arrays: Mapping[str, Array] = field(default_factory=dict)
    """The readable arrays."""
    location: Location | None = None

    @property
    def record(self) -> ItemRecord | None:
        """Its manifest record."""
        return None if self.location is None else self.location.record


class PairResults:
    """All cached results of one pair, complete or not.

    Parameters
    ----------
    session
        The config, dataset and cache.
    pair_id
        Id of the pair.

    Raises
    ------
    ConfigError
        No such pair; the message names similar ones.
    """

    def __init__(self, session: Session, pair_id: str) -> None:
        self.session = session
        (self.index,) = find_pairs(session.manifest, [pair_id])
        self.pair: Pair = session.manifest.pairs[self.index]
        self._needed = needed_for("evaluation", session.config)
        self._found: dict[tuple[str, int], Found] = {}

    def frame(self, number: int) -> Frame | None:
        """Source frame 0 or 1; None if it cannot be read."""
        if number >= len(self.pair.frames):
            return None
        return _readable(self.session.manifest.frames[self.pair.frames[number]].path)

    def truth(self) -> Frame | None:
        """Ground truth; None if there is none."""
        return None if self.pair.truth is None else _readable(self.pair.truth.path)

    @property
    def times(self) -> tuple[float, ...]:
        """Times of the in-between frames."""
        return self.session.layout.times(self.index)

    @property
    def judged_time(self) -> float:
        """The time whose frame is looked at first: that of the ground truth, where there is one."""
        return TRUTH_TIME if TRUTH_TIME in self.times else self.times[0]

    def style(self) -> str:
        """Segmentation preset of the pair's frames."""
        return self.session.manifest.frames[self.pair.frames[0]].style

    def state(self) -> str:
        """Digest of everything that a picture of the pair shows."""
        session = self.session
        frames = [session.manifest.frames[index] for index in self.pair.frames]
        records = [session.current.record(stage, item) for stage in STAGES for item in self._items(stage)]
        return canonical_digest(
            [
                session.fingerprints,
                [frame.digest for frame in frames],
                self.pair.truth and self.pair.truth.digest,
                [
                    record and [record.status, record.input, record.output, record.reason]
                    for record in records
                ],
            ]
        )

    def _items(self, stage: str) -> tuple[int, ...]:
        """A stage's items that belong to the pair."""
        return (self.index,) if STAGES[stage].unit == "pair" else self.pair.frames

    def arrays(self, stage: str, number: int = 0) -> Mapping[str, Array] | None:
        """All arrays of a stage, for frame stages of frame 0 or 1; None, and a note for `why`, without."""
        found = self.found(stage, number)
        return found.arrays if found.state == "ok" else None

    def why(self, stage: str, number: int = 0) -> str:
        """Why `arrays` found nothing; empty if it found something or was not called."""
        found = self._found.get((stage, number))
        return "" if found is None else found.note

    def found(self, stage: str, number: int = 0) -> Found:
        """The results of a stage, for frame stages of frame 0 or 1, even if incomplete."""
        key = (stage, number)
        if key not in self._found:
            self._found[key] = self._find(stage, number)
        return self._found[key]

    @property
    def settled(self) -> bool:
        """Whether `state`, which does not read arrays, covers everything found so far."""
        return not any(found.state in ("damaged", "earlier") for found in self._found.values())

    def _find(self, stage: str, number: int) -> Found:
        items = self._items(stage)
        if number >= len(items):
            return Found("failed", self.pair.error or "no such frame")
        location = self.session.current.locate(stage, items[number])
        if location is None and stage not in self._needed:
            return Found(
                "unneeded", f"not needed: coarse_flow.method = {self.session.config.coarse_flow.method!r}"
            )
        if location is None:
            return self._without_current(stage, items[number])
        if location.record.status != "ok":
            status: ResultState = "failed" if location.record.status == "failed" else "skipped"
            return Found(status, f"{location.record.status}: {location.record.reason}", location=location)
        return _read(stage, location, "ok", "")

    def _without_current(self, stage: str, item: int) -> Found:
        """An item that is missing, out of date or damaged, or whose earlier stages are gone."""
        name = self.session.layout.item_id(stage, item)
        index = self.session.current.index(stage)
        damage = index.damage(name)
        if damage is not None:
            return Found("missing", f"{stage} is damaged ({damage}); a run recomputes it")
        note = f"{stage} is not computed yet, or out of date; run it first"
        kept = index.latest(name)
        # If its inputs are unknown, a result is as good as its frames.
        if (
            kept is None
            or self.session.current.inputs_of(stage, item) is not None
            or self._frames_changed(kept)
        ):
            return Found("missing", note)
        return _read(stage, kept, "earlier", note)

    def _frames_changed(self, kept: Location) -> bool:
        inputs = kept.record.inputs
        frames = [self.session.manifest.frames[index] for index in self.pair.frames]
        return any(inputs.get(f"frame{k}", frame.digest) != frame.digest for k, frame in enumerate(frames))


def _read(stage: str, location: Location, state: ResultState, note: str) -> Found:
    """Read array by array, so that damage to one leaves the others readable."""
    arrays: dict[str, Array] = {}
    for variable in ARRAY_SPECS[stage]:
        try:
            arrays |= location.read([variable.name])
        except CacheError as error:
            state, note = "damaged", note if state == "damaged" else str(error)
    return Found(state, note, arrays, location)


def _readable(path: Path) -> Frame | None:
    try:
        return read_image(path)
    except DataError:
        return None
