"""An animated PNG, WebP or GIF, or the pages of a TIFF, as a clip."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from fractions import Fraction
from hashlib import sha256
from pathlib import Path

import numpy as np

from animeinterp.configs.errors import DataError
from animeinterp.configs.files import sha256_of
from animeinterp.data.clips.clip import Alpha, Clip, ClipFrame
from animeinterp.data.image_decoding import (
    SEVERAL_PICTURES,
    Pixels,
    check_depth,
    has_default_picture,
    is_reduced,
    opened,
    pixels_of,
    read_header,
)
from animeinterp.data.images import Frame, laid_over_white

NO_DELAY = Fraction(1, 10)
"""Seconds that a frame without a duration is shown, as browsers do."""


@dataclass(frozen=True, slots=True)
class AnimationFrame(ClipFrame):
    """A frame of an animation, or a page."""

    _image: Frame
    _alpha: Alpha | None

    def rgb(self) -> Frame:
        """The picture over white."""
        return self._image

    def alpha(self) -> Alpha | None:
        """Its transparency."""
        return self._alpha


class AnimationClip(Clip):
    """Several pictures in one image file.

    Parameters
    ----------
    path
        An image of several pictures.
    rate
        Pages a second; animations have times of their own.

    Raises
    ------
    DataError
        Its first picture cannot be read, or its pages differ in size.

    Notes
    -----
    Pictures from the first that cannot be read on keep their numbers: the one before stands in for them.
    """

    def __init__(self, path: Path, rate: Fraction) -> None:
        self.path, self.name, self.sources = path, path.stem, (path,)
        self._damage: tuple[str, ...] = ()
        header = read_header(path)
        self._page_duration = 1 / rate if header.kind == "TIFF" else NO_DELAY
        self._durations: list[Fraction] = []
        sizes: dict[tuple[int, ...], int] = {}
        self.has_alpha = False
        try:
            for pixels, duration in self._pictures():
                self._durations.append(duration)
                sizes.setdefault(pixels.shape[:2], len(self._durations))
                self.has_alpha = self.has_alpha or _is_seen_through(pixels)
        except DataError as error:
            if not self._durations:
                raise
            self._damage = (f"{error} (the last before stands in for those from there on)",)
        self._durations += self._durations[-1:] * (header.pictures - len(self._durations))
        if len(sizes) > 1:
            (first, _), (other, page) = list(sizes.items())[:2]
            raise DataError(
                f"{path}: page {page} is {other[1]}x{other[0]} pixels and the first {first[1]}x{first[0]}; "
                "a clip's pictures are all of one size"
            )
        self.size = header.size
        self.expected_frames = len(self._durations)
        self.rate = len(self._durations) / sum(self._durations, Fraction(0))

    @property
    def problems(self) -> tuple[str, ...]:
        """Damage."""
        return self._damage

    @property
    def damage(self) -> tuple[str, ...]:
        """Pictures that could not be decoded."""
        return self._damage

    def digest(self) -> str:
        """SHA-256 of the file and of how long each picture is shown."""
        try:
            content = sha256_of(self.path)
        except OSError as error:
            raise DataError(f"{self.path}: cannot be read ({error.strerror or error})") from None
        return sha256(f"{content} {self._durations}".encode()).hexdigest()

    def frames(self) -> Iterator[AnimationFrame]:
        """Its frames, one for each picture."""
        index, start = 0, Fraction(0)
        shown: tuple[Frame, Alpha | None] | None = None
        pictures = self._pictures()
        for duration in self._durations:
            try:
                shown = self._split(next(pictures)[0])
            except (DataError, StopIteration) as error:
                if shown is None or not self._damage:
                    raise DataError(f"{self.path}: has changed since it was opened ({error})") from None
            yield AnimationFrame(index, start, duration, *shown)
            index, start = index + 1, start + duration

    def _split(self, pixels: Pixels) -> tuple[Frame, Alpha | None]:
        image, alpha = laid_over_white(pixels)
        return image, alpha if self.has_alpha else None

    def _pictures(self) -> Iterator[tuple[Pixels, Fraction]]:
        """Its pictures, RGBA, and how long each is shown."""
        with opened(self.path) as (image, header):
            first = int(has_default_picture(image))
            header = replace(header, has_alpha=True)
            for number in range(first, getattr(image, "n_frames", 1)):
                try:
                    image.seek(number)
                    if is_reduced(image):
                        continue
                    check_depth(self.path, image)
                    image.load()
                    pixels = pixels_of(image, header)
                    shown = Fraction(image.info.get("duration", 0)).limit_denominator(1_000_000) / 1000
                except (DataError, MemoryError):
                    raise
                except Exception as error:  # noqa: BLE001 - decoders raise whatever a damaged file provokes
                    what = SEVERAL_PICTURES[header.kind]
                    raise DataError(
                        f"{self.path}: {what} from number {number + 1 - first} on cannot be decoded ({error})"
                    ) from None
                yield pixels, shown if shown > 0 else self._page_duration


def _is_seen_through(pixels: Pixels) -> bool:
    return pixels.shape[2] == 4 and bool((np.asarray(pixels[:, :, 3]) < 255).any())
