from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import psutil
import pytest

from animeinterp.configs.errors import DataError
from animeinterp.data.cutouts import (
    Book,
    SetSettings,
    TrainingSet,
    make_book,
    training_set,
    write_training_set,
)
from tests.drawn_cutouts import write_cutouts
from tests.project import ROOT

SETTINGS = SetSettings(count=7, size=(24, 32), shard=3)


@pytest.fixture(scope="module")
def finished(book_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("set")
    write_training_set(book_folder, root, SETTINGS)
    return root


def _content(root: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in root.iterdir()}


def test_a_set_is_shards_a_record_and_digests(finished: Path) -> None:
    shards = {f"shard_0000{i}.npz" for i in range(3)}
    assert set(_content(finished)) == {"training_set.json", "digests.json", *shards}
    record = json.loads((finished / "training_set.json").read_text())
    assert record["settings"]["count"] == 7
    assert record["source"] == ""
    assert record["settings"]["size"] == [24, 32]
    assert {"name", "sha256"} == set(record["pictures"][0])
    assert set(json.loads((finished / "digests.json").read_text())["shards"]) == shards


def test_progress_is_told_and_a_finished_set_is_left_alone(
    book_folder: Path, finished: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    calls: list[tuple[int, int]] = []
    before = _content(finished)
    monkeypatch.setattr(training_set, "draw_arrays", lambda *_: pytest.fail("drawn again"))
    digest = write_training_set(book_folder, finished, SETTINGS, progress=lambda *done: calls.append(done))
    assert calls == [(3, 3)]
    assert _content(finished) == before
    assert digest == TrainingSet(finished).digest


def test_an_interrupted_set_goes_on_to_the_same_bytes(
    book_folder: Path, finished: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    drawn = training_set.draw_arrays

    def dies(book: object, settings: SetSettings, position: int) -> object:
        if position == 4:
            raise KeyboardInterrupt
        return drawn(book, settings, position)  # type: ignore[arg-type]

    with monkeypatch.context() as patched:
        patched.setattr(training_set, "draw_arrays", dies)
        with pytest.raises(KeyboardInterrupt):
            write_training_set(book_folder, tmp_path, SETTINGS)
    assert set(_content(tmp_path)) == {"training_set.json", "shard_00000.npz"}
    with pytest.raises(DataError, match="no complete training set"):
        TrainingSet(tmp_path)
    (tmp_path / ".wip-host-1-abcdef012345").write_bytes(b"half of a sh")
    positions: list[int] = []

    def noted(book: Book, settings: SetSettings, i: int) -> dict[str, np.ndarray]:
        positions.append(i)
        return drawn(book, settings, i)

    monkeypatch.setattr(training_set, "draw_arrays", noted)
    write_training_set(book_folder, tmp_path, SETTINGS)
    assert positions == [3, 4, 5, 6]
    assert _content(tmp_path) == _content(finished)


KILLED = """
import sys
from pathlib import Path
from animeinterp.data.cutouts import SetSettings, write_training_set
if __name__ == "__main__":
    book, root, workers = Path(sys.argv[1]), Path(sys.argv[2]), int(sys.argv[3])
    write_training_set(book, root, SetSettings(count=4000, size=(24, 32), shard=3), workers=workers)
"""


@pytest.mark.parametrize("workers", [1, pytest.param(2, marks=pytest.mark.slow)])
def test_a_killed_process_leaves_whole_shards_and_no_workers(
    book_folder: Path, finished: Path, tmp_path: Path, workers: int
) -> None:
    script, root = tmp_path / "draw.py", tmp_path / "set"
    script.write_text(KILLED)
    command = [sys.executable, str(script), str(book_folder), str(root), str(workers)]
    path = {"PYTHONPATH": str(ROOT)}
    process = subprocess.Popen(command, env=os.environ | path)
    here = psutil.Process(process.pid)
    try:
        _wait(lambda: (root / "shard_00001.npz").exists() or process.poll() is not None)
        children = here.children(recursive=True)
    finally:
        process.kill()
        process.wait()
    assert len(children) >= workers - 1
    psutil.wait_procs(children, timeout=10)
    assert not [child for child in children if child.is_running() and child.status() != psutil.STATUS_ZOMBIE]
    whole = _content(finished)
    for name in ("shard_00000.npz", "shard_00001.npz"):
        if (root / name).exists():
            assert (root / name).read_bytes() == whole[name]
    assert not (root / "digests.json").exists()


def _wait(happened: Callable[[], bool]) -> None:
    end = time.monotonic() + 60
    while not happened():
        assert time.monotonic() < end
        time.sleep(0.02)


def test_several_processes_give_the_same_bytes(book_folder: Path, finished: Path, tmp_path: Path) -> None:
    write_training_set(book_folder, tmp_path, SETTINGS, workers=2)
    assert _content(tmp_path) == _content(finished)


def test_another_set_or_book_in_the_folder_is_refused(
    book_folder: Path, finished: Path, tmp_path: Path
) -> None:
    shutil.copytree(finished, tmp_path / "set")
    other = SetSettings(count=7, size=(24, 32), shard=3, seed=1)
    with pytest.raises(DataError, match="training_set.json: found a training set with other settings"):
        write_training_set(book_folder, tmp_path / "set", other)
    write_cutouts(tmp_path / "pictures", 12, first=50)
    make_book(tmp_path / "pictures", tmp_path / "book")
    with pytest.raises(DataError, match="choose another folder or remove this one"):
        write_training_set(tmp_path / "book", tmp_path / "set", SETTINGS)


def test_a_full_disk_is_told_and_leaves_nothing_half_written(
    book_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    write_training_set(book_folder, tmp_path, SetSettings(count=1, size=(16, 16)))
    (tmp_path / "shard_00000.npz").unlink()
    (tmp_path / "digests.json").unlink()
    with monkeypatch.context() as patched:
        patched.setattr(os, "fsync", full)
        with pytest.raises(DataError, match=r"cannot be written .*No space left.*finished files are kept"):
            write_training_set(book_folder, tmp_path, SetSettings(count=1, size=(16, 16)))
    assert set(_content(tmp_path)) == {"training_set.json"}


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"count": 0}, "count: found 0, expected 1 or more"),
        ({"shard": 0}, "shard: found 0"),
        ({"seed": -2}, "seed: found -2"),
        ({"size": (8, 32)}, "size: found 8x32"),
        ({"half_way": 1.5}, "half_way: found 1.5, expected a share from 0 to 1"),
        ({"degraded": -0.1}, "degraded: found -0.1"),
        ({"cartoons": 2}, "cartoons: found 2"),
        ({"split": "test"}, "split: found 'test'"),
    ],
)
def test_settings_out_of_range_are_refused(
    book_folder: Path, tmp_path: Path, changes: dict[str, object], message: str
) -> None:
    with pytest.raises(DataError, match=message):
        write_training_set(book_folder, tmp_path, SetSettings(**({"count": 1} | changes)))  # type: ignore[arg-type]
    assert not list(tmp_path.iterdir())


def test_workers_and_a_missing_book_are_refused(book_folder: Path, tmp_path: Path) -> None:
    with pytest.raises(DataError, match="workers: found 0"):
        write_training_set(book_folder, tmp_path, SETTINGS, workers=0)
    with pytest.raises(DataError, match="not a book of drawings"):
        write_training_set(tmp_path / "nowhere", tmp_path, SETTINGS)


def test_a_book_replaced_meanwhile_is_refused(book_folder: Path, tmp_path: Path) -> None:
    with pytest.raises(DataError, match="was replaced while scenes were drawn"):
        training_set._write_shard(book_folder, "0" * 64, tmp_path, SETTINGS, 0)
