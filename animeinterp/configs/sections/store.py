"""Settings of where results are kept."""

from __future__ import annotations

from pathlib import Path

from pydantic import Field

from animeinterp.configs.sections.section import (
    Folder,
    OptionalFolder,
    Section,
)


class StoreSection(Section):
    """Where results are kept."""

    cache: Folder = Path("cache")
    """Folder of the cached stages; created when absent."""
    results: OptionalFolder = None
    """Folder where frames are also written as PNG and scores as CSV (and as Parquet with the extra
    `parquet`); empty = only in the cache."""
    pairs_per_shard: int = Field(16, ge=1, le=1024)
    """Largest number of pairs in a shard, the unit of commit and resume."""
    least_shards: int = Field(16, ge=1)
    """A small run is divided into this many shards if it has enough pairs, so that every worker gets work."""
    shard_megapixels: float = Field(16.0, gt=0)
    """Largest number of pixels of frame 0 in a shard (in millions); bounds a worker's memory for large
    frames."""
    shards_per_batch: int = Field(0, ge=0)
    """Shards in a batch, one Luigi task; the workers wait for each other at its end. 0 = 8 per worker of this
    machine, at least 32, or 1,024 on a cluster."""
