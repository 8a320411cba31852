from __future__ import annotations

import os
import platform
import shutil
from pathlib import Path

import pytest

from animeinterp.pipeline.store.commits import (
    HIDDEN_WIP_PREFIX,
    WIP_PREFIX,
    commit_folder,
    restore_replaced,
    sweep_unfinished,
    sync_tree,
    unfinished_folder,
)


def fill(folder: Path, text: str) -> Path:
    folder.mkdir()
    (folder / "file").write_text(text)
    return folder


def test_a_folder_appears_whole_and_replaces_an_earlier_one(tmp_path: Path) -> None:
    final = tmp_path / "final"
    for text in ("one", "two"):
        commit_folder(fill(unfinished_folder(final), text), final)
        assert (final / "file").read_text() == text
        assert [path.name for path in tmp_path.iterdir()] == ["final"]
    final.joinpath("file").unlink()
    commit_folder(fill(unfinished_folder(final), "three"), final)  # over an empty one too
    assert (final / "file").read_text() == "three"


def test_another_writer_at_the_same_point_does_no_harm(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    final, unfinished = fill(tmp_path / "final", "old"), fill(tmp_path / "wip-one", "mine")
    rename = Path.rename

    def overtaken(path: Path, target: Path) -> Path:
        if path == final:  # the other one has moved it aside already
            rename(final, tmp_path / "wip-other-replaced")
        return rename(path, target)

    monkeypatch.setattr(Path, "rename", overtaken)
    commit_folder(unfinished, final)
    assert (final / "file").read_text() == "mine"


def test_what_is_half_deleted_is_never_restored(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    final, unfinished = fill(tmp_path / "final", "old"), fill(tmp_path / "wip-one", "mine")

    def killed(folder: Path, **_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(shutil, "rmtree", killed)
    with pytest.raises(KeyboardInterrupt):
        commit_folder(unfinished, final)
    final.rename(tmp_path / "elsewhere")  # another writer is replacing it
    restore_replaced(tmp_path)
    assert not final.exists()


def test_a_file_is_never_replaced(tmp_path: Path) -> None:
    (tmp_path / "final").write_text("not ours")
    with pytest.raises(NotADirectoryError):
        commit_folder(fill(tmp_path / "wip-one", "mine"), tmp_path / "final")
    assert (tmp_path / "final").read_text() == "not ours"


def test_bytes_are_counted(tmp_path: Path) -> None:
    fill(fill(tmp_path / "outer", "123") / "inner", "4567")
    assert sync_tree(tmp_path / "outer") == 7


@pytest.mark.parametrize("prefix", [WIP_PREFIX, HIDDEN_WIP_PREFIX])
def test_only_orphans_are_swept(tmp_path: Path, prefix: str) -> None:
    dead = tmp_path / f"{prefix}{platform.node()}-999999999-abcdef012345"
    half_replaced = tmp_path / f"{prefix}{platform.node()}-999999999-abcdef012345-replaced-a-finished-one"
    mine = unfinished_folder(tmp_path / "final", prefix)
    elsewhere = tmp_path / f"{prefix}other-machine-1-abcdef012345"
    forgotten = tmp_path / f"{prefix}other-machine-2-abcdef012345"
    final = tmp_path / "a-finished-one"
    somebodys = tmp_path / f"{prefix}of-somebody-1"
    for folder in (dead, half_replaced, mine, elsewhere, forgotten, final, somebodys):
        folder.mkdir()
    for folder in (forgotten, somebodys):
        os.utime(folder, (0, 0))
    # A single file that was being written, as `replace_file` names it.
    (tmp_path / f"{HIDDEN_WIP_PREFIX}{platform.node()}-999999999-fedcba543210").write_text("half")
    assert sweep_unfinished(tmp_path, prefix) == 4
    kept = sorted(path.name for path in (mine, elsewhere, final, somebodys))
    assert sorted(path.name for path in tmp_path.iterdir()) == kept


@pytest.mark.parametrize("name", ["x" * 255, "a-replaced-", "-replaced-b", "new\nline", "\udc83" * 255])
def test_any_name_is_replaced_and_restored(tmp_path: Path, name: str) -> None:
    final = tmp_path / name
    for text in ("one", "two"):
        commit_folder(fill(unfinished_folder(final, HIDDEN_WIP_PREFIX), text), final)
        assert (final / "file").read_text() == text
        assert [path.name for path in tmp_path.iterdir()] == [name]

    dead = f"{HIDDEN_WIP_PREFIX}{platform.node()}-999999999-abcdef012345-replaced-"
    aside = tmp_path / f"{dead}{name}" if len(os.fsencode(dead + name)) <= 255 else tmp_path / dead / name
    aside.parent.mkdir(exist_ok=True)
    final.rename(aside)  # its writer died before the new one was there
    sweep_unfinished(tmp_path, HIDDEN_WIP_PREFIX)
    assert (final / "file").read_text() == "two"
    assert [path.name for path in tmp_path.iterdir()] == [name]
