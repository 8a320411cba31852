from __future__ import annotations

from pathlib import Path

import pytest

from animeinterp.data.cutouts import Book, make_book, open_book
from tests.drawn_cutouts import write_cutouts


@pytest.fixture(scope="session")
def book_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A book of forty small cut-outs."""
    folder = tmp_path_factory.mktemp("cutouts")
    write_cutouts(folder / "pictures", 40)
    make_book(folder / "pictures", folder / "book")
    return folder / "book"


@pytest.fixture(scope="session")
def book(book_folder: Path) -> Book:
    return open_book(book_folder)
