"""Selection of cut-outs: drawings with a transparent surround, of a useful size and shape.

Measured on Openclipart 0.18: flags, icons, arrows, gradients and patterns are recognised by the names of
their files and folders, everything else by the pixels, which are checked last because that takes longest.
"""

from __future__ import annotations

import hashlib
import re
import warnings
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from animeinterp.configs.errors import DataError
from animeinterp.data.images import has_alpha, image_size, read_rgba

PICTURE_SUFFIX = ".png"

WORDS = """
flag flags icon icons arrow arrows gradient gradients pattern patterns logo logos button buttons mimetypes
theme roadsigns semaphore led aiga star stars card cards flowchart callouts jigsaw silhouette stickmen barcode
background texture duplicates
"""
UNWANTED_WORDS = frozenset(WORDS.split())
"""Pictures with one of these words in their path, below the folder given, are no characters or things."""

LEAST_SIDE = 48
"""Pixels; what is drawn must be at least this wide and high."""
LARGEST_SIDE = 6000
"""Pixels; larger files take seconds to read and show no more at the size of a frame."""
GREATEST_ELONGATION = 5.0
"""Longer side of the drawing over its shorter one."""
LEAST_FILL, GREATEST_FILL = 0.1, 0.97
"""Share of the drawing's box that is opaque: below it is hardly there, above it is a rectangle."""
TRANSLUCENT = (26, 230)
"""Range of an alpha that lets things below shine through, the upper end not included."""
MOST_TRANSLUCENT = 0.5
"""Translucent pixels over solid ones: in a drawing of glass, pixels belong to two motions."""
LARGEST_TONE = 0.97
"""A drawing with more than this share in one tone (of 16 levels a channel) has nothing to follow inside."""
SOLID = 128
"""Alpha from which a pixel belongs to the drawing, of 255."""
VISIBLE = 8
"""Alpha from which a soft shadow can be seen; the drawing is cropped to it."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """The facts of one file."""

    name: str
    """Path below the folder, with slashes."""
    digest: str
    """SHA-256 of the file; empty when it cannot be read."""
    size: tuple[int, int] | None
    """Height and width in pixels; None when the header cannot be read."""
    why_not: str
    """Empty when the picture is kept, otherwise why it is left out."""

    @property
    def kept(self) -> bool:
        """Whether the picture can serve as a cut-out."""
        return not self.why_not


def find_pictures(folder: Path) -> list[Path]:
    """PNG files of a folder and of those below it, in the order of their names.

    Raises
    ------
    configs.errors.DataError
        The folder is missing or holds none.
    """
    if not folder.is_dir():
        raise DataError(f"{folder}: no such folder; expected a folder of RGBA pictures; check the path")
    paths = sorted(p for p in folder.rglob("*") if p.suffix.lower() == PICTURE_SUFFIX and p.is_file())
    if not paths:
        raise DataError(
            f"{folder}: found no {PICTURE_SUFFIX} files; expected RGBA pictures there or in folders below; "
            "choose another folder"
        )
    return paths


def judge_picture(folder: Path, path: Path) -> Verdict:
    """Decide whether a picture can serve as a cut-out; a damaged one cannot, which is not an error.

    Parameters
    ----------
    folder
        Folder of pictures.
    path
        A file below it. Only the part of its path below `folder` is searched for unwanted words.
    """
    name = path.relative_to(folder).as_posix()
    try:
        content = path.read_bytes()
    except OSError as error:
        return Verdict(name, "", None, f"cannot be read ({error.strerror})")
    digest = hashlib.sha256(content).hexdigest()
    size: tuple[int, int] | None = None
    try:
        size = image_size(path)
        reason = _reason_by_header(name, path, size)
        if not reason:
            pixels = read_drawing(path)
            reason = "no transparency" if pixels is None else reason_by_pixels(pixels)
    except DataError as error:
        reason = "damaged or unreadable: " + str(error).removeprefix(f"{path}: ")
    return Verdict(name, digest, size, reason)


def read_drawing(path: Path) -> NDArray[np.uint8] | None:
    """Read a picture strictly, as RGBA uint8 `(H, W, 4)`, not premultiplied; None without transparency.

    Raises
    ------
    configs.errors.DataError
        The file is missing, damaged or truncated.
    """
    try:
        # A truncated file is filled up silently by OpenCV; Pillow refuses it.
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", Image.DecompressionBombWarning)
            with Image.open(path) as image:
                image.load()
                if image.mode == "RGBA":
                    return np.array(image)
                if image.mode in ("LA", "PA", "P") and has_alpha(path):
                    return np.array(image.convert("RGBA"))
    except (OSError, SyntaxError, ValueError) as error:
        raise DataError(f"{path}: damaged image ({error}); replace the file") from None
    return read_rgba(path)


def reason_by_pixels(pixels: NDArray[np.uint8]) -> str:
    """Why a picture cannot be a cut-out, judging by its pixels; empty if it can.

    Parameters
    ----------
    pixels
        RGBA `(H, W, 4)`.
    """
    rows, columns = drawn_box(pixels)
    height, width = rows.stop - rows.start, columns.stop - columns.start
    if min(height, width) == 0:
        return "wholly transparent"
    if min(height, width) < LEAST_SIDE:
        return f"too small: drawn on {height}x{width} pixels, expected {LEAST_SIDE} or more"
    if max(height, width) > GREATEST_ELONGATION * min(height, width):
        return f"too elongated: drawn on {height}x{width} pixels"
    inside = pixels[rows, columns]
    solid = inside[..., 3] >= SOLID
    fill = float(solid.mean())
    if fill < LEAST_FILL:
        return f"nearly transparent: {100 * fill:.0f} % of its box is opaque"
    if fill > GREATEST_FILL:
        return f"a filled rectangle: {100 * fill:.0f} % of its box is opaque"
    translucent = (inside[..., 3] >= TRANSLUCENT[0]) & (inside[..., 3] < TRANSLUCENT[1])
    if translucent.sum() > MOST_TRANSLUCENT * solid.sum():
        return "mostly translucent"
    tones = (inside[solid][:, :3] >> 4).astype(np.int32) @ np.array([256, 16, 1], np.int32)
    if np.bincount(tones).max() > LARGEST_TONE * len(tones):
        return "of one tone"
    return ""


def drawn_box(pixels: NDArray[np.uint8], least: int = SOLID) -> tuple[slice, slice]:
    """Rows and columns of an RGBA picture with an alpha of at least `least`; empty slices without any."""
    solid = pixels[..., 3] >= least
    rows, columns = np.flatnonzero(solid.any(axis=1)), np.flatnonzero(solid.any(axis=0))
    if not len(rows):
        return slice(0, 0), slice(0, 0)
    return slice(int(rows[0]), int(rows[-1]) + 1), slice(int(columns[0]), int(columns[-1]) + 1)


def _reason_by_header(name: str, path: Path, size: tuple[int, int]) -> str:
    unwanted = sorted(UNWANTED_WORDS.intersection(re.split(r"[^a-z]+", name.lower())))
    if unwanted:
        return f"its name contains {unwanted[0]}"
    if min(size) < LEAST_SIDE:
        return f"too small: {size[0]}x{size[1]} pixels, expected {LEAST_SIDE} or more"
    if max(size) > LARGEST_SIDE:
        return f"too large: {size[0]}x{size[1]} pixels, expected {LARGEST_SIDE} or fewer"
    return "" if has_alpha(path) else "no transparency"
