from __future__ import annotations

import hashlib
from pathlib import Path

import pytest

from animeinterp.configs.errors import DataError
from animeinterp.data.cutouts.book import DRAWINGS, INDEX, VALIDATION_PERCENT, open_book, split_of
from animeinterp.data.cutouts.book_making import make_book
from tests.drawn_cutouts import write_cutouts


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    folder = tmp_path / "pictures"
    write_cutouts(folder, 40)
    return folder


def test_a_book_reads_back_the_same_and_depends_on_content_alone(folder: Path, tmp_path: Path) -> None:
    first = make_book(folder, tmp_path / "one")
    second = make_book(folder, tmp_path / "two")
    assert first.digest == second.digest == open_book(tmp_path / "one").digest
    assert first.drawings == second.drawings
    write_cutouts(folder, 1, first=99)
    assert make_book(folder, tmp_path / "two").digest != first.digest


def test_splits_hold_other_drawings_and_follow_from_the_digest(folder: Path, tmp_path: Path) -> None:
    book = make_book(folder, tmp_path / "book")
    training, validation = ({d.digest for d in book.of(split)} for split in ("training", "validation"))
    assert training.isdisjoint(validation)
    assert len(training) + len(validation) == 40
    for path in list(folder.rglob("*.png"))[:10]:
        path.unlink()
    fewer = make_book(folder, tmp_path / "fewer")
    assert {d.digest for d in fewer.of("training")} < training
    assert {d.digest for d in fewer.of("validation")} <= validation
    shares = [split_of(f"{i * 2654435761 % 2**32:08x}") for i in range(2000)].count("validation") / 20
    assert abs(shares - VALIDATION_PERCENT) < 2


def test_a_split_without_drawings_is_refused(tmp_path: Path) -> None:
    paths = write_cutouts(tmp_path / "in", 40)
    for path in paths:
        if split_of(hashlib.sha256(path.read_bytes()).hexdigest()) == "validation":
            path.unlink()
    book = make_book(tmp_path / "in", tmp_path / "book")
    with pytest.raises(DataError, match="drawings is in validation; expected at least one; add pictures"):
        book.of("validation")
    with pytest.raises(DataError, match="split: found 'test'"):
        book.of("test")  # type: ignore[arg-type]


def test_a_book_that_is_missing_damaged_or_old_is_refused(folder: Path, tmp_path: Path) -> None:
    book = tmp_path / "book"
    with pytest.raises(DataError, match="not a book of drawings"):
        open_book(book)
    make_book(folder, book)
    index = (book / INDEX).read_text()
    for damaged in ("", "{", index.replace('"sha256"', '"md5"')):
        (book / INDEX).write_text(damaged)
        with pytest.raises(DataError, match=r"index.jsonl: damaged .*make the book again"):
            open_book(book)
    (book / INDEX).write_text(index.replace('"version": 1', '"version": 0'))
    with pytest.raises(DataError, match="version 0, expected 1"):
        open_book(book)
    (book / INDEX).write_text(index)
    (book / DRAWINGS).write_bytes((book / DRAWINGS).read_bytes()[:-1])
    with pytest.raises(DataError, match="not the drawings that index.jsonl describes"):
        open_book(book)
