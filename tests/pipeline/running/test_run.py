from __future__ import annotations

from pipeline.running.run import Run
from tests.pipeline.small_runs import Opener


def test_batches_hold_the_groups_asked_for_in_order(open_session: Opener) -> None:
    run = Run(open_session("store.pairs_per_shard=1", "store.shards_per_batch=3"))
    assert run.batches("matching") == {0: (0, 1, 2), 1: (3,)}
    assert [run.batch_of(group) for group in range(4)] == [0, 0, 0, 1]
    last = open_session().manifest.pairs[-1].id
    part = Run(open_session("store.pairs_per_shard=1", "store.shards_per_batch=3", ids=(last,)))
    assert part.batches("matching") == {1: (3,)}


def test_workers_start_when_needed_and_can_be_let_go_twice(open_session: Opener) -> None:
    run = Run(open_session())
    run.close()
    assert run.executor is run.executor
    run.close()
    run.close()
