"""Settings of where results are kept."""

from __future__ import annotations

from pathlib import Path

from pydantic import Field

from configs.sections.section import (
    Folder,
    OptionalFolder,
    Section,
)


class StoreSection(Section):
    """Where results are kept."""

    cache: Folder = Path("cache")
    """Folder of the cached stages; created when absent."""
    results: OptionalFolder = None
    """Folder where in-between frames also appear as PNG and scores as CSV (and as Parquet with the extra
    `parquet`); empty = nowhere but the cache."""
    pairs_per_shard: int = Field(16, ge=1, le=1024)
    """Most pairs in a shard, the unit of commit and resume."""
    least_shards: int = Field(16, ge=1)
    """A small run is divided into this many shards, if it has the pairs, so that every worker gets some."""
    shard_megapixels: float = Field(16.0, gt=0)
    """Most pixels of frame 0 in a shard (in millions): keeps a worker's memory flat for large frames."""
    shards_per_batch: int = Field(32, ge=1)
    """Shards in a batch, one Luigi task."""
