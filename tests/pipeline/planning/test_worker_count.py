from __future__ import annotations

import pytest

from animeinterp.configs.sections import ExecutorSection
from animeinterp.pipeline.planning.worker_count import shards_per_batch


@pytest.mark.parametrize(
    ("section", "shards"),
    [
        (ExecutorSection(kind="inline"), 32),
        (ExecutorSection(workers=2), 32),
        (ExecutorSection(workers=64), 512),
        (ExecutorSection(kind="tcp://host:8786"), 1024),
    ],
)
def test_batches_keep_all_workers_busy(section: ExecutorSection, shards: int) -> None:
    assert shards_per_batch(section) == shards
