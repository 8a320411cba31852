from __future__ import annotations

import hashlib
import os
from pathlib import Path

import pytest

from animeinterp.configs.files import replace_file, sha256_of


@pytest.mark.parametrize("flush", [False, True])
def test_a_file_is_replaced_whole_in_a_folder_made_for_it(tmp_path: Path, flush: bool) -> None:
    path = tmp_path / "new" / "file"
    for content in (b"one", b"two"):
        replace_file(path, content, flush=flush)
        assert path.read_bytes() == content
    assert [found.name for found in path.parent.iterdir()] == ["file"]
    assert sha256_of(path) == hashlib.sha256(b"two").hexdigest()


@pytest.mark.parametrize("failing", ["write", "fsync"])
def test_a_failed_write_leaves_the_file_as_it_was(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, failing: str
) -> None:
    path = tmp_path / "file"
    replace_file(path, b"old")

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises((OSError, TypeError)):
        replace_file(path, b"new" if failing == "fsync" else "no bytes", flush=True)  # type: ignore[arg-type]
    assert path.read_bytes() == b"old"
    assert [found.name for found in tmp_path.iterdir()] == ["file"]


def test_a_name_of_255_bytes_is_replaced(tmp_path: Path) -> None:
    path = tmp_path / ("x" * 255)
    replace_file(path, b"content")
    assert path.read_bytes() == b"content"
