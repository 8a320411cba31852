"""Tables of a report: items with their status, sums by stage; files beside the page."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import pandas as pd

from animeinterp.pipeline.compute.registry import STAGES
from animeinterp.pipeline.planning.session import Session
from animeinterp.pipeline.store.shard_manifest import ShardManifest
from animeinterp.pipeline.store.stage_index import Location
from animeinterp.pipeline.store.written_results import SCORES_PARQUET

ITEMS_CSV = "items.csv"
ITEM_COLUMNS = ("stage", "id", "status", "seconds", "bytes", "reason", "shard")
PARQUET_NOTE = (
    f"{SCORES_PARQUET} needs pyarrow, which is not installed; install the extra 'parquet': "
    "pip install '.[parquet]'"
)


def item_table(session: Session) -> pd.DataFrame:
    """Every item of every selected stage.

    Returns
    -------
    DataFrame
        One row per item and stage, in the order of the work: `stage`, `id`, `status` (`ok`, `failed`,
        `skipped`; `missing` if the cache has no current result), `seconds`, `bytes`, `reason`, `shard`.

    Notes
    -----
    Items of a shard share its files. `bytes` is the shard's size divided by its number of ok items.
    """
    rows = [
        (stage, session.layout.item_id(stage, item), *_row(location))
        for stage in session.stages
        for item, location in session.locations(stage)
    ]
    return pd.DataFrame(rows, columns=list(ITEM_COLUMNS))


def _row(location: Location | None) -> tuple[str, float, int, str, str]:
    if location is None:
        return "missing", 0.0, 0, "", ""
    record = location.record
    share = _share(location.manifest) if record.status == "ok" else 0
    return record.status, record.seconds, share, record.reason, location.path.stem


def _share(manifest: ShardManifest) -> int:
    return round(manifest.size / max(1, sum(item.status == "ok" for item in manifest.items)))


@dataclass(frozen=True, slots=True)
class StageSum:
    """A stage in figures."""

    stage: str
    items: int
    ok: int
    failed: int
    skipped: int
    missing: int
    seconds: float
    """Work on all of them, on one worker."""
    mean_seconds: float
    """Mean of the ok items; 0 without any."""
    slowest_seconds: float
    size: int
    """Bytes of the items."""
    peak_memory: int
    """Largest resident size of a worker when it had computed one of their shards, bytes."""

    @property
    def unit(self) -> str:
        """What an item is: `frame` or `pair`."""
        return STAGES[self.stage].unit


def stage_sums(session: Session, items: pd.DataFrame) -> list[StageSum]:
    """Sum the item table up by stage."""
    sums = []
    for stage in session.stages:
        rows = items[items["stage"] == stage]
        counts = rows["status"].value_counts()
        done = rows.loc[rows["status"] == "ok", "seconds"]
        sums.append(
            StageSum(
                stage,
                items=len(rows),
                ok=int(counts.get("ok", 0)),
                failed=int(counts.get("failed", 0)),
                skipped=int(counts.get("skipped", 0)),
                missing=int(counts.get("missing", 0)),
                seconds=float(rows["seconds"].sum()),
                mean_seconds=float(done.mean()) if len(done) else 0.0,
                slowest_seconds=float(rows["seconds"].max()) if len(rows) else 0.0,
                size=int(rows["bytes"].sum()),
                peak_memory=max((found.peak_memory for found in run_shards(session, stage)), default=0),
            )
        )
    return sums


def run_shards(session: Session, stage: str) -> Iterator[ShardManifest]:
    """Manifests of the shards that hold a stage's items, each once."""
    found = {at.path: at.manifest for _, at in session.locations(stage) if at is not None}
    yield from found.values()
