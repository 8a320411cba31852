"""OpenEXR images: scene-linear values, which the curve of sRGB (IEC 61966-2-1) makes visible.

Needs the package `OpenEXR` (the extra `exr`). Colours are premultiplied by their transparency, as the format
has it. Values without meaning count as 0, those above the largest half float as that; negative ones are 0.
"""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from animeinterp.configs.errors import DataError

SUFFIX = ".exr"
MAGIC = b"\x76\x2f\x31\x01"
LARGEST = 65504.0  # half float
Linear = npt.NDArray[np.float32]
"""`(H, W, 3)`, or `(H, W, 4)` with transparency, 0..`LARGEST`."""


def is_exr(path: Path) -> bool:
    """Whether a file is an OpenEXR image, by its content."""
    try:
        with path.open("rb") as file:
            return file.read(len(MAGIC)) == MAGIC
    except OSError:
        return False


def exr_size(path: Path) -> tuple[tuple[int, int], bool]:
    """Height and width of an image, and whether it has transparency.

    Raises
    ------
    DataError
        The package is not installed, or the file is damaged or not of colours or grey.
    """
    header = _opened(path, header_only=True).header()
    names = {channel.name for channel in header["channels"]}
    _check_channels(path, names)
    return _size(header), "A" in names


def read_linear(path: Path) -> Linear:
    """Read an image; what lies outside its display window is cut off, and what is missing in it is 0.

    Raises
    ------
    DataError
        As of `exr_size`.
    """
    file = _opened(path, separate_channels=True)
    channels = file.channels()
    _check_channels(path, channels)
    header = file.header()
    height, width = _size(header)
    names = [*(("R", "G", "B") if "R" in channels else ("Y",) * 3), *(("A",) if "A" in channels else ())]
    planes = [channels[name].pixels for name in names]
    values = np.dstack(planes).astype(np.float32)
    left, above = header["dataWindow"][0] - header["displayWindow"][0]
    whole = np.zeros((height, width, values.shape[2]), np.float32)
    top, side = max(0, above), max(0, left)
    inner = values[top - above : height - above, side - left : width - left]
    whole[top : top + inner.shape[0], side : side + inner.shape[1]] = inner
    return np.clip(np.nan_to_num(whole, nan=0.0, posinf=LARGEST, neginf=0.0), 0, LARGEST)


def encode_exr(pixels: npt.NDArray[Any]) -> bytes:
    """Content of a file of half floats, compressed without loss, of pixels as `read_linear` gives them.

    Raises
    ------
    DataError
        The package is not installed.
    """
    module = _module(Path(SUFFIX))
    name = "RGBA" if pixels.shape[2] == 4 else "RGB"
    halves = np.ascontiguousarray(np.clip(pixels, 0, LARGEST).astype(np.float16))
    header = {"compression": module.ZIP_COMPRESSION, "type": module.scanlineimage}
    with tempfile.TemporaryDirectory(prefix="animeinterp-") as folder:
        path = Path(folder, f"image{SUFFIX}")
        with module.File(header, {name: halves}) as file:
            file.write(str(path))
        return path.read_bytes()


def straight(pixels: Linear) -> Linear:
    """Colours that are not premultiplied, as visible values 0..1, and transparency as it is."""
    if pixels.shape[2] == 3:
        return to_visible(pixels)
    alpha = np.clip(pixels[:, :, 3:], 0, 1)
    colours = pixels[:, :, :3] / np.maximum(alpha, 1 / LARGEST)
    return np.concatenate([np.where(alpha > 0, to_visible(colours), 0), alpha], axis=2).astype(np.float32)


def linear_over_white(pixels: Linear) -> Linear:
    """Colours laid over white, which is 1."""
    if pixels.shape[2] == 3:
        return pixels
    return np.ascontiguousarray(pixels[:, :, :3] + (1 - np.clip(pixels[:, :, 3:], 0, 1)))


def to_visible(linear: npt.NDArray[Any]) -> Linear:
    """Scene-linear values -> values of sRGB, 0..1; what is brighter than white is white."""
    values = np.clip(linear.astype(np.float32), 0, 1)
    curved = np.where(values <= 0.0031308, 12.92 * values, 1.055 * values ** (1 / 2.4) - 0.055)
    return np.asarray(curved, np.float32)


def to_linear(visible: npt.NDArray[Any]) -> Linear:
    """Values of sRGB, 0..1 -> scene-linear ones, 0..1."""
    values = visible.astype(np.float32)
    lines = np.where(values <= 0.04045, values / 12.92, ((values + 0.055) / 1.055) ** 2.4)
    return np.asarray(lines, np.float32)


def _size(header: Any) -> tuple[int, int]:
    """Height and width of the display window."""
    (left, above), (right, below) = header["displayWindow"]
    return int(below - above) + 1, int(right - left) + 1


def _opened(path: Path, **how: bool) -> Any:
    module = _module(path)
    try:
        file = module.File(str(path), **how)
        parts = len(file.parts)
    except (RuntimeError, ValueError, TypeError) as error:
        raise DataError(f"{path}: damaged image ({error}); replace the file") from None
    if parts != 1:
        raise DataError(f"{path}: holds {parts} parts; expected one picture; save the one you mean alone")
    return file


def _check_channels(path: Path, names: Any) -> None:
    if not ({"R", "G", "B"} <= set(names) or "Y" in names):
        raise DataError(
            f"{path}: channels {', '.join(sorted(names))}; expected R, G and B, or Y; save the layer you "
            "mean alone"
        )


def _module(path: Path) -> Any:
    try:
        import OpenEXR
    except ImportError:
        raise DataError(
            f"{path}: OpenEXR images need the package OpenEXR: pip install 'animeinterp[exr]'"
        ) from None
    return OpenEXR
