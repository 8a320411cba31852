from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import luigi
import numpy as np
import numpy.typing as npt
import pytest
from luigi.task_register import Register

from animeinterp.data.images import write_image
from animeinterp.pipeline.compute.registry import STAGES
from animeinterp.pipeline.running.luigi_tasks import TASKS, RunDataset, StageBatch
from tests.pipeline.small_runs import Opener
from tests.project import ROOT


def interpolate(settings: Sequence[str], **parameters: object) -> RunDataset:
    Register.clear_instance_cache()  # a task that looks at the cache anew
    return RunDataset(config="demo", settings=tuple(settings), **parameters)


def build(task: luigi.Task) -> luigi.execution_summary.LuigiRunResult:
    return luigi.build([task], workers=1, local_scheduler=True, log_level="CRITICAL", detailed_summary=True)


def test_there_is_a_task_for_every_stage() -> None:
    assert list(TASKS) == list(STAGES)


def test_tasks_run_what_they_require_and_nothing_twice(settings: list[str]) -> None:
    task = interpolate([*settings, "store.shards_per_batch=1"])
    assert not task.complete()
    assert build(task).status == luigi.LuigiStatusCode.SUCCESS
    assert task.complete()
    assert all(requirement.complete() for requirement in task.requires())
    fresh = interpolate([*settings, "store.shards_per_batch=1"])
    assert fresh.complete()


def test_batches_depend_on_the_batches_they_read(settings: list[str], open_session: Opener) -> None:
    task = interpolate([*settings, "store.shards_per_batch=1"])
    batches = [t for t in task.requires() if t.stage == "coarse_flow"]
    assert len(batches) == len(open_session().layout.groups) > 1
    last = batches[-1]
    assert {(r.stage, r.batch_number) for r in last.requires()} == {
        ("matching", last.batch_number),
        ("segmentation", last.batch_number),
    }
    assert last.priority < batches[0].priority


def test_one_stage_alone_brings_its_requirements(settings: list[str], open_session: Opener) -> None:
    parameters = interpolate(settings, limit=1).shared
    assert build(TASKS["matching"](**parameters, batch_number=0)).status == luigi.LuigiStatusCode.SUCCESS
    session = open_session(limit=1)
    assert all(record is not None for _, record in session.records("matching"))
    assert all(record is None for _, record in session.records("coarse_flow"))


def test_stages_outside_the_selection_are_not_required(settings: list[str]) -> None:
    task = interpolate(settings, first="matching")
    stages = {t.stage for batch in task.requires() for t in batch.requires() if isinstance(t, StageBatch)}
    assert "features" not in stages


def test_stages_that_are_not_needed_are_not_required(settings: list[str]) -> None:
    task = interpolate([*settings, "coarse_flow.method=zero"])
    stages = {batch.stage for batch in task.requires()}
    assert stages == {"coarse_flow", "refinement", "synthesis", "evaluation"}
    assert not any(list(batch.requires()) for batch in task.requires() if batch.stage == "coarse_flow")
    assert build(task).status == luigi.LuigiStatusCode.SUCCESS


def test_finished_work_has_nothing_to_run(finished: None, settings: list[str]) -> None:
    assert interpolate(settings).complete()
    assert not interpolate(settings, force=("matching",)).complete()


def luigi_command(tmp_path: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [
            Path(sys.executable).with_name("luigi"),
            "--module",
            "animeinterp.pipeline.tasks",
            *arguments,
            "--local-scheduler",
        ],
        env={**os.environ, "LUIGI_CONFIG_PATH": str(ROOT / "luigi.cfg"), "PYTHONPATH": str(ROOT)},
        cwd=tmp_path,
        text=True,
        capture_output=True,
        timeout=120,
        check=False,
    )


@pytest.mark.parametrize("bad", [False, True])
def test_luigi_command_runs_the_same_work_and_tells_failure(
    settings: list[str], tmp_path: Path, bad: bool
) -> None:
    for name in (1, 3):
        write_image(tmp_path / "frames" / "pair" / f"{name}.png", _frame(name))
    if bad:
        (tmp_path / "frames" / "void").mkdir()
    further = [f"data.root='{tmp_path / 'frames'}'", f"store.results='{tmp_path / 'results'}'"]
    ended = luigi_command(
        tmp_path, "RunDataset", "--config", "demo", "--settings", json.dumps([*settings, *further])
    )
    assert ended.returncode == (30 if bad else 0), ended.stderr
    assert ("1 items failed" in ended.stderr) == bad
    assert (tmp_path / "results" / "pair" / "frame_t0.5.png").is_file()


def test_luigi_command_tells_settings_that_cannot_be_used(tmp_path: Path) -> None:
    ended = luigi_command(tmp_path, "RunDataset", "--config", "absent")
    assert ended.returncode == 35
    assert "config 'absent' not found" in ended.stderr


def _frame(seed: int) -> npt.NDArray[np.uint8]:

    return np.random.default_rng(seed).integers(0, 255, (16, 24, 3), np.uint8)
