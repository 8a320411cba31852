"""Reading and writing single images: RGB uint8 everywhere, BGR only in this module."""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt
from PIL import Image, UnidentifiedImageError

from configs.errors import DataError
from configs.files import replace_file

IMAGE_SUFFIXES = frozenset({".png", ".jpg", ".jpeg", ".bmp", ".tif", ".tiff", ".webp"})

Frame = npt.NDArray[np.uint8]
Alpha = npt.NDArray[np.uint8]


def image_size(path: Path) -> tuple[int, int]:
    """Height and width of an image, from its header alone.

    Raises
    ------
    DataError
        The file is empty, missing, or not an image.
    """
    header = _open(path)
    if header is None:
        height, width = _decode(path).shape[:2]
        return height, width
    with header as image:
        return image.height, image.width


def read_image(path: Path, *, verify: bool = False) -> Frame:
    """Read an image as RGB.

    Parameters
    ----------
    path
        PNG, JPEG, BMP, TIFF or WebP.
    verify
        Decode with a strict decoder first, so that a truncated file is refused. (OpenCV silently fills the
        missing part with grey.)

    Returns
    -------
    uint8 array (H, W, 3)
        Grey and palette images are expanded, 16 bits are rounded to 8, transparent pixels are laid
        over white. EXIF rotation is not applied: frames of animation carry none.

    Raises
    ------
    DataError
        The file is missing, empty, truncated, not an image, or neither 8 nor 16 bits deep.
    """
    return read_image_and_alpha(path, verify=verify)[0]


def read_image_and_alpha(path: Path, *, verify: bool = False) -> tuple[Frame, Alpha | None]:
    """Read an image as `read_image` does, and its transparency: uint8 `(H, W)`, or None without.

    Raises
    ------
    DataError
        As of `read_image`.
    """
    header = _open(path) if verify else None
    if header is not None:
        with header as image:
            try:
                image.load()
            except (OSError, SyntaxError, ValueError) as error:
                raise DataError(f"{path}: damaged image ({error}); replace the file") from None
    pixels = _to_8_bits(_decode(path), path)
    alpha = np.ascontiguousarray(pixels[:, :, 3]) if pixels.ndim == 3 and pixels.shape[2] == 4 else None
    return _to_rgb(pixels, path), alpha


def read_rgba(path: Path) -> npt.NDArray[np.uint8] | None:
    """Read an image with transparency unchanged, uint8 `(H, W, 4)`; None for one without.

    Raises
    ------
    DataError
        As of `read_image`.
    """
    pixels = _to_8_bits(_decode(path), path)
    if pixels.ndim < 3 or pixels.shape[2] != 4:
        return None
    return np.ascontiguousarray(cv2.cvtColor(pixels, cv2.COLOR_BGRA2RGBA), np.uint8)


def has_alpha(path: Path) -> bool:
    """Whether an image has transparency, from its header alone; False for kinds that only OpenCV knows.

    Raises
    ------
    DataError
        The file is empty or missing.
    """
    header = _open(path)
    if header is None:
        return False
    with header as image:
        return image.mode in ("RGBA", "LA", "PA", "RGBa", "La") or "transparency" in image.info


def _decode(path: Path) -> npt.NDArray[np.generic]:
    try:
        encoded = np.fromfile(path, np.uint8)
    except OSError as error:
        raise DataError(f"{path}: cannot be read ({error.strerror})") from None
    if not encoded.size:
        raise DataError(f"{path}: empty file (0 bytes); expected an image; replace it")
    pixels: npt.NDArray[np.generic] | None = cv2.imdecode(encoded, cv2.IMREAD_UNCHANGED)
    if pixels is None:
        raise DataError(f"{path}: not an image, or damaged; expected PNG, JPEG, BMP, TIFF or WebP")
    return pixels


def _to_8_bits(pixels: npt.NDArray[np.generic], path: Path) -> npt.NDArray[np.generic]:
    if pixels.dtype == np.uint16:
        return ((pixels.astype(np.uint32) + 128) // 257).astype(np.uint8)  # 65535 / 255 = 257
    if pixels.dtype != np.uint8:
        raise DataError(f"{path}: {pixels.dtype} pixels; expected 8 or 16 bits a channel; convert the file")
    return pixels


def _to_rgb(pixels: npt.NDArray[np.generic], path: Path) -> Frame:
    channels = 1 if pixels.ndim == 2 else pixels.shape[2]
    if channels == 1:
        return np.ascontiguousarray(cv2.cvtColor(pixels, cv2.COLOR_GRAY2RGB), np.uint8)
    if channels == 4:
        pixels = over_white(pixels[:, :, :3], pixels[:, :, 3])
    elif channels != 3:
        raise DataError(f"{path}: {channels} channels; expected grey, RGB or RGBA; convert the file")
    return np.ascontiguousarray(cv2.cvtColor(pixels, cv2.COLOR_BGR2RGB), np.uint8)


def over_white(colors: npt.NDArray[np.generic], alpha: npt.NDArray[np.generic]) -> Frame:
    """Blend 8-bit colours `(H, W, 3)` over white by their transparency `(H, W)`, 255 = opaque; rounded."""
    weight = alpha[:, :, None].astype(np.uint16)
    mixed = (colors.astype(np.uint16) * weight + 255 * (255 - weight) + 127) // 255
    return mixed.astype(np.uint8)


def _open(path: Path) -> Image.Image | None:
    """Open an image for its header and a strict reading; None for kinds that only OpenCV knows."""
    try:
        if path.stat().st_size == 0:
            raise DataError(f"{path}: empty file (0 bytes); expected an image; replace it")
        with warnings.catch_warnings():
            # A decompression-bomb warning is meant for untrusted uploads; frames may be large.
            warnings.simplefilter("ignore", Image.DecompressionBombWarning)
            return Image.open(path)
    except UnidentifiedImageError:
        return None
    except Image.DecompressionBombError as error:
        raise DataError(f"{path}: too large ({error})") from None
    except OSError as error:
        raise DataError(f"{path}: cannot be read ({error.strerror or error})") from None


def write_image(path: Path, image: Frame) -> None:
    """Write an RGB uint8 image `(H, W, 3)` atomically; the suffix chooses the format.

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
        RGB `(H, W, 3)` or RGBA `(H, W, 4)`; uint8, or uint16 for PNG and TIFF.

    Raises
    ------
    DataError
        The suffix is not of a format that can be written.
    """
    suffix = Path(name).suffix
    order = cv2.COLOR_RGB2BGR if image.shape[2] == 3 else cv2.COLOR_RGBA2BGRA
    done, encoded = cv2.imencode(suffix, cv2.cvtColor(image, order))
    if not done:
        raise DataError(f"{name}: cannot encode a {suffix} image; use .png or .jpg")
    return bytes(encoded.tobytes())


def write_file(path: Path, content: bytes) -> None:
    """Write a file atomically, making its folder if needed.

    Raises
    ------
    DataError
        The folder cannot be written.
    """
    try:
        replace_file(path, content)
    except OSError as error:
        raise DataError(f"{path}: cannot be written ({error.strerror}); check the folder") from None


def to_uint8(frame: npt.NDArray[Any]) -> Frame:
    """Frame as kept in the cache (uint8, or float 0..1) -> uint8."""
    if frame.dtype == np.uint8:
        return frame
    return np.rint(frame.astype(np.float32) * 255).astype(np.uint8)
