from __future__ import annotations

import csv
import json
import os
import platform
import subprocess
import sys
import time
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import psutil
import pytest
import torch

from animeinterp.configs.errors import ConfigError
from animeinterp.configs.files import json_lines
from animeinterp.pipeline.compute.registry import STAGES
from animeinterp.pipeline.planning import current_results
from animeinterp.pipeline.running.run_record import RunRecord
from animeinterp.pipeline.store.run_records import LOG_NAME, RunInfo, is_alive, read_runs
from animeinterp.pipeline.store.stage_index import StageIndex
from tests.pipeline.small_runs import PAIRS, Opener, Runner


@pytest.fixture
def record(open_session: Opener) -> RunRecord:
    return RunRecord.begin(open_session(), {"matching": 3})


def table(path: Path) -> list[dict[str, str]]:
    with path.open(newline="") as file:
        return list(csv.DictReader(file))


def test_a_run_leaves_its_record(run: Runner, tmp_path: Path) -> None:
    report = run("coarse_flow.max_shift=99")
    ((folder, info),) = read_runs(tmp_path / "cache")
    assert folder == report.record
    assert (info.state, info.exit_code) == ("finished", 0)
    assert info.started < info.ended
    assert info.config["coarse_flow"]["max_shift"] == 99
    assert info.fingerprints == report.session.fingerprints
    assert {"python", "torch"} <= info.versions.keys()
    assert info.machine["cores"] == os.cpu_count()
    events = json_lines(folder / LOG_NAME)
    assert events[0]["totals"]["segmentation"] == 2 * PAIRS
    assert [event["event"] for event in events] == ["begin", *["shard"] * (len(events) - 2), "end"]
    stages = {row["stage"]: row for row in table(folder / "stages.csv")}
    assert stages.keys() == STAGES.keys()
    assert int(stages["matching"]["computed"]) == PAIRS
    on_disk = sum(
        f.stat().st_size for f in report.session.folder("matching").rglob("*.zarr/**/*") if f.is_file()
    )
    assert int(stages["matching"]["bytes"]) == on_disk
    assert float(stages["matching"]["seconds"]) > 0
    assert table(folder / "failures.csv") == []


def test_failures_are_listed_with_their_reason(run: Runner, cartoons: Path, tmp_path: Path) -> None:
    import shutil

    shutil.copytree(cartoons, tmp_path / "copy")
    broken = sorted((tmp_path / "copy" / "test_2k_540p").iterdir())[0] / "frame1.png"
    broken.write_bytes(b"")
    report = run(f"data.root='{tmp_path / 'copy'}'", last="segmentation")
    assert report.record is not None
    (row,) = table(report.record / "failures.csv")
    assert (row["stage"], row["item"]) == ("segmentation", f"{broken.parent.name}/frame1")
    assert "empty file" in row["reason"]
    ((_, info),) = read_runs(tmp_path / "cache")
    assert (info.state, info.exit_code) == ("failed", 1)


def test_a_run_with_nothing_to_do_leaves_one_too(finished: None, run: Runner, tmp_path: Path) -> None:
    before = len(read_runs(tmp_path / "cache"))
    run()
    runs = read_runs(tmp_path / "cache")
    assert len(runs) == before + 1
    assert runs[-1][1].state == "finished"


def test_a_run_is_on_record_before_it_looks_at_the_cache(
    run: Runner, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen = []

    class WatchedIndex(StageIndex):
        def __init__(self, folder: Path, **options: Any) -> None:
            seen.append([is_alive(info, path) for path, info in read_runs(tmp_path / "cache")])
            super().__init__(folder, **options)

    monkeypatch.setattr(current_results, "StageIndex", WatchedIndex)
    assert run(last="segmentation").succeeded
    assert seen == [[True]]


def test_a_run_that_is_refused_says_why(run: Runner, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    with pytest.raises(ConfigError):
        run("executor.device=cuda")
    ((folder, info),) = read_runs(tmp_path / "cache")
    assert (info.state, info.exit_code) == ("refused", 2)
    (event,) = json_lines(folder / LOG_NAME)
    assert "no CUDA device" in event["why"]


def test_a_run_that_goes_on_is_alive_until_it_ends(record: RunRecord) -> None:
    cache = record.folder.parents[1]
    ((folder, info),) = read_runs(cache)
    assert is_alive(info, folder)
    record.end("interrupted", [])
    ((folder, info),) = read_runs(cache)
    assert not is_alive(info, folder)
    assert (info.state, info.exit_code) == ("interrupted", 130)


def test_a_dead_process_and_one_of_the_same_number_are_told_apart(record: RunRecord) -> None:
    child = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    started = psutil.Process(child.pid).create_time()
    info = replace(record.info, process=child.pid, process_started=started)
    assert is_alive(info, record.folder)
    assert not is_alive(replace(info, process_started=started - 100), record.folder)
    child.communicate(b"\n")
    assert not is_alive(info, record.folder)
    record.end("finished", [])


def test_on_another_machine_signs_of_life_tell(record: RunRecord) -> None:
    info = replace(record.info, host=platform.node() + "-other", process=1)
    assert is_alive(info, record.folder)
    long_ago = time.time() - 3600
    os.utime(record.folder / "run.json", (long_ago, long_ago))
    assert not is_alive(info, record.folder)
    record.end("finished", [])


def test_damaged_records_are_left_out(record: RunRecord) -> None:
    cache = record.folder.parents[1]
    for name, content in {"one": "", "two": "[]", "three": '{"id": "x"}'}.items():
        (cache / "runs" / name).mkdir()
        (cache / "runs" / name / "run.json").write_text(content)
    assert [info.id for _, info in read_runs(cache)] == [record.info.id]
    with (record.folder / "log.jsonl").open("a") as log:
        log.write('{"event": "sha')
    assert [event["event"] for event in json_lines(record.folder / LOG_NAME)] == ["begin"]
    assert json_lines(cache / "runs" / "one" / LOG_NAME) == []
    record.end("finished", [])


def test_what_is_written_can_be_read_by_others(record: RunRecord) -> None:
    content = json.loads((record.folder / "run.json").read_text())
    assert RunInfo(**content).fingerprints == record.info.fingerprints
    assert content == json.loads(json.dumps(asdict(record.info)))
    record.end("finished", [])


def test_a_record_that_cannot_be_written_ends_no_run(
    record: RunRecord, caplog: pytest.LogCaptureFixture
) -> None:
    (record.folder / "log.jsonl").unlink()
    (record.folder / "log.jsonl").mkdir()
    record.event("shard")
    record.event("shard")
    record.end("finished", [])
    assert [line.message.count("the run's record cannot be written") for line in caplog.records] == [1]
