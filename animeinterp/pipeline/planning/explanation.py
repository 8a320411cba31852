"""Why each stage or item would be computed: counts of verdicts, and all details of an item."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from animeinterp.configs.errors import ConfigError, similar
from animeinterp.configs.names import id_of
from animeinterp.pipeline.compute.registry import STAGES, needed_for
from animeinterp.pipeline.planning.session import Session
from animeinterp.pipeline.planning.verdicts import SETTLED, Verdict, Verdicts
from animeinterp.pipeline.store.acceptances import Acceptance
from animeinterp.pipeline.store.commits import modified
from animeinterp.pipeline.store.shard_manifest import MANIFEST_NAME, ItemRecord, read_manifest

EXAMPLES = 3  # items named for a verdict


@dataclass
class VerdictCount:
    """A verdict with its items."""

    verdict: Verdict
    count: int = 0
    examples: list[tuple[str, str]] = field(default_factory=list)
    """Ids of the first items, each with its detail."""


@dataclass(frozen=True, slots=True)
class StageExplanation:
    """Why a stage would run, or why not."""

    stage: str
    verdicts: tuple[VerdictCount, ...]
    """First those of items to compute, then the settled ones; each sorted by number of items."""
    accepted: Acceptance | None

    @property
    def items(self) -> int:
        """Selected items."""
        return sum(found.count for found in self.verdicts)

    @property
    def to_compute(self) -> int:
        """Items that would be computed."""
        return sum(found.count for found in self.verdicts if found.verdict.kind not in SETTLED)


@dataclass(frozen=True, slots=True)
class KeptItem:
    """An item as the cache holds it."""

    shard: Path
    record: ItemRecord
    committed: datetime | None
    """Commit time of its shard; None if the shard is gone."""


@dataclass(frozen=True, slots=True)
class ItemExplanation:
    """Details of one item of a stage."""

    stage: str
    item: str
    verdict: Verdict
    kept: KeptItem | None
    """The current one, or the last one that is no longer current."""


def explain_stage(verdicts: Verdicts, stage: str) -> StageExplanation:
    """Count the verdicts of a stage's items."""
    found: dict[Verdict, VerdictCount] = {}
    for item, _ in verdicts.session.locations(stage):
        verdict = verdicts.verdict(stage, item)
        counted = found.setdefault(verdict, VerdictCount(verdict))
        counted.count += 1
        if len(counted.examples) < EXAMPLES:
            counted.examples.append((verdicts.session.layout.item_id(stage, item), verdict.detail))
    ordered = sorted(found.values(), key=lambda each: (each.verdict.kind in SETTLED, -each.count))
    return StageExplanation(stage, tuple(ordered), verdicts.session.accepted(stage))


def explain_item(verdicts: Verdicts, stage: str, item: int) -> ItemExplanation:
    """Details of an item, given by its position in the manifest."""
    name = verdicts.session.layout.item_id(stage, item)
    return ItemExplanation(stage, name, verdicts.verdict(stage, item), _kept(verdicts, stage, item))


def items_named(session: Session, name: str) -> list[tuple[str, int]]:
    """Stages and positions of a pair and its frames, or of a frame, by id; in the order of the work.

    Raises
    ------
    ConfigError
        There is no such pair or frame.
    """
    ids = (name, id_of(name))
    pairs = [k for k, pair in enumerate(session.manifest.pairs) if pair.id in ids]
    frames = [index for k in pairs for index in session.manifest.pairs[k].frames]
    if not pairs:
        frames = [k for k, frame in enumerate(session.manifest.frames) if frame.id in ids]
    if not pairs and not frames:
        raise _unknown(session, name)
    of_unit: Mapping[str, list[int]] = {"frame": frames, "pair": pairs}
    return [(stage, item) for stage in session.stages for item in of_unit[STAGES[stage].unit]]


def _kept(verdicts: Verdicts, stage: str, item: int) -> KeptItem | None:
    session, name = verdicts.session, verdicts.session.layout.item_id(stage, item)
    location = session.current.locate(stage, item) or session.current.index(stage).last(name)
    if location is not None:
        return _kept_in(location.path, location.record)
    former = verdicts.former(stage, item)
    if former is None:
        return None
    path = former.items[name]
    manifest = read_manifest(path)
    row = None if manifest is None else manifest.row(name)
    return None if manifest is None or row is None else _kept_in(path, manifest.items[row])


def _kept_in(path: Path, record: ItemRecord) -> KeptItem:
    written = modified(path / MANIFEST_NAME)
    committed = datetime.fromtimestamp(written, UTC) if written else None
    return KeptItem(path, record, committed)


def _unknown(session: Session, name: str) -> ConfigError:
    known = [pair.id for pair in session.manifest.pairs] + [frame.id for frame in session.manifest.frames]
    if name in STAGES:
        needed = ", ".join(needed_for(session.selection.last, session.config))
        return ConfigError(f"stage {name!r} does not run under this config; its stages are {needed}")
    return ConfigError(
        f"{name!r} is neither a stage nor a pair or frame of {session.manifest.root}; did you mean "
        f"{similar(name, [*known, *STAGES])}?"
    )
