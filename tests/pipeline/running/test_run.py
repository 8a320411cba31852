from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

from animeinterp.configs.loading import load_config
from animeinterp.pipeline.planning.selection import Selection
from animeinterp.pipeline.running.run import Run
from animeinterp.pipeline.store.run_records import read_runs

OpenRun = Callable[..., Run]


@pytest.fixture
def open_run(settings: list[str]) -> Iterator[OpenRun]:
    """Open a run of the small dataset, with settings on top."""

    def open_run(*more: str, ids: tuple[str, ...] = ()) -> Run:
        run = Run.open(load_config("demo", [*settings, *more]), Selection(ids=ids))
        opened.append(run)
        return run

    opened: list[Run] = []
    yield open_run
    for run in opened:
        run.close()


def test_batches_hold_the_groups_asked_for_in_order(open_run: OpenRun) -> None:
    run = open_run("store.pairs_per_shard=1", "store.shards_per_batch=3")
    assert run.batches("matching") == {0: (0, 1, 2), 1: (3,)}
    assert [run.batch_of(group) for group in range(4)] == [0, 0, 0, 1]
    last = run.session.manifest.pairs[-1].id
    part = open_run("store.pairs_per_shard=1", "store.shards_per_batch=3", ids=(last,))
    assert part.batches("matching") == {1: (3,)}


def test_its_name_is_short_for_luigi_writes_it_out_with_every_task(open_run: OpenRun) -> None:
    assert len(repr(open_run())) < 200


def test_workers_start_when_needed_and_can_be_let_go_twice(open_run: OpenRun) -> None:
    run = open_run()
    run.close()
    assert run.start_workers() is run.start_workers()
    run.close()
    run.close()


def test_its_record_begins_when_it_is_opened_and_ends_once(open_run: OpenRun) -> None:
    run = open_run()
    ((folder, info),) = read_runs(run.session.config.store.cache)
    assert (folder, info.state) == (run.report.record, "running")
    run.close("interrupted", "by hand")
    run.close()
    ((_, info),) = read_runs(run.session.config.store.cache)
    assert info.state == "interrupted"
