from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from animeinterp.configs.errors import DataError
from animeinterp.data.cutouts.book import INDEX, open_book, split_of
from animeinterp.data.cutouts.book_making import make_book
from tests.drawn_cutouts import cutout, write_cutouts


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    folder = tmp_path / "pictures"
    write_cutouts(folder, 40)
    return folder


def test_index_records_every_picture_kept_or_not(folder: Path, tmp_path: Path) -> None:
    (folder / "damaged.png").write_bytes(b"no picture")
    Image.fromarray(cutout(0)).save(folder / "zz_again.png")
    book = make_book(folder, tmp_path / "book", source="drawn here, public domain")
    head, *lines = [json.loads(line) for line in (tmp_path / "book" / INDEX).read_text().splitlines()]
    assert head["side"] == 384
    assert head["source"] == open_book(tmp_path / "book").source == "drawn here, public domain"
    found = {line["name"]: line for line in lines}
    assert list(found) == sorted(found)
    assert len(found) == 42
    assert found["damaged.png"]["why_not"].startswith("damaged or unreadable: ")
    assert found["zz_again.png"]["why_not"] == "a copy of drawing_000.png"
    assert found["drawing_000.png"]["size"] == [72, 60]
    assert found["drawing_000.png"]["split"] == split_of(found["drawing_000.png"]["sha256"])
    assert len(book.drawings) == 40


def test_drawings_are_cropped_premultiplied_and_shrunk(tmp_path: Path) -> None:
    pixels = np.zeros((300, 400, 4), np.uint8)
    pixels[50:250, 100:200] = (200, 100, 50, 255)
    pixels[60:160, 110:190] = (10, 20, 240, 255)
    pixels[50:100, 100:150] = (200, 100, 50, 0)
    pixels[200:250, 100:200] = (200, 100, 50, 51)
    (tmp_path / "in").mkdir()
    Image.fromarray(pixels).save(tmp_path / "in" / "a.png")
    for side, size in ((384, (200, 100)), (50, (50, 25))):
        book = make_book(tmp_path / "in", tmp_path / "book", side=side)
        picture = book.picture(book.drawings[0])
        assert picture.shape == (*size, 4)
        assert picture.dtype == np.uint8
        assert tuple(picture[0, 0]) == (0, 0, 0, 0)
        assert tuple(picture[-1, 0]) == (40, 20, 10, 51)
        assert tuple(picture[size[0] // 2, size[1] // 2]) == (10, 20, 240, 255)
        with pytest.raises(ValueError):
            picture[0, 0] = 1


def test_a_folder_without_cutouts_is_refused(tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    Image.fromarray(cutout(0)[:20, :20]).save(tmp_path / "in" / "tiny.png")
    with pytest.raises(DataError, match=r"none of 1 pictures can serve .*tiny.png: too small: 20x20 pixels"):
        make_book(tmp_path / "in", tmp_path / "book")
    with pytest.raises(DataError, match="side: found 10"):
        make_book(tmp_path / "in", tmp_path / "book", side=10)
    with pytest.raises(DataError, match="no such folder"):
        make_book(tmp_path / "nowhere", tmp_path / "book")


def test_a_book_that_cannot_be_written_is_an_error(folder: Path, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(DataError, match="cannot be written"):
        make_book(folder, tmp_path / "file")
