"""Decoding of image files: what a file says of itself, and its pixels of 8 bits, upright.

Pillow has the last word on size, depth, orientation, transparency and on whether a file is whole. It keeps 8
bits of colours that have 16; those are OpenCV's, in a picture that Pillow has found whole.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import lru_cache
from io import BytesIO
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageCms, ImageFile, UnidentifiedImageError
from PIL.TiffImagePlugin import ImageFileDirectory_v2

from animeinterp.configs.errors import DataError
from animeinterp.data.exr import exr_size, is_exr, read_linear, straight

FORMATS = ("PNG", "JPEG", "BMP", "TIFF", "WEBP", "GIF")  # by content, whatever the suffix says
SEVERAL_PICTURES = {"PNG": "frames", "WEBP": "frames", "GIF": "frames", "TIFF": "pages"}
"""Formats that may hold several pictures, and what those are called. A JPEG of several is one picture beside
smaller or brighter copies of it."""

ORIENTATION, SUBFILE, BITS, PHOTOMETRIC, PLANES, EXTRA_SAMPLES, SAMPLE_FORMAT = (  # tags
    274,
    254,
    258,
    262,
    284,
    338,
    339,
)
REDUCED = 1  # bit of SUBFILE: a smaller copy of another page
INTERLEAVED = 1  # value of PLANES
LITTLE_IS_WHITE = 0  # value of PHOTOMETRIC
PREMULTIPLIED = 1  # value of EXTRA_SAMPLES
UNSIGNED = (1, 4)  # values of SAMPLE_FORMAT
BITFIELDS = 3  # compression of a BMP that names its channels
TURNED = 5  # orientations from this one on exchange height and width

READING = b"read as since 0.2"
"""Goes into the digest of an image that version 0.1 read in another way, whose results no longer count."""

Pixels = npt.NDArray[np.uint8]
DeepPixels = npt.NDArray[np.uint16]
Values = TypeVar("Values", Pixels, DeepPixels)
DEEPER = 257  # values of 16 bits to one of 8: 65535 / 255


@dataclass(frozen=True, slots=True)
class ImageHeader:
    """What an image file says of itself before its pixels."""

    size: tuple[int, int]
    """Height and width, upright."""
    has_alpha: bool
    orientation: int
    """EXIF's, by which the pixels are turned upright; 1 = they are."""
    pictures: int
    """Frames of an animation, or pages."""
    kind: str
    """Format, such as `PNG`."""
    bits: int
    """Bits a channel that are worth reading: 32 of scene-linear values, 16, or 8 and less."""
    read_as_ever: bool
    """Whether version 0.1 read it in the same way, so that results of it are still good."""
    colours: str = ""
    """Its colours by the name of their profile, or `CMYK`; empty for those that count as sRGB."""


def read_header(path: Path) -> ImageHeader:
    """Read what an image says of itself.

    Raises
    ------
    DataError
        The file is missing, empty, too large or no image.
    """
    if is_exr(path):
        size, has_alpha = exr_size(path)
        return ImageHeader(size, has_alpha, 1, 1, "EXR", 32, read_as_ever=True)
    with opened(path) as (_, header):
        return header


def read_pixels(path: Path) -> Pixels:
    """Read an image: uint8 `(H, W, 3)`, or with transparency `(H, W, 4)`, not laid over anything; upright.

    Raises
    ------
    DataError
        The file is missing, empty, damaged, too large or no image; it holds several pictures, or pixels of
        another depth than 8 or 16 bits.
    """
    pixels: Pixels = _read_pixels(path, deep=False)
    return pixels


def read_deep_pixels(path: Path) -> DeepPixels:
    """Read an image as `read_pixels` does, with 16 bits a channel: uint16, 0..65535.

    Raises
    ------
    DataError
        As of `read_pixels`.
    """
    pixels = _read_pixels(path, deep=True)
    values: DeepPixels = pixels if pixels.dtype == np.uint16 else pixels.astype(np.uint16) * DEEPER
    return values


def _read_pixels(path: Path, *, deep: bool) -> Any:
    if is_exr(path):
        kind = np.uint16 if deep else np.uint8
        return np.rint(straight(read_linear(path)) * np.iinfo(kind).max).astype(kind)
    with opened(path) as (image, header):
        if header.pictures > 1:
            several = f"{header.pictures} {SEVERAL_PICTURES[header.kind]}"
            raise DataError(f"{path}: holds {several}; expected one picture; save the one you mean alone")
        check_depth(path, image)
        has_deep = _has_deep_colours(image)
        try:
            image.load()
            grey = deep and image.mode.startswith("I;16")
            pixels = _deep_grey_of(image, header) if grey else pixels_of(image, header)
            if header.orientation == 1 and _turns(image.info.get("exif")):
                raise ValueError("its orientation stands behind its pixels")
        except MemoryError:
            raise
        except Exception as error:  # noqa: BLE001 - decoders raise whatever a damaged file provokes
            raise DataError(f"{path}: damaged image ({error}); replace the file") from None
        return _deep_pixels(path, image, header, deep=deep) if has_deep else pixels


@contextmanager
def opened(path: Path) -> Iterator[tuple[ImageFile.ImageFile, ImageHeader]]:
    """Open an image and read its header; nothing is decoded yet.

    Raises
    ------
    DataError
        The file is missing, empty, too large or no image.
    """
    with warnings.catch_warnings():
        # What Pillow warns of is either harmless or refused here: large frames, odd metadata.
        warnings.filterwarnings("ignore", module=r"PIL\.")
        try:
            if path.stat().st_size == 0:
                raise DataError(f"{path}: empty file (0 bytes); expected an image; replace it")
            image = Image.open(path, formats=FORMATS)
            header = _header(image)
        except (DataError, MemoryError):
            raise
        except UnidentifiedImageError:
            raise DataError(_why_unidentified(path)) from None
        except Image.DecompressionBombError as error:
            raise DataError(f"{path}: too large ({error})") from None
        except Exception as error:  # noqa: BLE001 - as in `read_pixels`
            reason = getattr(error, "strerror", None)
            found = f"cannot be read ({reason})" if reason else f"damaged image ({error}); replace the file"
            raise DataError(f"{path}: {found}") from None
        with image:
            yield image, header


def _header(image: ImageFile.ImageFile) -> ImageHeader:
    orientation, kind = _orientation(image), image.format or ""
    height, width = image.height, image.width
    if orientation >= TURNED and kind != "TIFF":  # whose size Pillow gives as it is upright
        height, width = width, height
    pictures = _pictures(image) if kind in SEVERAL_PICTURES else 1
    has_alpha = image.has_transparency_data
    as_ever = orientation == 1 or kind == "TIFF"
    as_ever &= pictures == 1 and _is_read_as_ever(image, has_alpha=has_alpha)
    bits = 16 if image.mode.startswith("I;16") or _has_deep_colours(image) else 8
    plain = "CMYK" if image.mode == "CMYK" else ""
    colours = _profile_name(image.info.get("icc_profile") or b"") or plain
    return ImageHeader((height, width), has_alpha, orientation, pictures, kind, bits, as_ever, colours)


@lru_cache
def _profile_name(profile: bytes) -> str:
    """Name of a colour profile; empty for none, and for those of sRGB."""
    if not profile:
        return ""
    try:
        name = ImageCms.getProfileDescription(ImageCms.ImageCmsProfile(BytesIO(profile))).strip()
    except (ImageCms.PyCMSError, OSError, ValueError):
        return ""  # no program can make anything of it
    return "" if "srgb" in name.lower() else name or "unnamed"


def pixels_of(image: Image.Image, header: ImageHeader) -> Pixels:
    """Pixels of an open image at the picture that it stands at, 8 bits a channel, upright.

    Raises
    ------
    Exception
        Whatever a damaged file provokes in its decoder.
    """
    turn = 1 if header.kind == "TIFF" else header.orientation  # Pillow turns TIFF itself
    if image.mode.startswith("I;16"):
        return to_8_bits(_deep_grey_of(image, header))
    pixels = np.array(image.convert("RGBA" if header.has_alpha else "RGB"))
    if header.kind == "BMP" and header.has_alpha and not pixels[:, :, 3].any():
        pixels[:, :, 3] = 255  # programs name the channel and leave it empty
    return upright(pixels, turn)


def _deep_grey_of(image: Image.Image, header: ImageHeader) -> DeepPixels:
    return upright(_deep_grey(image), 1 if header.kind == "TIFF" else header.orientation)


def upright(pixels: Values, orientation: int) -> Values:
    """Turn and mirror pixels as an EXIF orientation, 1 to 8, asks for."""
    mirrored = pixels.swapaxes(0, 1) if orientation >= TURNED else pixels
    if orientation in (3, 4, 7, 8):
        mirrored = mirrored[::-1]
    if orientation in (2, 3, 6, 7):
        mirrored = mirrored[:, ::-1]
    return np.ascontiguousarray(mirrored)


def to_8_bits(values: npt.NDArray[np.generic]) -> Pixels:
    """Round values of 16 bits to 8."""
    return ((values.astype(np.uint32) + 128) // 257).astype(np.uint8)  # 65535 / 255 = 257


def _orientation(image: Image.Image) -> int:
    try:
        # Of a PNG, Pillow's own would decode all pixels in search of metadata behind them.
        found = Image.Image.getexif(image).get(ORIENTATION, 1)
    except Exception:  # noqa: BLE001 - damaged metadata asks for nothing
        return 1
    return found if found in range(1, 9) else 1


def _turns(metadata: bytes | None) -> bool:
    """Whether EXIF, given as it is kept, asks for pixels to be turned."""
    found = Image.Exif()
    try:
        found.load(metadata or b"")
    except Exception:  # noqa: BLE001 - as above
        return False
    return found.get(ORIENTATION, 1) in range(2, 9)


def _pictures(image: ImageFile.ImageFile) -> int:
    count: int = getattr(image, "n_frames", 1) - has_default_picture(image)
    if count == 1 or image.format != "TIFF":
        return count
    whole = 0
    for page in range(count):
        image.seek(page)
        whole += not is_reduced(image)
    image.seek(0)
    return max(whole, 1)


def has_default_picture(image: Image.Image) -> bool:
    """Whether the first picture of a PNG is no part of its animation: one for programs that know of none."""
    return bool(image.info.get("default_image"))


def is_reduced(image: ImageFile.ImageFile) -> bool:
    """Whether the page of a TIFF that it stands at is a smaller copy of another."""
    return image.format == "TIFF" and bool(_tag(image, SUBFILE, 0) & REDUCED)


def _tag(image: Any, tag: int, default: Any) -> Any:
    return image.tag_v2.get(tag, default)


def _has_deep_colours(image: ImageFile.ImageFile) -> bool:
    if image.mode not in ("RGB", "RGBA"):
        return False
    if image.format == "TIFF":
        return bool(max(_tag(image, BITS, (1,))) > 8)
    return any(";16" in str(tile.args) for tile in image.tile)


def _deep_grey(image: Image.Image) -> DeepPixels:
    values = np.asarray(image).astype(np.uint16)
    if image.format == "TIFF" and _tag(image, PHOTOMETRIC, 1) == LITTLE_IS_WHITE:
        values = 65535 - values
    clear = image.info.get("transparency")
    planes = [values] * 3
    if clear is not None:
        planes.append(np.where(values == clear, 0, 65535).astype(np.uint16))
    return np.dstack(planes)


def _deep_pixels(path: Path, image: ImageFile.ImageFile, header: ImageHeader, *, deep: bool) -> Any:
    """Colours of 16 bits, rounded to 8 unless `deep`."""
    import cv2  # late, as few pictures need it

    values = cv2.imdecode(np.fromfile(path, np.uint8), cv2.IMREAD_UNCHANGED)
    channels = 3 + header.has_alpha
    if values is None or values.dtype != np.uint16 or values.ndim != 3 or values.shape[2] < channels:
        raise DataError(
            f"{path}: 16 bits a channel in a way that cannot be read; save it as a plain PNG or TIFF"
        )
    values = values[:, :, [2, 1, 0, 3][:channels]]
    if image.format == "TIFF" and _tag(image, EXTRA_SAMPLES, (0,))[:1] == (PREMULTIPLIED,):
        alpha = np.maximum(values[:, :, 3:].astype(np.uint32), 1)
        values[:, :, :3] = np.minimum(values[:, :, :3].astype(np.uint32) * 65535 // alpha, 65535)
    turn = 1 if header.kind == "TIFF" else header.orientation
    turned = upright(values, turn) if deep else upright(to_8_bits(values), turn)
    if turned.shape[:2] != header.size:
        raise DataError(f"{path}: its decoders disagree on its size; save it as a plain PNG")
    return turned


def check_depth(path: Path, image: ImageFile.ImageFile) -> None:
    """Make sure that the pixels of an open image can be read.

    Raises
    ------
    DataError
        They are neither 8 nor 16 bits deep, or 16 bits in a way that no decoder here reads.
    """
    if image.format == "TIFF":
        trouble = _unusual_depth(_tag(image, BITS, (1,)), _tag(image, SAMPLE_FORMAT, (1,)))
        if not trouble and _has_deep_colours(image) and _tag(image, PLANES, 1) != INTERLEAVED:
            trouble = "16 bits a channel in planes of their own; expected them interleaved; convert the file"
        if trouble:
            raise DataError(f"{path}: {trouble}")


def _unusual_depth(bits: tuple[int, ...], formats: tuple[int, ...]) -> str:
    """What to say of a TIFF whose pixels are no whole numbers of up to 8, or of 16 bits."""
    if set(formats) <= {*UNSIGNED} and set(bits) <= {1, 2, 4, 8, 16}:
        return ""
    kind = {2: "int", 3: "float"}.get(max(formats), "uint")
    return f"{kind}{max(bits)} pixels; expected 8 or 16 bits a channel; convert the file"


def _why_unidentified(path: Path) -> str:
    try:
        with path.open("rb") as file:
            tags = ImageFileDirectory_v2(file.read(8))
            file.seek(tags.next)
            tags.load(file)
        trouble = _unusual_depth(tags.get(BITS, (1,)), tags.get(SAMPLE_FORMAT, (1,)))
        return f"{path}: {trouble or 'a kind of TIFF that cannot be read; expected grey, RGB or RGBA'}"
    except Exception:  # noqa: BLE001 - it is no TIFF, or one whose tags are damaged
        return f"{path}: not an image, or damaged; expected PNG, JPEG, BMP, TIFF or WebP"


def _is_read_as_ever(image: ImageFile.ImageFile, *, has_alpha: bool) -> bool:
    """Whether version 0.1 gave the same pixels: it asked OpenCV, which has other ideas of rarer kinds."""
    match image.format:
        case "TIFF":
            inverted = image.mode == "I;16" and _tag(image, PHOTOMETRIC, 1) == LITTLE_IS_WHITE
            usual = image.mode in ("1", "L", "P", "RGB", "I;16") and not inverted
            return usual and _tag(image, EXTRA_SAMPLES, None) is None
        case "BMP":
            return image.info.get("compression") != BITFIELDS
        case "PNG":
            return not has_alpha or image.mode not in ("1", "L", "I;16")
        case _:
            return image.mode != "CMYK"
