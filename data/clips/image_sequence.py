"""Images as a clip: a folder, a glob or a list, at a given rate."""

from __future__ import annotations

import hashlib
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import numpy as np

from configs.errors import DataError
from configs.files import sha256_of
from data.clips.clip import Alpha, Clip, ClipFrame
from data.images import Frame, has_alpha, image_size, read_image_and_alpha

MOST_NAMED = 5  # missing numbers listed


@dataclass(frozen=True, slots=True)
class ImageFrame(ClipFrame):
    """A frame that is an image file."""

    path: Path
    """Its file."""
    _image: Frame
    _alpha: Alpha | None

    def rgb(self) -> Frame:
        """The picture over white."""
        return self._image

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

    Raises
    ------
    DataError
        Images differ in size, or none can be read.

    Notes
    -----
    An unreadable image is left out; the one before it is shown for its time as well.
    """

    def __init__(self, name: str, paths: Sequence[Path], rate: Fraction) -> None:
        self.name = name
        self.sources = tuple(paths)
        self.expected_frames = len(paths)
        self.rate = rate
        self._unreadable: dict[Path, str] = {}
        sizes: dict[Path, tuple[int, int]] = {}
        self.has_alpha = False
        for path in paths:
            try:
                sizes[path] = image_size(path)
                self.has_alpha = self.has_alpha or has_alpha(path)
            except DataError as error:
                self._unreadable[path] = str(error)
        if not sizes:
            raise DataError(
                f"{paths[0].parent}: none of {len(paths)} images can be read; the first: "
                f"{self._unreadable[paths[0]]}"
            )
        self.size = next(iter(sizes.values()))
        _check_sizes(sizes)

    @property
    def problems(self) -> tuple[str, ...]:
        """Files that could not be read, and gaps in their numbers."""
        missing = _missing_numbers(self.sources)
        return (*missing, *(f"{problem}; its frame is left out" for problem in self._unreadable.values()))

    def digest(self) -> str:
        """SHA-256 of the contents of its files, in their order, and of the rate."""
        digest = hashlib.sha256(f"{self.rate}\n".encode())
        for path in self.sources:
            try:
                digest.update(bytes.fromhex(sha256_of(path)))
            except OSError as error:
                raise DataError(f"{path}: cannot be read ({error.strerror or error})") from None
        return digest.hexdigest()

    def frames(self) -> Iterator[ImageFrame]:
        """Its readable frames."""
        held: tuple[int, Path, Frame, Alpha | None] | None = None  # until it is known how long it is shown
        first, index = 0, 0
        for position, path in enumerate(self.sources):
            read = self._read(path)
            if read is None:
                continue
            if held is None:
                first = position
            else:
                yield self._frame(index, first, held, position)
                index += 1
            held = (position, path, *read)
        if held is None:
            raise DataError(f"{self.sources[0].parent}: none of {len(self.sources)} images can be read")
        yield self._frame(index, first, held, len(self.sources))

    def _frame(
        self, index: int, first: int, held: tuple[int, Path, Frame, Alpha | None], end: int
    ) -> ImageFrame:
        position, path, image, alpha = held
        return ImageFrame(
            index, (position - first) / self.rate, (end - position) / self.rate, path, image, alpha
        )

    def _read(self, path: Path) -> tuple[Frame, Alpha | None] | None:
        try:
            image, alpha = read_image_and_alpha(path, verify=True)
        except DataError as error:
            self._unreadable[path] = str(error)
            return None
        if image.shape[:2] != self.size:
            self._unreadable[path] = f"{path}: {_of(image.shape[:2])} now, and {_of(self.size)} when opened"
            return None
        if self.has_alpha and alpha is None:
            alpha = np.full(self.size, 255, np.uint8)
        return image, alpha if self.has_alpha else None


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


def _missing_numbers(paths: Sequence[Path]) -> tuple[str, ...]:
    """A note on missing numbers, if the names differ in only one number."""
    parts = [re.fullmatch(r"(.*?)(\d+)(\D*)", path.name) for path in paths]
    found = [match for match in parts if match is not None]
    if len(found) < len(paths) or len({(match[1], match[3]) for match in found}) != 1:
        return ()
    numbers = [int(match[2]) for match in found]
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
