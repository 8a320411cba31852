"""The job of one shard: what a worker receives, does and returns."""

from __future__ import annotations

import resource
import sys
import time
import traceback
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

from animeinterp.configs.errors import AnimeInterpError, CacheError
from animeinterp.configs.sections import Config
from animeinterp.pipeline.compute.batching import Computed, compute_items
from animeinterp.pipeline.compute.item_source import ItemSource
from animeinterp.pipeline.compute.registry import binding_of
from animeinterp.pipeline.store.array_specs import Array
from animeinterp.pipeline.store.commits import restore_replaced
from animeinterp.pipeline.store.fingerprints import canonical_digest
from animeinterp.pipeline.store.shard_manifest import ItemRecord, ItemStatus, ShardManifest, read_manifest
from animeinterp.pipeline.store.shards import ShardCommittedError, array_digest, read_item, write_shard
from animeinterp.pipeline.store.versions import library_versions


@dataclass(frozen=True, slots=True)
class ItemJob:
    """The work on one item of a shard."""

    id: str
    input: str
    """Digest of its inputs, to be recorded."""
    inputs: Mapping[str, str] = field(default_factory=dict)
    """The parts of that digest, likewise."""
    source: ItemSource | None = None
    """What to compute it from; None if there is nothing to compute."""
    status: ItemStatus = "ok"
    """Status of an item without a source: failed or skipped."""
    reason: str = ""
    """The reason for this status."""
    kept: ItemRecord | None = None
    """The item's present record in the shard: still current, to be carried over."""
    former: ItemRecord | None = None
    """The item's present record in the shard, to be replaced."""


@dataclass(frozen=True, slots=True)
class ShardJob:
    """One shard to compute and commit; sent to a worker."""

    stage: str
    fingerprint: str
    shard: str
    path: Path
    items: tuple[ItemJob, ...]
    config: Config
    present: bool = False
    """Whether the shard existed when this was planned."""


@dataclass(frozen=True, slots=True)
class ShardOutcome:
    """A worker's report on a committed shard."""

    stage: str
    shard: str
    computed: int
    """Items computed now, failures included."""
    skipped: int
    """Items recorded now as having nothing to compute."""
    counts: Mapping[str, int]
    """Items by status."""
    failures: tuple[ItemRecord, ...]
    """Items that failed now."""
    seconds: float
    size: int
    """Bytes written."""
    peak_memory: int = field(default=0)


def run_shard(job: ShardJob) -> ShardOutcome:
    """Compute the items of a shard and commit it; its other items are carried over.

    An item that fails is recorded and the others go on. Items committed since this was planned, perhaps by a
    worker that died before it could report, are not computed again. Problems of the shard as a whole (disk
    full, weights that do not load, damaged upstream data) are raised.

    Raises
    ------
    AnimeInterpError, OSError
        See above; then nothing has been committed.
    """
    started = time.monotonic()
    fresh: list[ItemRecord] = []
    present = _present(job)
    kept = {item.id: _carry_over(job, present, item) for item in job.items}
    done = {item.id for item in job.items if item.kept is None and kept[item.id] is not None}
    sources = [
        (item.id, item.source) for item in job.items if kept[item.id] is None and item.source is not None
    ]
    computed = compute_items(binding_of(job.stage, job.config), sources, job.config)
    entries: list[Entry] = []
    for item in job.items:
        entry = kept[item.id]
        if entry is None:
            if item.source is None and item.kept is not None:
                continue  # damaged, and its inputs are gone: it is lost
            if item.source is None:
                entry = _without_arrays(item, item.status, item.reason)
            else:
                entry = _entry(item, next(computed))
            fresh.append(entry.record)
        entries.append(entry)
    present = _carry_over_others(job, present, entries)
    if present is not None and done and not fresh:
        size = present.size
    else:
        size = _commit(job, entries, present, started)
    fresh.extend(entry.record for entry in entries if entry.record.id in done)
    return ShardOutcome(
        job.stage,
        job.shard,
        computed=sum(record.status in ("ok", "failed") for record in fresh),
        skipped=sum(record.status == "skipped" for record in fresh),
        counts=Counter(entry.record.status for entry in entries),
        failures=tuple(record for record in fresh if record.status == "failed"),
        seconds=time.monotonic() - started,
        size=size,
        peak_memory=_peak_memory(),
    )


class Entry(NamedTuple):
    """An item to be written to a shard."""

    record: ItemRecord
    arrays: Mapping[str, Array] | None
    """None for an item that is not ok."""


def _commit(job: ShardJob, entries: list[Entry], present: ShardManifest | None, started: float) -> int:
    """Write the shard; return its bytes.

    If another process has committed it in the meantime, that shard's other items are carried over; if it
    holds the same items, nothing is written.
    """
    while True:
        manifest = ShardManifest(
            job.stage,
            job.fingerprint,
            job.shard,
            tuple(entry.record for entry in entries),
            time.monotonic() - started,
            _peak_memory(),
            library_versions(),
        )
        try:
            return write_shard(job.path, manifest, [entry.arrays for entry in entries], present)
        except ShardCommittedError:
            present = _present(job)
            if present is None:
                continue
            if _essence(manifest.items) <= _essence(present.items):
                return present.size
            present = _carry_over_others(job, present, entries)


def _present(job: ShardJob) -> ShardManifest | None:
    """Present manifest of the shard, restored first if a worker died while replacing it."""
    present = read_manifest(job.path)
    if present is None and job.present:
        restore_replaced(job.path.parent)
        present = read_manifest(job.path)
    return present


def _essence(items: Sequence[ItemRecord]) -> set[str]:
    """The items without the seconds they took."""
    return {canonical_digest([item.id, item.status, item.input, item.output]) for item in items}


def _carry_over(job: ShardJob, present: ShardManifest | None, item: ItemJob) -> Entry | None:
    """Record and arrays of an item that is current or done by now; None for one to compute."""
    if item.kept is not None and item.kept.status != "ok":
        return Entry(item.kept, None)
    row = None if present is None else present.row(item.id)
    if present is None or row is None:
        return None
    record = present.items[row]
    # A shard moved here from elsewhere holds results of other settings for the same input.
    own = (present.stage, present.fingerprint, present.shard) == (job.stage, job.fingerprint, job.shard)
    done = own and item.source is not None and record.input == item.input and record != item.former
    return _read_entry(job.path, present, item.id) if item.kept is not None or done else None


def _carry_over_others(
    job: ShardJob, present: ShardManifest | None, entries: list[Entry]
) -> ShardManifest | None:
    """Add what else the shard holds to `entries`; returns the manifest that it was read by.

    While it is read another writer may put the shard aside, and die: then nothing can be read, but nothing is
    damaged either. So it is read until its manifest stays the same.
    """
    while True:
        found = _others(job.path, present, entries)
        again = _present(job)
        if again == present:
            entries.extend(found)
            return present
        present = again


def _others(path: Path, present: ShardManifest | None, entries: Sequence[Entry]) -> list[Entry]:
    """The undamaged items of a shard except these: those of other runs on other parts of the data."""
    own = {entry.record.id for entry in entries}
    ids = [] if present is None else [item.id for item in present.items if item.id not in own]
    return [entry for name in ids if present and (entry := _read_entry(path, present, name)) is not None]


def _read_entry(path: Path, manifest: ShardManifest, item_id: str) -> Entry | None:
    """An item of a committed shard; None if it is missing or damaged."""
    row = manifest.row(item_id)
    if row is None:
        return None
    record = manifest.items[row]
    try:
        return Entry(record, read_item(path, manifest, row) if record.status == "ok" else None)
    except CacheError:
        return None


def _without_arrays(item: ItemJob, status: ItemStatus, reason: str, seconds: float = 0.0) -> Entry:
    return Entry(ItemRecord(item.id, status, item.input, dict(item.inputs), {}, reason, seconds), None)


def _entry(item: ItemJob, computed: Computed) -> Entry:
    arrays, seconds = computed
    if isinstance(arrays, Exception):
        reason = str(arrays) if isinstance(arrays, AnimeInterpError) else _describe(arrays)
        return _without_arrays(item, "failed", reason, seconds)
    outputs = {name: array_digest(array) for name, array in arrays.items()}
    return Entry(ItemRecord(item.id, "ok", item.input, dict(item.inputs), outputs, seconds=seconds), arrays)


def _describe(error: Exception) -> str:
    """An unexpected error: its type, and the line of code that raised it."""
    where = traceback.extract_tb(error.__traceback__)[-1]
    return f"{type(error).__name__}: {error} ({Path(where.filename).name}, line {where.lineno})"


def _peak_memory() -> int:
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else peak * 1024  # macOS counts bytes, Linux KiB
