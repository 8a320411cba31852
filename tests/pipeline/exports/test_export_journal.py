from __future__ import annotations

from pathlib import Path

import pytest

from animeinterp.configs.errors import CacheError
from animeinterp.pipeline.exports.export_journal import ExportRecord, file_states, foreign_content


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """An exported folder of two files."""
    found = tmp_path / "out" / "a"
    found.mkdir(parents=True)
    for name in ("x", "y"):
        (found / name).write_text(name)
    return found


def opened(tmp_path: Path) -> ExportRecord:
    return ExportRecord(tmp_path / "cache", tmp_path / "out")


def finish(tmp_path: Path, folder: Path) -> None:
    opened(tmp_path).finish("a", "source", file_states(folder, ("x", "y")))


def test_a_folder_is_current_until_source_or_files_change(tmp_path: Path, folder: Path) -> None:
    assert not opened(tmp_path).is_current("a", "source")
    finish(tmp_path, folder)
    assert opened(tmp_path).is_current("a", "source")
    assert not opened(tmp_path).is_current("a", "other")
    assert not opened(tmp_path).is_current("b", "source")
    (folder / "x").write_text("longer")
    assert not opened(tmp_path).is_current("a", "source")
    finish(tmp_path, folder)
    assert opened(tmp_path).is_current("a", "source")
    (folder / "y").unlink()
    assert not opened(tmp_path).is_current("a", "source")


def test_folders_that_were_exported_are_ours(tmp_path: Path, folder: Path) -> None:
    finish(tmp_path, folder)
    record = opened(tmp_path)
    assert record.owns("a")
    assert not record.owns("b")
    record.finish("b", "source", {})
    for seen in (record, opened(tmp_path)):
        assert seen.owns("a")
        assert seen.owns("b")


def test_records_of_the_first_version_are_read(tmp_path: Path, folder: Path) -> None:
    finish(tmp_path, folder)
    (path,) = (tmp_path / "cache" / "exports").iterdir()
    first, last = path.read_text().splitlines()
    path.write_text(f'{first}\n{{"id": "a"}}\n{last}\n{{"id": "b"}}\n')
    record = opened(tmp_path)
    assert record.is_current("a", "source")
    assert record.owns("b")
    assert not record.is_current("b", "source")
    record.finish("c", "source", {})
    assert opened(tmp_path).owns("c")


@pytest.mark.parametrize("torn", ['{"id": "b", "sou', "\0\0", "[]", '{"id": "b", "source": "s", "files": 3}'])
def test_torn_lines_are_passed_over(tmp_path: Path, folder: Path, torn: str) -> None:
    finish(tmp_path, folder)
    (path,) = (tmp_path / "cache" / "exports").iterdir()
    path.write_text(f"{path.read_text()}\n{torn}")
    record = opened(tmp_path)
    assert record.is_current("a", "source")
    assert not record.owns("b")
    record.finish("c", "source", {})
    assert opened(tmp_path).owns("c")
    assert opened(tmp_path).is_current("a", "source")


def test_a_record_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    (tmp_path / "cache").write_text("in the way")
    with pytest.raises(CacheError, match="exports.*jsonl: cannot be written"):
        opened(tmp_path).finish("a", "source", {})


def test_what_else_a_folder_may_be(tmp_path: Path, folder: Path) -> None:
    assert foreign_content(folder, ("x", "y", "z")) is None
    assert foreign_content(tmp_path / "absent", ("x",)) is None
    assert foreign_content(folder, ("x",)) == "holds other files (y)"
    for number in range(4):
        (folder / f"more{number}").touch()
    assert foreign_content(folder, ("x",)) == "holds other files (more0, more1, more2, ...)"
    assert foreign_content(folder / "x", ("x",)) == "is a file"
    assert foreign_content(folder / "x" / "deeper", ("x",)) is None
    (tmp_path / "link").symlink_to(folder)
    assert foreign_content(tmp_path / "link", ("x",)) == "is a link"
