"""A book: an index of a folder of pictures, and the drawings that were kept, scaled down.

A book is a folder of two files. `index.jsonl` has one line for the settings and one for each picture found,
kept or not: its name, SHA-256, size, why it was left out, and where its drawing lies in `drawings.bin`. That
file holds the kept drawings one after the other, each a PNG of premultiplied RGBA cropped to what is drawn.
Training and validation draw from different pictures: a picture's split follows from its digest alone, so it
stays the same when others come or go. A validation picture that looks like a training picture is left out.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Literal, get_args

import cv2
import numpy as np
from numpy.typing import NDArray

from animeinterp.configs.errors import DataError
from animeinterp.data.cutouts.selection import Verdict

Split = Literal["training", "validation"]

BOOK_VERSION = 1
"""Increased whenever the same pictures give another book."""
INDEX, DRAWINGS = "index.jsonl", "drawings.bin"
VALIDATION_PERCENT = 10
"""Of a hundred pictures, about how many are held back for validation."""
DECODED = 256
"""Drawings kept decoded by a process: 600 kB each at most, at 384 pixels."""


@dataclass(frozen=True, slots=True)
class Drawing:
    """A kept picture."""

    name: str
    """Path below the folder it came from."""
    digest: str
    """SHA-256 of that file."""
    start: int
    """First byte in `drawings.bin`."""
    length: int
    """Bytes."""


def split_of(digest: str) -> Split:
    """The split of a picture, by its SHA-256 alone."""
    return "validation" if int(digest[:8], 16) % 100 < VALIDATION_PERCENT else "training"


class Book:
    """Drawings of a folder that were kept, read by `open_book`."""

    def __init__(
        self,
        digest: str,
        source: str,
        verdicts: Sequence[Verdict],
        drawings: Sequence[Drawing],
        packed: bytes,
    ) -> None:
        self.source = source
        """Source and licence of the pictures, as given to `make_book`."""
        self.digest = digest
        """SHA-256 of the index and the drawings: the same digest gives the same scenes."""
        self.verdicts = tuple(verdicts)
        """Every picture found, in the order of their names."""
        self.drawings = tuple(drawings)
        self._packed = packed
        self._of = {
            split: tuple(drawing for drawing in drawings if split_of(drawing.digest) == split)
            for split in get_args(Split)
        }
        self._decode = lru_cache(DECODED)(self._decoded)

    def of(self, split: Split) -> tuple[Drawing, ...]:
        """Drawings of a split.

        Raises
        ------
        configs.errors.DataError
            There is no such split, or no drawing in it.
        """
        if split not in self._of:
            raise DataError(f"split: found {split!r}, expected one of {get_args(Split)}; choose one of them")
        chosen = self._of[split]
        if not chosen:
            raise DataError(
                f"split: none of the {len(self.drawings)} drawings is in {split}; expected at least one; "
                "add pictures (one of ten, by its digest, is held back for validation)"
            )
        return chosen

    def picture(self, drawing: Drawing) -> NDArray[np.uint8]:
        """Premultiplied RGBA, uint8 `(h, w, 4)`, read-only."""
        return self._decode(drawing)

    def _decoded(self, drawing: Drawing) -> NDArray[np.uint8]:
        encoded = np.frombuffer(self._packed, np.uint8, drawing.length, drawing.start)
        pixels = np.asarray(cv2.imdecode(encoded, cv2.IMREAD_UNCHANGED), np.uint8)
        pixels.setflags(write=False)
        return pixels


def open_book(book: Path) -> Book:
    """Read a book that `make_book` has written.

    Raises
    ------
    configs.errors.DataError
        A file of it is missing, damaged or of another version.
    """
    remedy = "make the book again"
    try:
        index, packed = (book / INDEX).read_bytes(), (book / DRAWINGS).read_bytes()
    except OSError as error:
        raise DataError(
            f"{book}: not a book of drawings ({error}); expected {INDEX} and {DRAWINGS}; {remedy}"
        ) from None
    verdicts, drawings = [], []
    try:
        head, *lines = [json.loads(line) for line in index.splitlines()]
        version, digest, source = head["version"], head["drawings"], str(head["source"])
        for line in lines:
            size = tuple(line["size"]) if line["size"] else None
            verdicts.append(Verdict(line["name"], line["sha256"], size, line["why_not"]))
            if verdicts[-1].kept:
                drawings.append(Drawing(line["name"], line["sha256"], line["start"], line["length"]))
    except (ValueError, KeyError, TypeError) as error:
        raise DataError(
            f"{book / INDEX}: damaged ({error!r}); expected one JSON object per line; {remedy}"
        ) from None
    if version != BOOK_VERSION:
        raise DataError(f"{book / INDEX}: version {version}, expected {BOOK_VERSION}; {remedy}")
    if hashlib.sha256(packed).hexdigest() != digest:
        raise DataError(f"{book / DRAWINGS}: not the drawings that {INDEX} describes; {remedy}")
    return Book(hashlib.sha256(index).hexdigest(), source, verdicts, drawings, packed)
