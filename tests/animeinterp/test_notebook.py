"""docs/notebook.md and docs/notebook.ipynb: the page runs as a script, and as a notebook in a kernel."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import nbformat
import numpy as np
import pytest
from nbclient import NotebookClient

from tests.notebook_cells import BLOCK, NOTEBOOK, PAGE, notebook
from tests.pipeline.small_runs import Command
from tests.project import PATIENCE, ROOT


@pytest.fixture
def demo(command: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The working folder after a small `animeinterp demo`."""
    monkeypatch.chdir(tmp_path)
    small = ("--pairs", "2", "--height", "72", "--width", "128", "--quiet")
    code, said = command("demo", *small, "--set", "executor.kind=inline")
    assert code == 0, said
    return tmp_path


def test_the_page_runs(demo: Path, capsys: pytest.CaptureFixture[str]) -> None:
    names: dict[str, object] = {}
    for block in BLOCK.findall(PAGE.read_text(encoding="utf-8")):
        exec(block, names)
    printed = capsys.readouterr().out
    for expected in ("(72, 128, 3) uint8", "(2, 72, 128, 3)", "refinement    2 pairs, 2 ok", "moved", "psnr"):
        assert expected in printed
    assert isinstance(names["frame"], np.ndarray)
    assert names["frame"].shape == (72, 128, 3)


def test_the_readme_s_lines_run(demo: Path) -> None:
    frames = sorted(demo.glob("demo/cartoons/test_2k_540p/*/frame[13].png"))
    for name, frame in zip(("a.png", "b.png"), frames[:2], strict=True):
        shutil.copy(frame, name)
    Path("animeinterp.toml").write_text(
        'extends = "demo"\n[data]\nroot = "demo/cartoons"\n[store]\ncache = "demo/cache"\n'
    )
    names: dict[str, object] = {}
    (block,) = BLOCK.findall((ROOT / "README.md").read_text(encoding="utf-8"))
    exec(block, names)
    middle, flow = names["middle"], names["flow"]
    assert isinstance(middle, np.ndarray)
    assert middle.shape == (72, 128, 3)
    assert isinstance(flow, np.ndarray)
    assert flow.shape == (2, 72, 128)


def test_the_notebook_is_the_page() -> None:
    written = nbformat.read(NOTEBOOK, as_version=4)
    nbformat.validate(written)
    assert written == notebook(), "write it again: python -m tests.notebook_cells"


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore::DeprecationWarning:jupyter_client", "ignore::ResourceWarning")
def test_the_notebook_runs(demo: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYTHONPATH", f"{ROOT}{os.pathsep}{os.environ.get('PYTHONPATH', '')}")
    run = NotebookClient(nbformat.read(NOTEBOOK, as_version=4), timeout=PATIENCE, resources={}).execute()
    printed = [
        output["text"]
        for cell in run.cells
        for output in cell.get("outputs", ())
        if output.get("name") == "stdout"
    ]
    assert printed[0] == "(72, 128, 3) uint8\n"
    assert any("refinement    2 pairs, 2 ok" in text for text in printed)
