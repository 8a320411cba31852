from __future__ import annotations

import errno
import os
from pathlib import Path

import pytest

from animeinterp.configs.errors import DataError
from animeinterp.pipeline.clips.output_files import cannot_write, check_folder, prepare_place, unfinished
from tests.users import without_privileges


def test_what_is_written_is_hidden_beside_its_place(tmp_path: Path) -> None:
    hidden = unfinished(tmp_path / "out.mp4")
    assert hidden.parent == tmp_path
    assert hidden.name.startswith(".out.mp4-")


def test_what_writers_that_died_have_left_goes(tmp_path: Path) -> None:
    path = tmp_path / "new" / "out [1].mp4"
    prepare_place(path)
    alive, dead = unfinished(path), unfinished(path)
    dead = dead.with_name(
        dead.name.replace(f"-{os.getpid()}-", f"-{2**22 + 1}-")
    )  # no process has that number
    other = dead.with_name(dead.name.replace("out [1]", "out 1"))
    for name in (alive, dead, other):
        name.touch()
    prepare_place(path)
    assert sorted(path.parent.iterdir()) == sorted([alive, other])


def test_a_full_disk_is_told_with_what_is_free(tmp_path: Path) -> None:
    error = OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
    said = str(cannot_write(tmp_path / "out.mp4", error))
    assert said.startswith(f"{tmp_path / 'out.mp4'}: cannot be written (No space left on device; ")
    assert "GB free); make room or name another output" in said
    assert "free" not in str(cannot_write(tmp_path / "gone" / "out.mp4", error))


def test_folders_are_looked_for_upwards(tmp_path: Path) -> None:
    check_folder(tmp_path / "new" / "newer" / "out.mp4")
    assert not (tmp_path / "new").exists()
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(DataError, match="file is a file, not a folder"):
        check_folder(tmp_path / "file" / "new" / "out.mp4")


def test_folders_that_may_not_be_written_are_refused(tmp_path: Path) -> None:
    (tmp_path / "locked").mkdir(mode=0o500)
    with pytest.raises(DataError, match="cannot be written"):
        without_privileges(lambda: check_folder(tmp_path / "locked" / "out.mp4"))
