from __future__ import annotations

import json
import time
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import pytest

from animeinterp.pipeline.compute.shard_jobs import ShardOutcome
from animeinterp.pipeline.results.past_runs import DIED, PastRun, StageProgress, look_at_run, runs_of
from animeinterp.pipeline.running.run_record import RunRecord
from animeinterp.pipeline.store.run_records import INFO_NAME, LOG_NAME
from tests.pipeline.small_runs import PAIRS, Opener, Runner


def nothing_known(_stage: str) -> float | None:
    return None


def outcome(stage: str, **changes: Any) -> ShardOutcome:
    plain = ShardOutcome(stage, "shard", 3, 1, {}, (), 8.0, 1000)
    return replace(plain, **changes)


def test_a_run_that_goes_on_is_followed(open_session: Opener) -> None:
    session = open_session()
    record = RunRecord.begin(session, {"matching": 8, "coarse_flow": 4, "features": 0})
    record.shard(outcome("matching"))
    same, others = runs_of(session)
    assert others == []
    (run,) = same
    assert run.state == "running"
    assert run.info.id == record.info.id
    assert abs(run.started.timestamp() - time.time()) < 100
    assert list(run.stages) == ["matching", "coarse_flow"]
    found = run.stages["matching"]
    assert (found.done, found.total, found.failed, found.size) == (4, 8, 0, 1000)
    assert found.rate == pytest.approx(4 / 8, rel=1e-3)
    assert run.stages["coarse_flow"].rate is None
    record.end("finished", ())
    (run,) = runs_of(session)[0]
    assert run.state == "finished"


def test_a_run_of_other_settings_or_data_is_another_while_it_goes_on(
    open_session: Opener, tmp_path: Path
) -> None:
    record = RunRecord.begin(open_session("matching.area_penalty=7"), {"matching": 8})
    same, others = runs_of(open_session())
    assert same == []
    assert [run.info.id for run in others] == [record.info.id]
    record.end("failed", ())
    assert runs_of(open_session()) == ([], [])
    assert len(runs_of(open_session("matching.area_penalty=7"))[0]) == 1


def test_a_finished_run_has_done_all_that_it_planned(run: Runner, open_session: Opener) -> None:
    run()
    (found,) = runs_of(open_session())[0]
    assert found.state == "finished"
    assert {stage: each.done for stage, each in found.stages.items()} == {
        stage: each.total for stage, each in found.stages.items()
    }
    assert found.stages["evaluation"].total == PAIRS


def test_a_log_that_ends_within_a_line_is_read_up_to_there(open_session: Opener) -> None:
    record = RunRecord.begin(open_session(), {"matching": 8})
    record.shard(outcome("matching"))
    with (record.folder / LOG_NAME).open("a") as log:
        log.write('{"time": "2026-01-01T00:00:00+00:00", "event": "sha')
    assert look_at_run(record.folder, record.info).stages["matching"].done == 4
    record.end("finished", ())


def test_more_than_planned_is_no_more_than_all(open_session: Opener) -> None:
    record = RunRecord.begin(open_session(), {"matching": 4})
    for _ in range(2):
        record.shard(outcome("matching"))
    record.shard(outcome("features", seconds=1.0))
    stages = look_at_run(record.folder, record.info).stages
    assert (stages["matching"].done, stages["matching"].total) == (8, 8)
    assert stages["features"].total == 4
    record.end("finished", ())


def test_a_run_whose_process_has_gone_is_not_alive(open_session: Opener) -> None:
    session = open_session()
    record = RunRecord.begin(session, {"matching": 4})
    content = {**asdict(record.info), "process": 2**22 - 1}
    (record.folder / INFO_NAME).write_text(json.dumps(content, default=str))
    (run,) = runs_of(session)[0]
    assert run.state == DIED
    record.end("finished", ())


def state(open_session: Opener, **stages: StageProgress) -> PastRun:
    record = RunRecord.begin(open_session(), {})
    record.end("finished", ())
    return replace(look_at_run(record.folder, record.info), stages=stages)


def test_time_left_goes_by_what_is_done_at_once(open_session: Opener) -> None:
    # 20 s of work in 10 s: two workers.
    half = StageProgress(10, computed=5, seconds=20.0, began=100.0, last=110.0)
    assert state(open_session, matching=half).time_left(nothing_known) == (pytest.approx(10.0), ())


def test_stages_to_come_go_by_past_rates_and_without_them_are_named(open_session: Opener) -> None:
    done = StageProgress(5, computed=5, seconds=20.0, began=100.0, last=110.0)
    run = state(open_session, matching=done, coarse_flow=StageProgress(6))
    assert run.time_left({"coarse_flow": 3.0}.get) == (pytest.approx(9.0), ())
    assert run.time_left(nothing_known) == (0.0, ("coarse_flow",))


def test_time_left_is_not_known_before_anything_is_done(open_session: Opener) -> None:
    run = state(open_session, matching=StageProgress(5))
    assert run.time_left({"matching": 1.0}.get) == (None, ("matching",))
