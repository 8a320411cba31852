"""Writes a clip as numbered images: all frames, or only the in-between ones."""

from __future__ import annotations

import re
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any, Self

import av
import numpy as np
import numpy.typing as npt

from animeinterp.configs.errors import ConfigError, DataError
from animeinterp.configs.files import replace_file
from animeinterp.data.clips.clip import Alpha, Clip, ClipFrame
from animeinterp.data.clips.pictures import PictureConverter, kind_of, off_white
from animeinterp.data.clips.video import VideoClip
from animeinterp.data.exr import SUFFIX, to_linear
from animeinterp.data.images import (
    AnyFrame,
    LinearFrame,
    encode_image,
    read_rgba,
    to_uint8,
    to_uint16,
)
from animeinterp.data.name_patterns import NUMBER, numbered
from animeinterp.pipeline.clips.output_files import cannot_write, prepare_place, unfinished
from animeinterp.pipeline.store.commits import sync_tree

DEFAULT_PATTERN = "frame_%06d.png"
WRITABLE = {
    ".png": ".png",
    ".jpg": ".jpg",
    ".jpeg": ".jpg",
    ".webp": ".webp",
    ".tif": ".tif",
    ".tiff": ".tif",
    ".exr": ".exr",
}
WITH_ALPHA = (".png", ".webp", ".tif", ".exr")
DEEP = (".png", ".tif")  # formats of 16 bits a channel
CONVERSION = re.compile(r"%[-+#.\d]*[a-zA-Z]")  # of printf, which has more than are taken here


@dataclass(frozen=True, slots=True)
class SequenceName:
    """Folder and name pattern of numbered images."""

    folder: Path
    pattern: str
    """Name with one placeholder such as `%06d` or `######`."""

    @property
    def kind(self) -> str:
        """Suffix of the format."""
        return WRITABLE[Path(self.pattern).suffix.lower()]

    @property
    def bits(self) -> int:
        """Bits a channel that the format can have."""
        return 32 if self.kind == SUFFIX else 16 if self.kind in DEEP else 8

    def file(self, number: int) -> str:
        """Name of an image."""
        return numbered(self.pattern, number)

    def present(self) -> list[Path]:
        """Existing images of such a name."""
        before, after = (re.escape(part) for part in _parts(self.pattern))
        like = re.compile(f"{before}\\d+{after}")
        if not self.folder.is_dir():
            return []
        return sorted(path for path in self.folder.iterdir() if like.fullmatch(path.name))


def is_numbered(output: Path) -> bool:
    """Whether an output is a pattern of numbered images; a folder that is there never is."""
    found = NUMBER.search(output.name)
    if found is None or (found[2] and output.suffix.lower() not in WRITABLE):  # `take ##2` is a folder
        return False
    return not output.is_dir()


def sequence_name(output: Path) -> SequenceName:
    """Read an output's name: a folder, or a pattern such as `out/%06d.jpg`.

    Raises
    ------
    ConfigError
        The pattern has no or several placeholders, or names a format that cannot be written.
    """
    if not is_numbered(output):
        return SequenceName(output, DEFAULT_PATTERN)
    if len(NUMBER.findall(output.name)) != 1 or CONVERSION.search(NUMBER.sub("", output.name)):
        raise ConfigError(
            f"{output}: a pattern has one number, such as frame_%06d.png or frame.####.png; found "
            f"{output.name!r}"
        )
    if output.suffix.lower() not in WRITABLE:
        raise ConfigError(
            f"{output}: {output.suffix or 'no suffix'} is not a supported image format; choose "
            f"{', '.join(WRITABLE)}"
        )
    return SequenceName(output.parent, output.name)


class SequenceWriter:
    """A `ClipWriter` of numbered images.

    All are first written to a hidden folder. In an existing output folder, images of the same pattern are
    replaced, so that none of a longer sequence is left; other files stay.

    Parameters
    ----------
    name
        Folder and name pattern.
    numbers
        Number of the frame shown from a time on, in seconds, where the sequence has a place for it; else the
        first number.
    deep
        Whether the images have 16 bits a channel, as all of them then do.
    only_between
        Leave out the originals; numbers are those of the whole sequence.
    """

    def __init__(
        self,
        name: SequenceName,
        numbers: int | Callable[[Fraction], int] = 1,
        *,
        only_between: bool,
        deep: bool = False,
    ) -> None:
        self._name = name
        self._only_between = only_between
        self._deep = deep and name.bits > 8
        self._numbers = numbers
        self._shown = 0
        self._written = 0
        self._converter = PictureConverter()
        self._place = name.folder / name.pattern if name.folder.is_dir() else name.folder
        self._unfinished = unfinished(self._place)

    def __enter__(self) -> Self:
        try:
            prepare_place(self._place)
            self._unfinished.mkdir()
        except OSError as error:
            raise cannot_write(self._name.folder, error) from None
        return self

    def __exit__(self, *_: object) -> None:
        shutil.rmtree(self._unfinished, ignore_errors=True)

    def original(self, frame: ClipFrame, start: Fraction, duration: Fraction) -> None:  # noqa: ARG002
        """Write a frame of the source; an image file of the same format is copied."""
        if self._only_between:
            self._shown += 1
            return
        path: Path | None = getattr(frame, "path", None)
        if path is not None and WRITABLE.get(path.suffix.lower()) == self._name.kind:
            try:
                content = path.read_bytes()
            except OSError as error:
                raise DataError(f"{path}: cannot be read ({error.strerror or error})") from None
            self._write(content, start)
            return
        self._write(encode_image(self._name.pattern, self._pixels(frame)), start)

    def drawn(self, image: AnyFrame, alpha: Alpha | None, start: Fraction, duration: Fraction) -> None:  # noqa: ARG002
        """Write an in-between frame."""
        self._write(encode_image(self._name.pattern, with_alpha(image, alpha, self._name.kind)), start)

    def finish(self) -> None:
        """Flush the images to disk and give them their names."""
        if not self._written:
            raise DataError(f"{self._name.folder}: no frame to write")
        folder = self._name.folder
        try:
            sync_tree(self._unfinished)
            if not folder.exists():
                self._unfinished.rename(folder)
                return
            new = {path.name for path in self._unfinished.iterdir()}
            for path in self._unfinished.iterdir():
                path.replace(folder / path.name)
            for path in self._name.present():
                if path.name not in new:
                    path.unlink()
        except OSError as error:
            raise cannot_write(folder, error) from None

    def _pixels(self, frame: ClipFrame) -> npt.NDArray[np.generic]:
        """Pixels of an original, not blended over white, as precise as the format allows."""
        picture: av.VideoFrame | None = getattr(frame, "picture", None)
        path: Path | None = getattr(frame, "path", None)
        if self._name.kind not in WITH_ALPHA:
            return frame.rgb()
        if picture is not None:
            deep = kind_of(picture).bits > 8 and self._name.kind in DEEP
            colors, alpha = self._converter.straight(picture, deep=deep)
            return colors if alpha is None else np.dstack([colors, alpha])
        if self._name.kind == SUFFIX:
            return with_alpha(frame.linear(), frame.alpha(), SUFFIX)
        if self._deep:
            return with_alpha(frame.deep(), frame.alpha(), self._name.kind)
        kept = None if path is None else read_rgba(path)
        return with_alpha(frame.rgb(), frame.alpha(), self._name.kind) if kept is None else kept

    def _write(self, content: bytes, start: Fraction) -> None:
        number = self._numbers + self._shown if isinstance(self._numbers, int) else self._numbers(start)
        try:
            (self._unfinished / self._name.file(number)).write_bytes(content)
        except OSError as error:
            raise cannot_write(self._name.folder, error) from None
        self._shown += 1
        self._written += 1


class ImageWriter:
    """A `ClipWriter` of the one frame between two images.

    Parameters
    ----------
    output
        The image; replaced if it exists.
    """

    def __init__(self, output: Path) -> None:
        self.name = SequenceName(output.parent, output.name)
        self._output = output
        self._content: list[bytes] = []

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._content.clear()

    def original(self, frame: ClipFrame, start: Fraction, duration: Fraction) -> None:
        """Leave out a frame of the source."""

    def drawn(self, image: AnyFrame, alpha: Alpha | None, start: Fraction, duration: Fraction) -> None:  # noqa: ARG002
        """Keep an in-between frame."""
        self._content.append(encode_image(self._output.name, with_alpha(image, alpha, self.name.kind)))

    def finish(self) -> None:
        """Write the image.

        Raises
        ------
        DataError
            It cannot be written, or its pair has failed.
        """
        if len(self._content) != 1:
            raise DataError(f"{self._output}: the frame between could not be drawn; nothing was written")
        try:
            replace_file(self._output, self._content[0], flush=True)
        except OSError as error:
            raise cannot_write(self._output, error) from None


def with_alpha(image: AnyFrame, alpha: Alpha | None, kind: str) -> npt.NDArray[np.generic]:
    """A frame over white and its transparency, as pixels of a format."""
    if kind == SUFFIX:
        return _premultiplied(image, alpha)
    if kind in DEEP and image.dtype == np.uint16:
        return image if alpha is None else np.dstack([off_white(image, alpha), to_uint16(alpha)])
    plain = to_uint8(image)
    return plain if alpha is None or kind not in WITH_ALPHA else np.dstack([off_white(plain, alpha), alpha])


def _premultiplied(image: npt.NDArray[Any], alpha: Alpha | None) -> LinearFrame:
    """Scene-linear values over white and transparency, as OpenEXR has them."""
    linear = image.astype(np.float32)
    if image.dtype.kind == "u":
        linear = to_linear(linear / np.iinfo(image.dtype).max)
    if alpha is None:
        return linear
    share = alpha[:, :, None] / np.float32(255)
    return np.dstack([linear - (1 - share), share])


def sequence_notes(name: SequenceName, clip: Clip) -> tuple[str, ...]:
    """Differences of numbered images from the source."""
    notes = []
    if clip.has_alpha and name.kind not in WITH_ALPHA:
        notes.append(f"transparency is replaced by white: {name.kind} has none; .png keeps it")
    if clip.bits > name.bits:
        notes.append(f"{clip.bits} bits per channel become {name.bits}: {name.kind} has no more")
    return (*notes, *shape_note(clip))


def shape_note(clip: Clip) -> tuple[str, ...]:
    """What to say of pixels that are not square, which images cannot say."""
    if not isinstance(clip, VideoClip) or clip.aspect == 1:
        return ()
    shape = f"{clip.aspect.numerator}:{clip.aspect.denominator}"
    return (f"the video's pixels are {shape}, those of images are square: they look squeezed",)


def _parts(pattern: str) -> tuple[str, str]:
    found = NUMBER.search(pattern)
    if found is None:
        return pattern, ""
    return pattern[: found.start()], pattern[found.end() :]
