from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import cv2
import numpy as np
import pytest

from animeinterp.data.cartoon import write_dataset
from animeinterp.pipeline.results.reading import StageResults, open_stage
from tests.project import PATIENCE, ROOT

PAGE = ROOT / "docs" / "contributing.md"
COPIED = ("animeinterp", "tests", "docs", "pyproject.toml", "luigi.cfg")
STEP = re.compile(r"^### (\d)\. (.+?)\n.*?^```(\w+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
BIN = Path(sys.executable).parent


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    """A copy of the project, with one small drawn pair where the demo's frames are."""
    for name in COPIED:
        source, target = ROOT / name, tmp_path / "copy" / name
        if source.is_dir():
            # Compiled code comes along, and saves compiling it again.
            shutil.copytree(source, target, ignore=shutil.ignore_patterns("pictures"))
        else:
            shutil.copy2(source, target)
    write_dataset(tmp_path / "copy" / "demo" / "cartoons", 1, seed=0, size=(72, 128))
    return tmp_path / "copy"


def apply(diff: str, path: Path) -> None:
    """Change a file as a diff without line numbers says."""
    text = path.read_text(encoding="utf-8")
    _, *parts = diff.split("@@\n")
    for part in parts:
        lines = part.splitlines(keepends=True)
        old = "".join(line[1:] for line in lines if line[0] in " -")
        new = "".join(line[1:] for line in lines if line[0] in " +")
        assert text.count(old) == 1, f"{path.name} does not hold once:\n{old}"
        text = text.replace(old, new)
    path.write_text(text, encoding="utf-8")


def call(command: str, folder: Path) -> str:
    environment = {**os.environ, "PYTHONPATH": str(folder), "PATH": f"{BIN}:{os.environ['PATH']}"}
    done = subprocess.run(
        command, shell=True, cwd=folder, env=environment, capture_output=True, text=True, timeout=PATIENCE
    )
    assert done.returncode == 0, f"{command}\n{done.stdout}\n{done.stderr}"
    return done.stdout


def results(folder: Path, stage: str) -> StageResults:
    (fingerprint,) = (folder / "demo" / "cache" / stage).iterdir()
    return open_stage(fingerprint)


@pytest.mark.slow
def test_a_refinement_method_is_added_in_six_steps(copy: Path) -> None:
    steps = STEP.findall(PAGE.read_text(encoding="utf-8"))
    assert [number for number, *_ in steps] == list("123456")
    changed = []
    for _, title, kind, block in steps:
        if kind == "console":
            said = [call(line.removeprefix("$ "), copy) for line in block.splitlines()]
            continue
        path = copy / title.split("`")[1]
        changed.append(path.relative_to(copy))
        if kind == "diff":
            apply(block, path)
        else:
            assert not path.exists()
            path.write_text(block, encoding="utf-8")
    assert "evaluation" in said[-1]
    coarse, refined = results(copy, "coarse_flow"), results(copy, "refinement")
    (pair,) = refined.ids
    for way in ("01", "10"):
        flow = coarse.arrays(pair)[f"coarse_flow{way}"]
        expected = np.stack([cv2.GaussianBlur(component, (0, 0), 2.0) for component in flow])
        np.testing.assert_array_equal(refined.arrays(pair)[f"refined_flow{way}"], expected)
        assert not np.array_equal(expected, flow)
    names = " ".join(map(str, changed))
    call(f"ruff check {names} && ruff format --check {names}", copy)
