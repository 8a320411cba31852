from __future__ import annotations

import os
from functools import partial
from pathlib import Path

import pytest

from animeinterp.data.cutouts.processes import in_processes


def _touch(folder: Path, item: int) -> None:
    if item == 3:
        raise ValueError("three")
    (folder / str(item)).write_text(str(os.getpid()))


def test_one_worker_is_this_process_and_keeps_the_order(tmp_path: Path) -> None:
    done = in_processes(partial(_touch, tmp_path), [1, 2], 1)
    next(done)
    assert [path.name for path in tmp_path.iterdir()] == ["1"]
    assert list(done) == [None]
    assert (tmp_path / "2").read_text() == str(os.getpid())


def test_an_error_comes_through(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="three"):
        list(in_processes(partial(_touch, tmp_path), [1, 3, 2], 1))
    assert [path.name for path in tmp_path.iterdir()] == ["1"]


@pytest.mark.slow
def test_several_workers_are_other_processes(tmp_path: Path) -> None:
    assert list(in_processes(partial(_touch, tmp_path), [1, 2], 2)) == [None, None]
    assert str(os.getpid()) not in {(tmp_path / name).read_text() for name in ("1", "2")}
    with pytest.raises(ValueError, match="three"):
        list(in_processes(partial(_touch, tmp_path), [3, 3], 2))
