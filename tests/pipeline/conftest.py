from __future__ import annotations

import shutil
import sys
from collections.abc import Iterator
from pathlib import Path

import dask
import pytest
from rich.console import Console

from animeinterp.configs.loading import load_config
from animeinterp.data.cartoon import write_dataset
from animeinterp.pipeline.cli.app import main
from animeinterp.pipeline.exports.sgm_export import FlowType, export_sgm
from animeinterp.pipeline.pages.inspect.pair_pages import write_pages
from animeinterp.pipeline.planning.selection import Selection
from animeinterp.pipeline.planning.session import Session
from animeinterp.pipeline.results.pair_results import PairResults
from animeinterp.pipeline.running.execute import execute
from animeinterp.pipeline.running.run import RunReport
from tests.browser import Browser, browser_running, find_browser
from tests.pipeline.exported_folders import Export
from tests.pipeline.forking import FORKED, fork_workers
from tests.pipeline.mounts import mounted
from tests.pipeline.small_runs import PAIRS, SIZE, Command, Opener, Runner, digests, small_settings


@pytest.fixture(scope="session")
def cartoons(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Root of a small drawn dataset in ATD-12K layout; read it, never change it."""
    root = tmp_path_factory.mktemp("cartoons")
    write_dataset(root, PAIRS, seed=0, size=SIZE)
    return root


@pytest.fixture
def settings(cartoons: Path, tmp_path: Path) -> list[str]:
    """Settings of a run on the drawn dataset with a cache of its own, in this process."""
    return small_settings(cartoons, tmp_path / "cache")


@pytest.fixture(scope="session")
def finished_cache(cartoons: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Cache of a finished run with the plain settings; read it, never change it."""
    cache = tmp_path_factory.mktemp("finished") / "cache"
    execute("demo", small_settings(cartoons, cache), Selection(), Console(quiet=True))
    return cache


@pytest.fixture
def finished(finished_cache: Path, tmp_path: Path) -> None:
    """Let the test's own cache be that of a finished run."""
    shutil.copytree(finished_cache, tmp_path / "cache")


@pytest.fixture(scope="session")
def uninterrupted(cartoons: Path, finished_cache: Path) -> dict[str, list[object]]:
    """Digests of every result, of a run that nothing happened to."""
    return digests(Session.open(load_config("demo", small_settings(cartoons, finished_cache))))


@pytest.fixture
def spoilt(cartoons: Path, tmp_path: Path) -> str:
    """Setting of a dataset of two pairs: one broken frame, and one pair without ground truth."""
    root = tmp_path / "spoilt"
    first, second, *_ = sorted((cartoons / "test_2k_540p").iterdir())
    for folder in (first, second):
        shutil.copytree(folder, root / folder.name)
    (root / first.name / "frame1.png").write_bytes(b"")
    (root / second.name / "frame2.png").unlink()
    return f"data.root='{root}'"


@pytest.fixture
def run(settings: list[str]) -> Runner:
    """Run the pipeline with further settings and a selection."""

    def run(*more: str, **selection: object) -> RunReport:
        return execute("demo", [*settings, *more], Selection(**selection), Console(quiet=True))  # type: ignore[arg-type]

    return run


@pytest.fixture
def open_session(settings: list[str]) -> Opener:
    """Open a session with further settings and a selection."""

    def open_session(*more: str, **selection: object) -> Session:
        return Session.open(load_config("demo", [*settings, *more]), Selection(**selection))  # type: ignore[arg-type]

    return open_session


@pytest.fixture
def command(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Command:
    """Run `animeinterp ...`; returns its exit code and what it printed."""

    def command(*arguments: str) -> tuple[int, str]:
        monkeypatch.setattr(sys, "argv", ["animeinterp", *arguments])
        code = 0
        try:
            main()
        except SystemExit as stop:
            code = int(stop.code or 0)
        captured = capsys.readouterr()
        return code, captured.out + captured.err

    return command


@pytest.fixture(scope="module")
def forked_workers() -> Iterator[None]:
    """Let workers of local clusters begin with the libraries loaded."""
    with dask.config.set(FORKED):
        fork_workers()
        yield


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A disk of 200 kB, for tests marked `privileged`."""
    folder = tmp_path / "disk"
    folder.mkdir()
    with mounted(folder, "size=200k"):
        yield folder


@pytest.fixture(scope="session")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    """A browser; what needs it is skipped where Chromium or chromedriver is not installed."""
    programs = find_browser()
    if programs is None:
        pytest.skip("Chromium or chromedriver is not installed")
    with browser_running(programs, tmp_path_factory.mktemp("profile")) as browser:
        yield browser


@pytest.fixture
def browser(running: Browser) -> Iterator[Browser]:
    """A window of a desktop's size; afterwards the console must have stayed silent."""
    running.resize(1400, 1000)
    running.prefer(prefers_reduced_motion="no-preference", prefers_color_scheme="light")
    yield running
    assert running.complaints() == []


@pytest.fixture(scope="session")
def view(cartoons: Path, finished_cache: Path) -> PairResults:
    """A finished pair."""
    session = Session.open(load_config("demo", small_settings(cartoons, finished_cache)), look_only=True)
    return PairResults(session, session.manifest.pairs[0].id)


@pytest.fixture(scope="session")
def page(view: PairResults, tmp_path_factory: pytest.TempPathFactory) -> Path:
    (path,) = write_pages(view.session, [view.pair.id], tmp_path_factory.mktemp("pages"))
    return path


@pytest.fixture
def out(tmp_path: Path) -> Path:
    """Folder that `export` writes."""
    return tmp_path / "sgm"


@pytest.fixture
def export(finished: None, settings: list[str], out: Path) -> Export:
    """Export a finished run with further settings; keywords choose pairs, label maps and the data type."""

    def export(*more: str, labels: Path | None = None, dtype: FlowType = "float64", **selection):  # type: ignore[no-untyped-def]
        session = Session.open(
            load_config("demo", [*settings, *more]), Selection(**selection), look_only=True
        )
        return export_sgm(session, out, labels, dtype=dtype, console=Console(quiet=True), quiet=True)

    return export
