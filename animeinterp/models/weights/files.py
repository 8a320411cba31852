"""Weights files as they lie on disk: their digest, their format, and what they say of themselves.

Safetensors files that were written here say in their header which variant they hold. Torch is not needed for
any of this.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal, NamedTuple, get_args

from safetensors import SafetensorError

from animeinterp.configs.errors import WeightsError
from animeinterp.configs.files import sha256_of
from animeinterp.configs.weights_header import read_metadata
from animeinterp.models.weights.records import VariantName, record_of

Format = Literal["safetensors", "PyTorch"]
VERSION = 1
"""Of the header."""


class Wanted(NamedTuple):
    """What a reader says when it gets something else."""

    file: str
    """The file it expects."""
    advice: str
    """What to do."""


ANY_FILE = Wanted("a weights file", "Check the path.")


def file_digest(path: Path) -> str:
    """SHA-256 of a file, in hexadecimal.

    Raises
    ------
    WeightsError
        The file is absent or cannot be read.
    """
    check_file(path, ANY_FILE)
    try:
        return sha256_of(path)
    except OSError as error:
        raise unreadable(path, error) from None


def stated_variant(path: Path, digest: str | None = None) -> VariantName | None:
    """The variant that a file is known to hold: by its own header, or by its digest. None = not known.

    Raises
    ------
    WeightsError
        No readable file, or a header of a later version or with an unknown variant.
    """
    header = read_header(path)
    if header:
        name = header.get("variant", "")
        if name and name not in get_args(VariantName):
            raise WeightsError(
                f"{path}: is of variant {name!r}, expected {' or '.join(get_args(VariantName))}; "
                "it was written by a later version of animeinterp, or changed"
            )
        return name or None
    record = record_of(digest or file_digest(path))
    return None if record is None else record.variant


def read_header(path: Path) -> Mapping[str, Any]:
    """The metadata of a file written here; empty for all others.

    Raises
    ------
    WeightsError
        No readable file, or a header of a later version.
    """
    check_file(path, ANY_FILE)
    if format_of(path) != "safetensors":
        return {}
    try:
        header = read_metadata(path)
    except (SafetensorError, OSError, ValueError, TypeError) as error:
        raise damaged(path, error, ANY_FILE) from None
    if header and header.get("version") != VERSION:
        raise WeightsError(
            f"{path}: has a header of version {header.get('version')!r}, expected {VERSION}; "
            "update animeinterp, or convert the file anew"
        )
    return header


def format_of(path: Path) -> Format:
    """Format of a file by its first bytes; anything but safetensors is left to PyTorch."""
    try:
        with path.open("rb") as file:
            start = file.read(9)
    except OSError as error:
        raise unreadable(path, error) from None
    length = int.from_bytes(start[:8], "little")  # of the header, which is JSON
    return "safetensors" if start[8:] == b"{" and 0 < length < path.stat().st_size else "PyTorch"


def check_file(path: Path, wanted: Wanted) -> None:
    """Refuse missing and empty files."""
    if path.is_dir():
        raise WeightsError(f"{path}: is a folder, expected {wanted.file}. {wanted.advice}")
    if not path.is_file():
        raise WeightsError(f"{path}: not found, expected {wanted.file}. {wanted.advice}")
    if path.stat().st_size == 0:
        raise WeightsError(f"{path}: is empty, expected {wanted.file}. {wanted.advice}")


def unreadable(path: Path, error: OSError) -> WeightsError:
    """The error for a file that cannot be read."""
    return WeightsError(f"{path}: cannot be read ({error.strerror or error})")


def damaged(path: Path, error: Exception, wanted: Wanted) -> WeightsError:
    """The error for a damaged file."""
    return WeightsError(
        f"{path}: not a PyTorch weights file, or damaged ({type(error).__name__}); expected "
        f"{wanted.file}. Check its size and digest, or download it again. {wanted.advice}"
    )
