"""A shard's work as one parcel: what a worker gets, does, and sends back."""

from __future__ import annotations

import platform
import resource
import sys
import time
import traceback
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from importlib.metadata import version
from pathlib import Path

from configs.errors import AnimeInterpError, CacheError
from configs.sections import Config
from pipeline.bindings import ItemSource, binding_of
from pipeline.compute import Computed, compute_items
from pipeline.shards import (
    ItemRecord,
    ItemStatus,
    ShardManifest,
    array_digest,
    read_item,
    read_manifest,
    write_shard,
)
from pipeline.variables import Array

RECORDED_LIBRARIES = (
    "animeinterp",
    "numpy",
    "opencv-python-headless",
    "torch",
    "numba",
    "scikit-image",
    "zarr",
)


@dataclass(frozen=True, slots=True)
class ItemJob:
    """What is to be done about one item of a shard."""

    id: str
    input: str
    """Digest of its inputs, to be recorded."""
    source: ItemSource | None = None
    """What to compute it from; None when there is nothing to compute."""
    status: ItemStatus = "ok"
    """Foregone status of an item without source: failed or skipped."""
    reason: str = ""
    """Why, for those."""
    kept: ItemRecord | None = None
    """The item's record in the shard as it is: still good, to be carried over."""


@dataclass(frozen=True, slots=True)
class ShardJob:
    """One shard to be computed and committed; travels to a worker."""

    stage: str
    fingerprint: str
    shard: str
    path: Path
    items: tuple[ItemJob, ...]
    config: Config


@dataclass(frozen=True, slots=True)
class ShardOutcome:
    """What a worker reports of a committed shard."""

    stage: str
    shard: str
    computed: int
    """Items computed now, failures included."""
    skipped: int
    """Items found now to have nothing to compute."""
    counts: Mapping[str, int]
    """Items by status."""
    failures: tuple[ItemRecord, ...]
    """Items that failed now."""
    seconds: float
    size: int
    """Bytes written."""
    peak_memory: int = field(default=0)


def run_shard(job: ShardJob) -> ShardOutcome:
    """Compute the items of a shard and commit it.

    An item that fails is recorded and the others go on. Whatever concerns the shard as a whole (disk
    full, weights that do not load, damaged upstream data) is raised.

    Raises
    ------
    AnimeInterpError, OSError
        See above; nothing has been committed then.
    """
    started = time.monotonic()
    records: list[ItemRecord] = []
    arrays: list[Mapping[str, Array] | None] = []
    fresh: list[ItemRecord] = []
    present = read_manifest(job.path)
    kept = {item.id: _carry_over(job, present, item) for item in job.items}
    sources = [
        (item.id, item.source) for item in job.items if kept[item.id] is None and item.source is not None
    ]
    computed = compute_items(binding_of(job.stage, job.config), sources, job.config)
    for item in job.items:
        carried = kept.pop(item.id)
        if carried is not None:
            record, result = carried
        elif item.source is not None:
            record, result = _record(item, next(computed))
        elif item.kept is not None:
            continue  # of no run that knows how to compute it again: it has gone
        else:
            record, result = ItemRecord(item.id, item.status, item.input, reason=item.reason), None
        if carried is None:
            fresh.append(record)
        records.append(record)
        arrays.append(result)
    peak = _peak_memory()
    manifest = ShardManifest(
        job.stage,
        job.fingerprint,
        job.shard,
        tuple(records),
        time.monotonic() - started,
        peak,
        library_versions(),
    )
    size = write_shard(job.path, manifest, arrays)
    return ShardOutcome(
        job.stage,
        job.shard,
        computed=sum(record.status in ("ok", "failed") for record in fresh),
        skipped=sum(record.status == "skipped" for record in fresh),
        counts=Counter(record.status for record in records),
        failures=tuple(record for record in fresh if record.status == "failed"),
        seconds=time.monotonic() - started,
        size=size,
        peak_memory=peak,
    )


def _carry_over(
    job: ShardJob, present: ShardManifest | None, item: ItemJob
) -> tuple[ItemRecord, Mapping[str, Array] | None] | None:
    """Record and arrays of an item that is still good; None for one to compute, and for a damaged one."""
    if item.kept is None or item.kept.status != "ok":
        return None if item.kept is None else (item.kept, None)
    row = None if present is None else present.row(item.id)
    if present is None or row is None:
        return None
    try:
        return present.items[row], read_item(job.path, present, row)
    except CacheError:
        return None


def _record(item: ItemJob, computed: Computed) -> tuple[ItemRecord, Mapping[str, Array] | None]:
    arrays, seconds = computed
    if isinstance(arrays, Exception):
        reason = str(arrays) if isinstance(arrays, AnimeInterpError) else _describe(arrays)
        return ItemRecord(item.id, "failed", item.input, reason=reason, seconds=seconds), None
    outputs = {name: array_digest(array) for name, array in arrays.items()}
    return ItemRecord(item.id, "ok", item.input, outputs, seconds=seconds), arrays


def _describe(error: Exception) -> str:
    """An error nobody foresaw: its kind, and the line of code that met it."""
    where = traceback.extract_tb(error.__traceback__)[-1]
    return f"{type(error).__name__}: {error} ({Path(where.filename).name}, line {where.lineno})"


@cache
def library_versions() -> dict[str, str]:
    """Versions of Python and of the libraries that results depend on."""
    return {"python": platform.python_version(), **{name: version(name) for name in RECORDED_LIBRARIES}}


def _peak_memory() -> int:
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else peak * 1024  # macOS counts bytes, Linux KiB
