"""Making a book: select the usable drawings of a folder of pictures."""

from __future__ import annotations

import hashlib
import json
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from animeinterp.configs.errors import DataError
from animeinterp.data.cutouts.book import BOOK_VERSION, DRAWINGS, INDEX, Book, open_book, split_of
from animeinterp.data.cutouts.copies import look_alikes, without_copies
from animeinterp.data.cutouts.selection import VISIBLE, drawn_box, find_pictures, judge_picture, read_drawing
from animeinterp.data.images import write_file

SIDE = 384
"""Longest side of a kept drawing in pixels; 256 is enough for frames of 256, and takes half the space."""
THREADS = 2
"""Reading and decoding release the interpreter lock."""


def make_book(folder: Path, book: Path, *, side: int = SIDE, source: str = "") -> Book:
    """Select the drawings of a folder that can serve as cut-outs, and write the book.

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
    Damaged pictures are left out with a note. Of pictures with the same content, or that look the
    same, the first by name is kept. A validation picture is also left out when it looks like a training
    picture: artists draw variants.
    """
    if side < 48:
        raise DataError(f"side: found {side}, expected 48 pixels or more; choose a larger one")
    paths = find_pictures(folder)
    with ThreadPoolExecutor(THREADS) as pool:
        verdicts = without_copies(list(pool.map(lambda path: judge_picture(folder, path), paths)))
        kept = [verdict for verdict in verdicts if verdict.kept]
        packed = dict(
            zip(kept, pool.map(lambda verdict: _packed(folder / verdict.name, side), kept), strict=True)
        )
    if not packed:
        example = f"{verdicts[0].name}: {verdicts[0].why_not}"
        raise DataError(
            f"{folder}: none of {len(paths)} pictures can serve as a cut-out (for instance {example}); "
            "expected drawings with a transparent surround; choose another folder"
        )
    alike = look_alikes([(verdict, _unpacked(packed[verdict])) for verdict in kept])
    for verdict in alike:
        del packed[verdict]
    content = b"".join(packed.values())
    lines: list[dict[str, object]] = [
        {
            "version": BOOK_VERSION,
            "side": side,
            "source": source,
            "drawings": hashlib.sha256(content).hexdigest(),
        }
    ]
    start = 0
    for verdict in verdicts:
        size, why_not = list(verdict.size) if verdict.size else None, alike.get(verdict, verdict.why_not)
        line: dict[str, object] = {"name": verdict.name, "sha256": verdict.digest, "size": size}
        line["why_not"] = why_not
        if verdict in packed:
            line["split"] = split_of(verdict.digest)
            line["start"], line["length"] = start, len(packed[verdict])
            start += len(packed[verdict])
        lines.append(line)
    # The index names the digest of the drawings, so a book that was half replaced is recognised.
    write_file(book / DRAWINGS, content)
    write_file(book / INDEX, "".join(json.dumps(line) + "\n" for line in lines).encode())
    return open_book(book)


def _packed(path: Path, side: int) -> bytes:
    """PNG of a drawing, cropped, premultiplied and shrunk; the file keeps RGBA in that order as it is."""
    pixels = read_drawing(path)
    if pixels is None:
        raise DataError(
            f"{path}: has lost its transparency since it was selected; do not change the folder meanwhile"
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


def _unpacked(packed: bytes) -> NDArray[np.uint8]:
    return np.asarray(cv2.imdecode(np.frombuffer(packed, np.uint8), cv2.IMREAD_UNCHANGED), np.uint8)
