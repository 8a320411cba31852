"""Reading and writing single images: RGB uint8, upright."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from animeinterp.configs.errors import DataError
from animeinterp.configs.files import obstacle, replace_file
from animeinterp.data.exr import SUFFIX, encode_exr, is_exr, linear_over_white, read_linear, to_linear
from animeinterp.data.image_decoding import DEEPER, read_deep_pixels, read_header, read_pixels, to_8_bits

IMAGE_SUFFIXES = frozenset({".png", ".jpg", ".jpeg", ".bmp", ".tif", ".tiff", ".webp", ".exr"})

Frame = npt.NDArray[np.uint8]
Alpha = npt.NDArray[np.uint8]
LinearFrame = npt.NDArray[np.float32]
"""`(H, W, 3)`, RGB, scene-linear, 0 and up."""
DeepFrame = npt.NDArray[np.uint16]
"""`(H, W, 3)`, RGB, 0..65535."""
AnyFrame = Frame | DeepFrame | LinearFrame


def image_size(path: Path) -> tuple[int, int]:
    """Height and width of an image, upright, from its header alone.

    Raises
    ------
    DataError
        The file is empty, missing, too large, or not an image.
    """
    return read_header(path).size


def has_alpha(path: Path) -> bool:
    """Whether an image has transparency, from its header alone.

    Raises
    ------
    DataError
        As of `image_size`.
    """
    return read_header(path).has_alpha


def read_image(path: Path) -> Frame:
    """Read an image as RGB.

    Parameters
    ----------
    path
        PNG, JPEG, BMP, TIFF or WebP.

    Returns
    -------
    uint8 array (H, W, 3)
        Grey and palette images are expanded, 16 bits are rounded to 8, transparent pixels are laid
        over white. EXIF orientation is applied.

    Raises
    ------
    DataError
        The file is missing, empty, damaged, not an image, or neither 8 nor 16 bits deep; or it holds several
        pictures.
    """
    return read_image_and_alpha(path)[0]


def read_image_and_alpha(path: Path) -> tuple[Frame, Alpha | None]:
    """Read an image as `read_image` does, and its transparency: uint8 `(H, W)`, or None without.

    Raises
    ------
    DataError
        As of `read_image`.
    """
    return laid_over_white(read_pixels(path))


def read_deep(path: Path) -> DeepFrame:
    """Read an image as `read_image` does, with 16 bits a channel: uint16 `(H, W, 3)`.

    Raises
    ------
    DataError
        As of `read_image`.
    """
    pixels = read_deep_pixels(path)
    if pixels.shape[2] == 3:
        return pixels
    weight = pixels[:, :, 3:].astype(np.uint64)
    mixed = (pixels[:, :, :3] * weight + 65535 * (65535 - weight) + 32767) // 65535
    return mixed.astype(np.uint16)


def read_linear_frame(path: Path) -> LinearFrame:
    """Read an image as scene-linear values, laid over white: float32 `(H, W, 3)`, 0 and up.

    Raises
    ------
    DataError
        As of `read_image`.
    """
    if is_exr(path):
        return linear_over_white(read_linear(path))
    return to_linear(read_deep(path) / np.float32(65535))


def read_rgba(path: Path) -> npt.NDArray[np.uint8] | None:
    """Read an image with transparency unchanged, uint8 `(H, W, 4)`; None for one without.

    Raises
    ------
    DataError
        As of `read_image`.
    """
    pixels = read_pixels(path)
    return pixels if pixels.shape[2] == 4 else None


def laid_over_white(pixels: npt.NDArray[np.uint8]) -> tuple[Frame, Alpha | None]:
    """RGB or RGBA `(H, W, C)` -> RGB laid over white, and transparency where there is any."""
    if pixels.shape[2] == 3:
        return pixels, None
    alpha = np.ascontiguousarray(pixels[:, :, 3])
    return over_white(pixels[:, :, :3], alpha), alpha


def opaque(size: tuple[int, int]) -> Alpha:
    """Transparency of a picture that has none, uint8 `(H, W)`."""
    return np.full(size, 255, np.uint8)


def over_white(colors: npt.NDArray[np.generic], alpha: npt.NDArray[np.generic]) -> Frame:
    """Blend 8-bit colours `(H, W, 3)` over white by their transparency `(H, W)`, 255 = opaque; rounded."""
    weight = alpha[:, :, None].astype(np.uint16)
    mixed = (colors.astype(np.uint16) * weight + 255 * (255 - weight) + 127) // 255
    return mixed.astype(np.uint8)


def write_image(path: Path, image: AnyFrame) -> None:
    """Write an RGB image `(H, W, 3)` atomically; the suffix chooses the format.

    Raises
    ------
    DataError
        The folder cannot be written.
    """
    write_file(path, encode_image(path.name, image))


def encode_image(name: str, image: npt.NDArray[np.generic]) -> bytes:
    """Content of an image file of that name; JPEG at OpenCV's quality, 95.

    Parameters
    ----------
    name
        Its suffix chooses the format.
    image
        RGB `(H, W, 3)` or RGBA `(H, W, 4)`; uint8, or uint16 for PNG and TIFF; scene-linear and
        premultiplied for OpenEXR.

    Raises
    ------
    DataError
        The suffix is not of a format that can be written.
    """
    import cv2  # late: where frames are only listed it would take longer than they do

    suffix = Path(name).suffix
    if suffix.lower() == SUFFIX:
        return encode_exr(image)
    order = cv2.COLOR_RGB2BGR if image.shape[2] == 3 else cv2.COLOR_RGBA2BGRA
    done, encoded = cv2.imencode(suffix, cv2.cvtColor(image, order))
    if not done:
        raise DataError(f"{name}: cannot encode a {suffix} image; use .png or .jpg")
    return bytes(encoded.tobytes())


def write_file(path: Path, content: bytes, *, flush: bool = False) -> None:
    """Write a file atomically, making its folder if needed; with `flush` it is on disk when this returns.

    Raises
    ------
    DataError
        The folder cannot be written.
    """
    try:
        replace_file(path, content, flush=flush)
    except OSError as error:
        raise DataError(f"{path}: cannot be written ({obstacle(error)}); check the folder") from None


def to_uint8(frame: npt.NDArray[Any]) -> Frame:
    """Frame as kept in the cache (uint8, uint16, or float 0..1) -> uint8."""
    if frame.dtype == np.uint8:
        return frame
    if frame.dtype == np.uint16:
        return to_8_bits(frame)
    return np.rint(np.clip(frame.astype(np.float32), 0, 1) * 255).astype(np.uint8)


def to_uint16(frame: npt.NDArray[Any]) -> DeepFrame:
    """Frame of 8 or 16 bits -> uint16."""
    return frame if frame.dtype == np.uint16 else frame.astype(np.uint16) * DEEPER
