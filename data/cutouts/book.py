"""A folder of pictures made ready once: an index of all of them and the drawings that were kept, shrunk.

A book is a folder of two files. `index.jsonl` has one line for the settings and one for each picture found,
kept or not: its name, SHA-256, size, why it was left out, and where its drawing lies in `drawings.bin`. That
file holds the kept drawings one after the other, each a PNG of premultiplied RGBA cropped to what is drawn.
Training and validation draw from different pictures: a picture's split follows from its digest alone, so it
stays the same when others come or go.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from functools import lru_cache
from itertools import accumulate
from pathlib import Path
from typing import Literal, get_args

import cv2
import numpy as np
from numpy.typing import NDArray

from configs.errors import DataError
from data.cutouts.selection import VISIBLE, Verdict, drawn_box, find_pictures, judge_picture, read_drawing
from data.images import write_file

Split = Literal["training", "validation"]

BOOK_VERSION = 1
"""Raised whenever the same pictures give another book."""
INDEX, DRAWINGS = "index.jsonl", "drawings.bin"
VALIDATION_PERCENT = 10
"""Of a hundred pictures, about how many are held back for validation."""
SIDE = 384
"""Longest side of a kept drawing in pixels; 256 is enough for frames of 256, and takes half the space."""
DECODED = 256
"""Drawings kept decoded by a process: 600 kB each at most, at 384 pixels."""
THREADS = 2
"""Reading and decoding release the interpreter lock."""


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
        """Where the pictures are from and on what terms, as `make_book` was told."""
        self.digest = digest
        """SHA-256 of the index and of the drawings: the same digest, the same scenes."""
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
                f"split: none of the {len(self.drawings)} drawings is of {split}; expected at least one; "
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


def make_book(folder: Path, book: Path, *, side: int = SIDE, source: str = "") -> Book:
    """Look through a folder of pictures, keep the drawings that serve as cut-outs, and write the book.

    Parameters
    ----------
    folder
        Searched for `.png` files, folders below it included.
    book
        Folder to write to, made where it is not there. An older book is replaced.
    side
        Drawings larger than this many pixels are shrunk to it, from 48 on.
    source
        Where the pictures are from and on what terms they may be used; kept for the record.

    Returns
    -------
    Book
        As `open_book` reads it.

    Raises
    ------
    configs.errors.DataError
        The folder is missing, holds no PNG or none that serves, or the book cannot be written.

    Notes
    -----
    Damaged pictures are left out with a note. Of files with the same content the first by name is kept.
    """
    if side < 48:
        raise DataError(f"side: found {side}, expected 48 pixels or more; choose a larger one")
    paths = find_pictures(folder)
    with ThreadPoolExecutor(THREADS) as pool:
        verdicts = _without_copies(pool.map(lambda path: judge_picture(folder, path), paths))
        kept = [verdict for verdict in verdicts if verdict.kept]
        if not kept:
            example = f"{verdicts[0].name}: {verdicts[0].why_not}"
            raise DataError(
                f"{folder}: none of {len(paths)} pictures serves as a cut-out (for instance {example}); "
                "expected drawings with a transparent surround; choose another folder"
            )
        packed = list(pool.map(lambda verdict: _packed(folder / verdict.name, side), kept))
    starts = dict(zip((v.name for v in kept), accumulate(map(len, packed), initial=0), strict=False))
    lengths = dict(zip((v.name for v in kept), map(len, packed), strict=True))
    content = b"".join(packed)
    lines: list[dict[str, object]] = [
        {
            "version": BOOK_VERSION,
            "side": side,
            "source": source,
            "drawings": hashlib.sha256(content).hexdigest(),
        }
    ]
    for verdict in verdicts:
        size = list(verdict.size) if verdict.size else None
        line: dict[str, object] = {"name": verdict.name, "sha256": verdict.digest, "size": size}
        line["why_not"] = verdict.why_not
        if verdict.kept:
            line["split"] = split_of(verdict.digest)
            line["start"], line["length"] = starts[verdict.name], lengths[verdict.name]
        lines.append(line)
    # The index names the digest of the drawings, so a book that was half replaced is recognised.
    write_file(book / DRAWINGS, content)
    write_file(book / INDEX, "".join(json.dumps(line) + "\n" for line in lines).encode())
    return open_book(book)


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
            f"{book}: no book of drawings ({error}); expected {INDEX} and {DRAWINGS}; {remedy}"
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
            f"{book / INDEX}: damaged ({error!r}); expected one JSON object a line; {remedy}"
        ) from None
    if version != BOOK_VERSION:
        raise DataError(f"{book / INDEX}: of version {version}, expected {BOOK_VERSION}; {remedy}")
    if hashlib.sha256(packed).hexdigest() != digest:
        raise DataError(f"{book / DRAWINGS}: not the drawings that {INDEX} describes; {remedy}")
    return Book(hashlib.sha256(index).hexdigest(), source, verdicts, drawings, packed)


def _without_copies(verdicts: Iterable[Verdict]) -> list[Verdict]:
    first: dict[str, str] = {}
    found = []
    for verdict in verdicts:
        if verdict.kept and first.setdefault(verdict.digest, verdict.name) != verdict.name:
            verdict = replace(verdict, why_not=f"a copy of {first[verdict.digest]}")
        found.append(verdict)
    return found


def _packed(path: Path, side: int) -> bytes:
    """PNG of a drawing, cropped, premultiplied and shrunk; the file keeps RGBA in that order as it is."""
    pixels = read_drawing(path)
    if pixels is None:
        raise DataError(
            f"{path}: has lost its transparency since it was chosen; leave the folder alone meanwhile"
        )
    inside = pixels[drawn_box(pixels, VISIBLE)].astype(np.float32)
    inside[..., :3] *= inside[..., 3:] / 255
    scale = min(1.0, side / max(inside.shape[:2]))
    if scale < 1:
        width, height = (max(1, round(scale * length)) for length in (inside.shape[1], inside.shape[0]))
        inside = cv2.resize(inside, (width, height), interpolation=cv2.INTER_AREA)
    done, encoded = cv2.imencode(".png", np.rint(inside).astype(np.uint8))
    if not done:
        raise DataError(f"{path}: its drawing of {inside.shape[:2]} pixels cannot be packed")
    return bytes(encoded.tobytes())
