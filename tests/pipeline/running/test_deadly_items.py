from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import dask
import pytest

from animeinterp.pipeline.compute.registry import STAGES
from animeinterp.pipeline.planning.session import Session
from animeinterp.pipeline.running import deadly_items as isolation
from animeinterp.pipeline.running.deadly_items import LEAST_DEATHS
from tests.pipeline import poison
from tests.pipeline.dask_processes import DaskProcesses
from tests.pipeline.small_runs import PAIRS, Opener, Runner, digests

Poison = Callable[[Mapping[str, str]], None]
LOCAL = ("executor.kind=local", "executor.workers=2")


@pytest.fixture
def poisoned(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, forked_workers: None) -> Iterator[Poison]:
    """Says which items take down the worker that computes them, and how."""
    path = tmp_path / "poison.json"
    monkeypatch.setenv(poison.POISON_FILE, str(path))

    def poisoned(ways: Mapping[str, str]) -> None:
        path.write_text(json.dumps(ways))

    poisoned({})
    environment = {f"distributed.nanny.environ.{poison.POISON_FILE}": str(path)}  # of forked workers
    with dask.config.set({**environment, "distributed.worker.preload": [poison.__file__]}):
        yield poisoned


def statuses(session: Session) -> dict[str, list[str | None]]:
    return {stage: [record and record.status for _, record in session.records(stage)] for stage in STAGES}


@pytest.mark.slow
def test_an_item_that_kills_its_worker_fails_alone_and_can_be_tried_again(
    run: Runner, open_session: Opener, poisoned: Poison, uninterrupted: dict[str, list[object]]
) -> None:
    pair = open_session().manifest.pairs[1].id
    poisoned({f"matching of {pair}": "segfault"})
    report = run(*LOCAL)
    assert not report.succeeded
    assert report.broken == []
    assert report.computed["matching"] == PAIRS
    [(stage, record)] = report.session.failures()
    assert (stage, record.id) == ("matching", pair)
    assert record.reason.startswith("the worker process died 3 times, perhaps out of memory (its limit was ")
    assert "executor.memory_gb" in record.reason
    assert "--retry-failed" in record.reason
    found = statuses(open_session())
    assert found["segmentation"] == found["features"] == ["ok"] * (2 * PAIRS)
    assert found["matching"] == ["ok", "failed", *["ok"] * (PAIRS - 2)]
    for stage in list(STAGES)[3:]:
        assert found[stage] == ["ok", "skipped", *["ok"] * (PAIRS - 2)]

    again = run(*LOCAL)
    assert again.computed.total() == 0
    assert not again.succeeded

    poisoned({})
    retried = run(retry_failed=True)
    assert retried.succeeded
    assert retried.computed == dict.fromkeys(list(STAGES)[2:], 1)
    assert digests(open_session()) == uninterrupted


@pytest.mark.slow
def test_what_a_shard_held_before_stays_and_its_other_items_are_computed(
    run: Runner, open_session: Opener, poisoned: Poison, uninterrupted: dict[str, list[object]]
) -> None:
    manifest = open_session().manifest
    first, second = manifest.pairs[:2]
    assert run(ids=(first.id,), last="segmentation").succeeded
    frames = [manifest.frames[index].id for index in second.frames]
    poisoned({f"segmentation of {frames[0]}": "kill", f"segmentation of {frames[1]}": "exit"})
    report = run(*LOCAL, ids=(first.id, second.id), last="features")
    assert report.broken == []
    assert [record.id for _, record in report.session.failures()] == frames
    assert report.computed == {"segmentation": 2, "features": 2}
    poisoned({})
    assert run(ids=(first.id, second.id), last="features", retry_failed=True).succeeded
    assert run().succeeded
    assert digests(open_session()) == uninterrupted


@pytest.mark.slow
def test_an_item_beyond_the_memory_limit_fails_alone_and_says_so(
    run: Runner, open_session: Opener, poisoned: Poison
) -> None:
    pair = open_session().manifest.pairs[2].id
    poisoned({f"coarse_flow of {pair}": "allocate"})
    report = run(*LOCAL, "executor.memory_gb=1")
    assert report.broken == []
    [(stage, record)] = report.session.failures()
    assert (stage, record.id) == ("coarse_flow", pair)
    assert re.match(
        r"the worker process died 3 times, as it took more memory \(.* [GM]B\) than its limit of 1 GB ",
        record.reason,
    )
    assert statuses(open_session())["synthesis"] == ["ok", "ok", "skipped", *["ok"] * (PAIRS - 3)]


@pytest.mark.slow
def test_an_item_is_not_to_blame_where_other_workers_go_too(
    run: Runner,
    open_session: Opener,
    poisoned: Poison,
    tmp_path: Path,
    uninterrupted: dict[str, list[object]],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(isolation, "LEAST_DEATHS", 1)
    pair = open_session().manifest.pairs[1].id
    poisoned({f"matching of {pair}": "unrest"})
    for number in range(3):  # with its shard, with its shard again, and alone
        (tmp_path / f"unrest {number}").touch()
    report = run(*LOCAL)
    assert report.succeeded
    assert not list(tmp_path.glob("unrest *"))
    assert digests(open_session()) == uninterrupted


@pytest.mark.slow
def test_an_item_is_to_blame_in_the_end_even_so(
    run: Runner, open_session: Opener, poisoned: Poison, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(isolation, "MOST_DEATHS", 2)
    pair = open_session().manifest.pairs[1].id
    poisoned({f"matching of {pair}": "unrest"})
    for number in range(50):
        (tmp_path / f"unrest {number}").touch()
    [(stage, record)] = run(*LOCAL).session.failures()
    assert (stage, record.id) == ("matching", pair)
    assert record.reason.startswith("the worker process died 2 times, ")


@pytest.mark.slow
@pytest.mark.parametrize("allowed_failures", [0, 3])
def test_so_it_is_on_a_cluster_given_by_address(
    run: Runner,
    open_session: Opener,
    poisoned: Poison,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    allowed_failures: int,
) -> None:
    pair = open_session().manifest.pairs[1].id
    poisoned({f"matching of {pair}": "exit"})
    monkeypatch.setenv("DASK_DISTRIBUTED__SCHEDULER__ALLOWED_FAILURES", str(allowed_failures))
    (tmp_path / "dask").mkdir()
    with DaskProcesses(tmp_path / "dask") as processes:
        for _ in range(2):
            processes.start_worker("--preload", poison.__file__)
        report = run(f"executor.kind={processes.address}")
    [(stage, record)] = report.session.failures()
    assert (stage, record.id) == ("matching", pair)
    deaths = max(LEAST_DEATHS, allowed_failures + 1)
    assert record.reason.startswith(f"the worker process died {deaths} times, ")
    assert statuses(open_session())["synthesis"] == ["ok", "skipped", *["ok"] * (PAIRS - 2)]
