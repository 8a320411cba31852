from __future__ import annotations

import pickle
from dataclasses import replace
from pathlib import Path

import pytest

from animeinterp.configs.errors import CacheError
from animeinterp.pipeline.running.worker_checks import Surroundings, UnfitWorkerError, WorkerDiedError
from tests.pipeline.small_runs import Opener


@pytest.fixture
def surroundings(open_session: Opener, tmp_path: Path) -> Surroundings:
    found = Surroundings.of(open_session(f"store.results='{tmp_path / 'results'}'"))
    found.mark()
    return found


def test_the_process_that_asks_is_fit_itself(surroundings: Surroundings) -> None:
    assert surroundings.trouble() is None
    assert set(surroundings.markers) == {"store.cache", "store.results"}
    surroundings.unmark()
    assert not any(marker.exists() for marker in surroundings.markers.values())


def test_folders_that_differ_or_lack_are_named(surroundings: Surroundings, tmp_path: Path) -> None:
    surroundings.markers["store.results"].rmdir()
    assert str(surroundings.trouble()).startswith(
        f"store.results = '{tmp_path / 'results'}' is another folder"
    )
    (tmp_path / "results").rmdir()
    assert str(surroundings.trouble()).startswith(f"store.results = '{tmp_path / 'results'}' does not exist")
    unreadable = replace(surroundings, markers={}, reads={"data.root": tmp_path / "frame1.png"})
    assert f"data.root: '{tmp_path / 'frame1.png'}' does not exist" in str(unreadable.trouble())


def test_other_versions_are_named(surroundings: Surroundings) -> None:
    other = replace(surroundings, versions={**surroundings.versions, "stage matching": "0"})
    assert "stage matching is version " in str(other.trouble())
    assert "but 0 here; install the same animeinterp" in str(other.trouble())


def test_markers_of_dead_processes_are_removed(surroundings: Surroundings, tmp_path: Path) -> None:
    [own] = (tmp_path / "cache").glob(".workers-*")
    name, _, _ = own.name.rsplit("-", 2)
    dead = own.with_name(f"{name}-999999999-{'0' * 12}")
    dead.mkdir()
    replace(surroundings, markers={"store.cache": own.with_name(f"{name}-1-{'1' * 12}")}).mark()
    assert not dead.exists()
    assert own.exists()


def test_a_folder_that_cannot_be_written_is_named(surroundings: Surroundings, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(CacheError, match="store.results = .*file': cannot be written"):
        replace(surroundings, markers={"store.results": tmp_path / "file" / ".workers-x"}).mark()


def test_errors_travel_between_processes() -> None:
    unfit = pickle.loads(pickle.dumps(UnfitWorkerError("tcp://a:1", "no disk")))
    assert str(unfit) == "worker tcp://a:1: no disk"
    assert str(pickle.loads(pickle.dumps(WorkerDiedError(1, "why")))) == "the worker process died once, why"
    assert str(WorkerDiedError(4, "why")) == "the worker process died 4 times, why"
