"""Images as a clip: a folder, a glob or a list, at a given rate."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from itertools import pairwise
from pathlib import Path

from animeinterp.configs.errors import DataError
from animeinterp.configs.files import sha256_of
from animeinterp.data.clips.clip import Alpha, Clip, ClipFrame
from animeinterp.data.image_decoding import READING, ImageHeader, read_header
from animeinterp.data.images import (
    DeepFrame,
    Frame,
    LinearFrame,
    opaque,
    read_deep,
    read_image_and_alpha,
    read_linear_frame,
)
from animeinterp.data.name_patterns import frame_numbers

MOST_NAMED = 5  # missing numbers listed


@dataclass(frozen=True, slots=True)
class ImageFrame(ClipFrame):
    """A frame that is an image file."""

    path: Path | None
    """The file that shows it as it is; None where it has to be turned upright, or others are deeper."""
    _image: Frame
    _alpha: Alpha | None
    _file: Path

    def rgb(self) -> Frame:
        """The picture over white."""
        return self._image

    def deep(self) -> DeepFrame:
        """The picture over white, with 16 bits a channel."""
        return read_deep(self._file)

    def linear(self) -> LinearFrame:
        """The picture over white in scene-linear values."""
        return read_linear_frame(self._file)

    def alpha(self) -> Alpha | None:
        """Its transparency."""
        return self._alpha


class ImageClip(Clip):
    """Images of one size, in the order given.

    Parameters
    ----------
    name
        Name of the clip.
    paths
        The images; at least two.
    rate
        Frames a second.
    notes
        What was decided about them that nobody has asked for.

    Raises
    ------
    DataError
        Images differ in size, or none can be read.

    Notes
    -----
    An unreadable image keeps its number: the frame before stands in for it, and the first readable one for
    those before that.
    """

    def __init__(self, name: str, paths: Sequence[Path], rate: Fraction, notes: tuple[str, ...] = ()) -> None:
        self.name, self.notes = name, notes
        self.sources = tuple(paths)
        self.expected_frames = len(paths)
        self.rate = rate
        numbers = frame_numbers(paths)
        step = _step(numbers)
        self.numbering = (numbers[0], step) if step else None
        self._unreadable: dict[Path, str] = {}
        self._headers: dict[Path, ImageHeader] = {}
        for path in paths:
            try:
                self._headers[path] = read_header(path)
            except DataError as error:
                self._unreadable[path] = str(error)
        self.notes += _foreign_colours(self._headers)
        sizes = {path: header.size for path, header in self._headers.items()}
        if sizes:
            _check_sizes(sizes)
            self.size = next(iter(sizes.values()))
        self.bits = max((header.bits for header in self._headers.values()), default=8)
        self.has_alpha = any(header.has_alpha for header in self._headers.values())
        first = next((number for number, path in enumerate(paths) if self._read(path) is not None), None)
        if first is None:
            raise DataError(
                f"{paths[0].parent}: none of {len(paths)} images can be read; the first: "
                f"{self._unreadable[paths[0]]}"
            )
        self.leading = first
        self.files = (paths[first],) * first + self.sources[first:]

    @property
    def problems(self) -> tuple[str, ...]:
        """Gaps in the numbers of its files, files turned upright, and damage."""
        return _missing_numbers(self.sources) + _turned(self._headers) + self.damage

    @property
    def damage(self) -> tuple[str, ...]:
        """Files that could not be read."""
        found = (self._unreadable.get(path) for path in self.sources)
        return tuple(f"{why} (the frame before stands in for it)" for why in found if why is not None)

    def digest(self) -> str:
        """SHA-256 of the contents of its files, in their order, and of the rate."""
        digest = hashlib.sha256(f"{self.rate}\n".encode())
        for path in self.sources:
            try:
                digest.update(bytes.fromhex(sha256_of(path)))
            except OSError as error:
                raise DataError(f"{path}: cannot be read ({error.strerror or error})") from None
            if path in self._headers and not self._headers[path].read_as_ever:
                digest.update(READING)
        return digest.hexdigest()

    def frames(self) -> Iterator[ImageFrame]:
        """Its frames, one per file."""
        shown: tuple[Path, Frame, Alpha | None] | None = None
        for index, path in enumerate(self.files):
            read = self._read(path)
            if read is not None:
                shown = (path, *read)
            if shown is None:
                raise DataError(f"{self._unreadable[path]} (it could be read when the clip was opened)")
            yield self._frame(index, *shown)

    def _frame(self, index: int, path: Path, image: Frame, alpha: Alpha | None) -> ImageFrame:
        header = self._headers[path]
        kept = path if header.orientation == 1 and header.bits == self.bits else None
        return ImageFrame(index, index / self.rate, 1 / self.rate, kept, image, alpha, path)

    def _read(self, path: Path) -> tuple[Frame, Alpha | None] | None:
        if path not in self._headers:
            return None
        try:
            image, alpha = read_image_and_alpha(path)
        except DataError as error:
            self._unreadable[path] = str(error)
            return None
        if image.shape[:2] != self.size:
            self._unreadable[path] = f"{path}: {_of(image.shape[:2])} now, and {_of(self.size)} when opened"
            return None
        if self.has_alpha and alpha is None:
            alpha = opaque(self.size)
        return image, alpha if self.has_alpha else None


def _turned(headers: dict[Path, ImageHeader]) -> tuple[str, ...]:
    """What to say of images that are turned upright."""
    found = [path for path, header in headers.items() if header.orientation != 1]
    if not found:
        return ()
    more = f" and {len(found) - 1} more" if len(found) > 1 else ""
    return (f"{found[0]}{more}: turned upright as EXIF asks, and written so, without the tag",)


def _foreign_colours(headers: dict[Path, ImageHeader]) -> tuple[str, ...]:
    """What to say of colours that are not those of sRGB."""
    found = [path for path, header in headers.items() if header.colours]
    if not found:
        return ()
    more = f" and {len(found) - 1} more" if len(found) > 1 else ""
    return (
        f"{found[0]}{more}: colours of {headers[found[0]].colours!r} are read as sRGB, and frames drawn are "
        "written so: they may look different beside copied originals; convert the images to sRGB first",
    )


def _check_sizes(sizes: dict[Path, tuple[int, int]]) -> None:
    kinds = Counter(sizes.values())
    if len(kinds) == 1:
        return
    usual, count = kinds.most_common(1)[0]
    path, size = next((path, size) for path, size in sizes.items() if size != usual)
    others = len(sizes) - count - 1
    more = f" (and {others} more differ)" if others else ""
    raise DataError(
        f"{path}: {_of(size)} pixels, but {count} of {len(sizes)} images are {_of(usual)}{more}; "
        "a clip's images are all of one size: scale or remove those that differ"
    )


def _of(size: Sequence[int]) -> str:
    return f"{size[1]}x{size[0]}"


def _step(numbers: Sequence[int]) -> int:
    """By how much each number is larger than the one before; 0 if not always by the same."""
    steps = {after - before for before, after in pairwise(numbers)}
    return max(0, steps.pop()) if len(steps) == 1 else 0


def _missing_numbers(paths: Sequence[Path]) -> tuple[str, ...]:
    """A note on missing numbers, if the names differ in only one number."""
    numbers = frame_numbers(paths)
    if not numbers or _step(numbers):
        return ()
    there = set(numbers)
    absent = max(numbers) - min(numbers) + 1 - len(there)
    if absent <= 0:
        return ()
    named: list[str] = []
    for number in sorted(there)[:-1]:
        after = number + 1
        while after not in there and len(named) < MOST_NAMED:
            named.append(str(after))
            after += 1
    listed = ", ".join(named) + (", ..." if absent > len(named) else "")
    return (
        f"{paths[0].parent}: {absent} of the numbers {min(numbers)} to {max(numbers)} missing ({listed}); "
        "frames are used in order, without gaps",
    )
