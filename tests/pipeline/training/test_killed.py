from __future__ import annotations

import signal
import subprocess
import sys
import time

import pytest

from animeinterp.pipeline.training.checkpoints import Log
from animeinterp.pipeline.training.loop import train
from tests.pipeline.training.tiny_plans import MakePlan
from tests.project import PATIENCE, ROOT


@pytest.mark.slow
@pytest.mark.parametrize(
    ("number", "code"), [(signal.SIGKILL, -9), (signal.SIGINT, 130), (signal.SIGTERM, 143)]
)
def test_a_process_that_was_ended_goes_on(number: signal.Signals, code: int, plan_of: MakePlan) -> None:
    steps = 40
    plan = plan_of(flow__steps=steps)
    train(plan)
    expected = [entry["loss"] for entry in Log(plan.folder).entries()]
    for path in plan.folder.iterdir():
        path.unlink()
    settings = plan.section.model_dump(mode="json")
    words = [f"training.{name}={value}" for name, value in settings.items() if name in SMALL]
    words += [f"training.flow.steps={steps}", "training.synthesis.steps=0", "training.joint.steps=0"]
    words.append(f"store.cache={plan.folder.parents[1]}")
    command = [sys.executable, "-m", "animeinterp.pipeline.cli", "train", "train_light", "--quiet"]
    for word in words:
        command += ["--set", word]
    process = subprocess.Popen(command, cwd=ROOT)
    deadline = time.monotonic() + PATIENCE
    while len(Log(plan.folder).entries()) < 3 and time.monotonic() < deadline and process.poll() is None:
        time.sleep(0.01)
    process.send_signal(number)
    assert process.wait(PATIENCE) == code
    assert 3 <= len(Log(plan.folder).entries()) < steps
    assert train(plan) == steps
    assert [entry["loss"] for entry in Log(plan.folder).entries()] == expected


SMALL = frozenset(
    {
        "scenes",
        "crop",
        "batch",
        "iterations",
        "log_steps",
        "threads",
        "checkpoint_minutes",
        "validation_minutes",
    }
)
