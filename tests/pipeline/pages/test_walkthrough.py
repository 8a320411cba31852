"""docs/walkthrough.md: its code runs, and its pictures are those that its module draws."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from benchmarks.walkthrough import FOLDER, draw
from tests.pipeline.small_runs import Command
from tests.project import ROOT

DOCS = ROOT / "docs"
PAGE = DOCS / "walkthrough.md"
LARGEST_SET = 800_000  # bytes


def test_its_code_runs(
    command: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    small = ("--pairs", "1", "--height", "72", "--width", "128", "--quiet")
    code, said = command("demo", *small, "--set", "executor.kind=inline")
    assert code == 0, said
    names: dict[str, object] = {}
    for block in re.findall(r"```python\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL):
        exec(block, names)
    printed = capsys.readouterr().out
    for expected in ("(72, 128)", "moved", "have a mutual match", "(72, 128, 3) uint8", "match_precision"):
        assert expected in printed
    alike = names["alike"]
    assert isinstance(alike, np.ndarray)
    assert 0 < alike.max() <= 1.001


def test_its_pictures_are_those_that_are_drawn(tmp_path: Path) -> None:
    draw(tmp_path, size=(72, 128))
    drawn = {path.name for path in tmp_path.iterdir()}
    shown = re.findall(r"!\[.*?\]\((.*?)\)", PAGE.read_text(encoding="utf-8"))
    assert {Path(path).name for path in shown} == drawn
    kept = [DOCS / path for path in shown]
    assert {path.parent for path in kept} == {FOLDER}
    assert sum(path.stat().st_size for path in kept) < LARGEST_SET
    for path in (*kept, *tmp_path.iterdir()):
        with Image.open(path) as picture:
            assert picture.width == 960
            assert np.asarray(picture).std() > 10
