"""Names and annotations that would be commands to a page, a terminal or a spreadsheet, from end to end."""

from __future__ import annotations

import json
import re
import shutil
from pathlib import Path

import pytest

from tests.browser import Browser
from tests.pipeline.small_runs import Command, set_options

MARKUP = """a<img src=x onerror=alert(1)>"'&b"""
ESCAPES = "a\x1b[31m\x1b]0;owned\x07b"
FORMULA = "=HYPERLINK(1)"
BRACKETS = "[red]a"
NAMES = (MARKUP, ESCAPES, FORMULA, BRACKETS)
FETCHED = """
return performance.getEntriesByType("resource").map((e) => e.name).filter((name) => /^(http|ftp)/.test(name))
"""
SCRIPT = "</script><script>alert(1)</script>"


@pytest.fixture(scope="module")
def hostile(cartoons: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A dataset whose names and annotations are commands; of the last pair a frame is broken."""
    root = tmp_path_factory.mktemp("hostile")
    pairs = sorted((cartoons / "test_2k_540p").iterdir())
    for pair, name in zip(pairs, NAMES, strict=True):
        shutil.copytree(pair, root / "test_2k_540p" / name)
        annotation = json.loads(
            (cartoons / "test_2k_annotations" / pair.name / f"{pair.name}.json").read_text()
        )
        annotation |= {"general_motion_type": SCRIPT, "behavior": f"{FORMULA}{MARKUP}{ESCAPES}"}
        (root / "test_2k_annotations" / name).mkdir(parents=True)
        (root / "test_2k_annotations" / name / f"{name}.json").write_text(json.dumps(annotation))
    (root / "test_2k_540p" / BRACKETS / "frame1.png").write_bytes(b"")
    return root


@pytest.fixture
def options(hostile: Path, tmp_path: Path) -> list[str]:
    settings = [
        f"data.root={hostile}",
        f"store.cache={tmp_path / 'cache'}",
        f"store.results={tmp_path / 'results'}",
    ]
    return set_options([*settings, "executor.kind=inline", "coarse_flow.method=zero"])


def pages_of(command: Command, options: list[str], folder: Path) -> list[Path]:
    """All pages about the dataset."""
    for words in (
        ["inspect", *NAMES, "-c", "paper", "-o", str(folder / "inspect"), "--png"],
        ["inspect", *NAMES, "-c", "paper", "-o", str(folder / "inspect")],
        ["report", "paper", "-o", str(folder / "report"), "--pages", "4"],
        ["diff", "paper", "paper", "-o", str(folder / "diff")],
    ):
        command(*words, *options)
    return sorted(folder.rglob("*.html"))


def test_names_are_text_on_the_terminal_in_tables_and_in_pages(
    command: Command, options: list[str], tmp_path: Path
) -> None:
    code, said = command("run", "paper", *options)
    assert code == 1
    assert "\x1b]" not in said
    assert "a␛[31m" in said or ESCAPES not in said
    assert BRACKETS in said  # its failure is listed under its whole name
    for words in (["status", "paper"], ["explain", "paper"], ["history", "paper"], ["evaluate", "paper"]):
        code, said = command(*words, *options)
        assert "\x1b" not in said
        assert "Traceback" not in said
    cells = (tmp_path / "results" / "scores.csv").read_text().splitlines()
    assert any(line.startswith(f"'{FORMULA}") for line in cells)
    assert not any(line.startswith(FORMULA) for line in cells)
    pages = pages_of(command, options, tmp_path / "pages")
    assert len(pages) >= 6
    for page in pages:
        text = page.read_text(encoding="utf-8")
        assert "<img src=x" not in text
        assert SCRIPT not in text
        assert not re.search(r"""(src|href)=["']?(https?:)?//""", text)


def test_names_of_the_results_own_files_are_refused_for_pairs(
    command: Command, cartoons: Path, tmp_path: Path
) -> None:
    pairs = sorted((cartoons / "test_2k_540p").iterdir())
    for pair, name in zip(pairs, ("Scores.CSV", "scores.parquet", "fine"), strict=False):
        (tmp_path / "pairs" / name).mkdir(parents=True)
        for frame in ("frame1.png", "frame3.png"):
            shutil.copy(pair / frame, tmp_path / "pairs" / name / frame)
    settings = [f"data.root={tmp_path / 'pairs'}", f"store.cache={tmp_path / 'cache'}"]
    settings += [f"store.results={tmp_path / 'results'}", "executor.kind=inline", "coarse_flow.method=zero"]
    code, said = command("run", "paper", *set_options(settings))
    assert code == 1
    assert "'Scores.CSV' is the name of a file that runs write beside the results" in " ".join(said.split())
    assert [path.name for path in (tmp_path / "results").iterdir() if path.is_dir()] == ["fine"]


@pytest.mark.parametrize("name", ["..", ".", "a/b", "/etc", "..\\x", "", ".hidden"])
def test_ids_that_leave_the_results_are_refused(
    command: Command, cartoons: Path, tmp_path: Path, name: str
) -> None:
    frames = [str(path) for path in sorted((cartoons / "test_2k_540p").iterdir())[0].glob("frame[13].png")]
    (tmp_path / "pairs.json").write_text(json.dumps({"pairs": [{"id": name, "frames": sorted(frames)}]}))
    settings = [
        f"data.root={tmp_path}",
        f"store.cache={tmp_path / 'cache'}",
        f"store.results={tmp_path / 'results'}",
    ]
    code, said = command("run", "paper", *set_options([*settings, "executor.kind=inline"]))
    assert code == 2
    assert "cannot name a folder" in said
    assert not (tmp_path / "results").exists()


@pytest.mark.slow
def test_nothing_runs_and_nothing_is_fetched_in_a_browser(
    command: Command, options: list[str], tmp_path: Path, browser: Browser
) -> None:
    command("run", "paper", *options)
    for page in pages_of(command, options, tmp_path / "pages"):
        browser.open(page)  # an alert would make everything that follows fail
        assert browser.run("return document.querySelectorAll('img[onerror], img[src=x]').length") == 0
        assert browser.run(FETCHED) == []
