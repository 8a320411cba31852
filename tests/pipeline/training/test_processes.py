"""Several processes that train together, started by `torchrun`."""

from __future__ import annotations

import shutil
import subprocess
import sys
from contextlib import nullcontext

import pytest

from animeinterp.configs.errors import ConfigError
from animeinterp.pipeline.training import loop
from animeinterp.pipeline.training.checkpoints import BEST, Log
from animeinterp.pipeline.training.loop import train
from animeinterp.pipeline.training.processes import Group
from tests.pipeline.training.tiny_plans import MakePlan
from tests.project import PATIENCE, ROOT

STEPS = 4


@pytest.mark.slow
def test_two_processes_train_as_one_with_two_threads(plan_of: MakePlan) -> None:
    plan = plan_of(flow__steps=STEPS - 1, joint__steps=1)
    train(plan)
    expected = [entry["loss"] for entry in Log(plan.folder).entries()]
    assert len(expected) == STEPS
    shutil.rmtree(plan.folder)
    together(plan, "--minutes", "1e-9")
    assert [entry["loss"] for entry in Log(plan.folder).entries()] == expected[:1]
    together(plan)
    assert [entry["loss"] for entry in Log(plan.folder).entries()] == expected
    assert (plan.folder / BEST).exists()


def together(plan: object, *options: str) -> None:
    section, folder = plan.section, plan.folder  # type: ignore[attr-defined]
    words = {name: getattr(section, name) for name in ("scenes", "crop", "batch", "iterations", "log_steps")}
    words |= {"threads": 1, "flow.steps": STEPS - 1, "synthesis.steps": 0, "joint.steps": 1}
    settings = [f"training.{name}={value}" for name, value in words.items()]
    settings.append(f"store.cache={folder.parents[1]}")
    command = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node=2"]
    command += ["-m", "animeinterp.pipeline.cli", "train", "train_light", *options]
    for setting in settings:
        command += ["--set", setting]
    done = subprocess.run(
        command, cwd=ROOT, capture_output=True, text=True, timeout=2 * PATIENCE, check=False
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.count("weights:") == 1


def test_more_processes_than_scenes_are_refused(plan_of: MakePlan, monkeypatch: pytest.MonkeyPatch) -> None:

    monkeypatch.setattr(loop, "joined", lambda _: nullcontext(Group(0, 3)))
    with pytest.raises(ConfigError, match=r"training.batch = 2: fewer scenes than processes \(3\)"):
        train(plan_of())
