"""Why an item would be computed, or why not: one verdict per item, the first that applies."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal

from animeinterp.pipeline.planning.former_results import FormerResults, StageHistory
from animeinterp.pipeline.planning.input_changes import change_in_full, change_in_words, input_changes
from animeinterp.pipeline.planning.item_inputs import ItemInputs, upstream_names
from animeinterp.pipeline.planning.session import Session
from animeinterp.pipeline.store.shard_manifest import ItemRecord
from animeinterp.pipeline.store.stage_descriptions import DIGITS_SHOWN, Difference

VerdictKind = Literal[
    "current",
    "failed",  # and not asked for again
    "skipped",
    "forced",
    "retry",
    "damaged",
    "settings",  # of the stage itself
    "input",  # source files, or their description in the dataset
    "follows",  # an earlier stage, which has changed
    "new",
]

SETTLED: frozenset[VerdictKind] = frozenset({"current", "failed", "skipped"})
"""Nothing would be done."""
CHANGED: frozenset[VerdictKind] = frozenset({"settings", "input", "follows"})
"""Something is there, but of other settings or inputs."""
SETTINGS_LISTED = 3  # in a verdict's text


@dataclass(frozen=True, slots=True)
class Verdict:
    """Why an item would be computed, or why not."""

    kind: VerdictKind
    text: str
    """A few words, the same for all items with this verdict."""
    origin: str
    """Stage of the cause; an earlier one if the item follows it."""
    detail: str = field(default="", compare=False)
    """Details of the item: files, digests, reasons."""


class Verdicts:
    """Verdicts of a session's items.

    Notes
    -----
    Checked in this order: recomputation requested, damaged, inputs changed, an earlier stage runs first,
    settings changed, not computed yet. Settings are compared with the results closest to them that hold the
    item.
    """

    def __init__(self, session: Session) -> None:
        self.session = session
        self.history = StageHistory(session.config.store.cache.absolute(), session.descriptions)
        self._known: dict[tuple[str, int], Verdict] = {}
        self._shards: dict[tuple[str, int], str | None] = {}

    def verdict(self, stage: str, item: int) -> Verdict:
        """Verdict of a frame or pair, given by its position in the manifest."""
        key = (stage, item)
        if key not in self._known:
            self._known[key] = self._find(stage, item)
        return self._known[key]

    def former(self, stage: str, item: int) -> FormerResults | None:
        """The closest results with other settings that hold an item."""
        return self.history.closest(stage, self.session.layout.item_id(stage, item))

    def _find(self, stage: str, item: int) -> Verdict:
        session, name = self.session, self.session.layout.item_id(stage, item)
        record = session.current.record(stage, item)
        if record is not None:
            return _settled(session, stage, record)
        index = session.current.index(stage)
        damage = index.damage(name) or self._unreadable(stage, item)
        if damage is not None:
            return Verdict("damaged", "damaged", stage, damage)
        newest = index.last(name)
        if newest is not None:
            need = session.current.inputs_of(stage, item)
            if need is None:
                return self._follower(stage, item)
            return _changed_inputs(session, stage, item, newest.record, need)
        former = self.former(stage, item)
        return Verdict("new", "not computed yet", stage) if former is None else settings_verdict(former)

    def _unreadable(self, stage: str, item: int) -> str | None:
        """The damage of the shard where an item should be; None without damage."""
        key = (stage, self.session.layout.group_of(stage, item))
        if key not in self._shards:
            path = self.session.shard_path(*key)
            unreadable = self.session.current.index(stage).shard(path) is None and path.is_dir()
            self._shards[key] = f"{path}: its manifest is missing or damaged" if unreadable else None
        return self._shards[key]

    def _follower(self, stage: str, item: int) -> Verdict:
        """Verdict of an item for which an earlier stage runs first."""
        session = self.session
        first = next(
            read for read in session.current.upstream_items(stage, item) if session.current.is_awaited(*read)
        )
        cause = self.verdict(*first)
        detail = ": ".join(filter(None, (cause.text, cause.detail)))
        if cause.kind != "follows":
            detail = f"{first[0]} of {session.layout.item_id(*first)}: {detail}"
        else:
            detail = cause.detail
        return Verdict("follows", f"follows {cause.origin}", cause.origin, detail)


def plan(session: Session, verdicts: Verdicts | None = None) -> Mapping[str, Counter[str]]:
    """For each selected stage, why its items would be computed, by number of items."""
    verdicts = verdicts or Verdicts(session)
    return {
        stage: Counter(verdicts.verdict(stage, item).text for item in items_to_compute(session, stage))
        for stage in session.stages
    }


def items_to_compute(session: Session, stage: str) -> Iterator[int]:
    """Every item of a stage that a run would compute, in the order of the shards."""
    for group in session.layout.wanted_groups(stage):
        yield from session.to_compute(stage, group)


def settings_verdict(former: FormerResults) -> Verdict:
    """Verdict of an item that is there under other settings."""
    follows = list(dict.fromkeys(difference.stage for difference in former.inherited))
    if follows and not former.own:
        return Verdict("follows", f"follows {' and '.join(follows)}", follows[0], _listed(former.inherited))
    text = _listed(former.own) or "settings differ from those of all cached results"
    if follows:
        text += f"; also follows {' and '.join(follows)}"
    written = datetime.fromtimestamp(former.written).astimezone()
    compared = f"compared with {former.description.fingerprint[:DIGITS_SHOWN]} of {written:%Y-%m-%d %H:%M}"
    detail = "; ".join(filter(None, (_listed(former.inherited), compared)))
    return Verdict("settings", text, former.stage, detail)


def _listed(differences: Sequence[Difference]) -> str:
    said = [str(difference) for difference in differences[:SETTINGS_LISTED]]
    if len(differences) > SETTINGS_LISTED:
        said.append(f"{len(differences) - SETTINGS_LISTED} more")
    return ", ".join(said)


def _settled(session: Session, stage: str, record: ItemRecord) -> Verdict:
    if record.status == "failed":
        if session.selection.retry_failed:
            return Verdict("retry", "failed before, retry requested", stage, record.reason)
        return Verdict("failed", "failed before, not retried without --retry-failed", stage, record.reason)
    if stage in session.selection.force:
        return Verdict("forced", "recomputation requested", stage)
    if record.status == "skipped":
        return Verdict("skipped", "skipped", stage, record.reason)
    return Verdict("current", "current", stage)


def _changed_inputs(session: Session, stage: str, item: int, record: ItemRecord, need: ItemInputs) -> Verdict:
    """Verdict of an item whose inputs are not those that it was computed from."""
    if need.status != "ok":
        return Verdict("input", f"now {need.status}, nothing to compute", stage, need.reason)
    if not record.inputs:
        text = f"{record.status} before, no longer"
        return Verdict("input", text, stage, record.reason)
    changes = input_changes(record, need)
    own = [change for change in changes if change.stage is None]
    if own:
        words = " and ".join(change_in_words(change, stage) for change in own)
        details = (change_in_full(session, item, change, need) for change in own)
        return Verdict("input", words, stage, ", ".join(filter(None, details)))
    results = list(dict.fromkeys(change.stage for change in changes if change.stage is not None))
    names = {change.name for change in changes}
    upstream = need.source.upstream if need.source else ()
    read = zip(upstream_names(upstream), upstream, strict=True)
    which = ", ".join(f"{found.stage} of {found.id}" for name, found in read if name in names)
    return Verdict("follows", f"follows {' and '.join(results)}, with other results", results[0], which)
