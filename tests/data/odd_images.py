"""Image files that common programs write seldom, made byte by byte."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt


def png(
    pixels: npt.NDArray[np.generic], color_type: int, *before: tuple[bytes, bytes], after: bytes = b""
) -> bytes:
    """A PNG of `(H, W)` or `(H, W, C)` values, with chunks before its pixels and bytes of chunks after."""
    depth = 8 * pixels.dtype.itemsize
    rows = pixels.astype(">u2" if depth == 16 else np.uint8)
    height, width = pixels.shape[:2]
    header = struct.pack(">IIBBBBB", width, height, depth, color_type, 0, 0, 0)
    data = b"".join(b"\0" + np.ascontiguousarray(row).tobytes() for row in rows)
    chunks = [(b"IHDR", header), *before, (b"IDAT", zlib.compress(data))]
    return b"\x89PNG\r\n\x1a\n" + b"".join(chunk(*part) for part in chunks) + after + chunk(b"IEND", b"")


def chunk(name: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))


def exif(orientation: int) -> bytes:
    """EXIF that says nothing but an orientation."""
    return b"MM\0*" + struct.pack(">IHHHIHHI", 8, 1, 274, 3, 1, orientation, 0, 0)


def bmp32(
    pixels: npt.NDArray[np.uint8], compression: int = 3, masks: Sequence[int] = (), header: int = 40
) -> bytes:
    """A BMP of `(H, W, 4)` RGBA pixels, 32 bits each, with channel masks within or behind its header."""
    height, width = pixels.shape[:2]
    data = np.ascontiguousarray(pixels[::-1, :, [2, 1, 0, 3]]).tobytes()
    packed = struct.pack(f"<{len(masks)}I", *masks)
    about = (
        struct.pack("<IiiHHIIiiII", header, width, height, 1, 32, compression, len(data), 0, 0, 0, 0) + packed
    )
    about = about.ljust(header, b"\0")
    start = 14 + len(about)
    return b"BM" + struct.pack("<IHHI", start + len(data), 0, 0, start) + about + data


def tiff(
    pixels: npt.NDArray[np.generic],
    photometric: int = 2,
    extra: int | None = None,
    sample_format: int = 1,
    orientation: int = 1,
    subfile: int = 0,
    planar: int = 1,
) -> bytes:
    """An uncompressed TIFF of one page, little-endian, of `(H, W, C)` values."""
    height, width, channels = pixels.shape
    kept = np.moveaxis(pixels, 2, 0) if planar == 2 else pixels
    data = np.ascontiguousarray(kept).astype(kept.dtype.newbyteorder("<")).tobytes()
    strips = channels if planar == 2 else 1
    tags: dict[int, tuple[str, list[int]]] = {
        254: ("I", [subfile]),
        256: ("I", [width]),
        257: ("I", [height]),
        258: ("H", [8 * pixels.dtype.itemsize] * channels),
        259: ("H", [1]),
        262: ("H", [photometric]),
        273: ("I", [0] * strips),
        274: ("H", [orientation]),
        277: ("H", [channels]),
        278: ("I", [height]),
        279: ("I", [len(data) // strips] * strips),
        284: ("H", [planar]),
        339: ("H", [sample_format] * channels),
    }
    if extra is not None:
        tags[338] = ("H", [extra])
    begin = 8 + 2 + 12 * len(tags) + 4
    length = sum(_even(struct.calcsize(f"<{len(v)}{kind}")) for kind, v in tags.values() if _is_long(kind, v))
    tags[273] = ("I", [begin + length + k * (len(data) // strips) for k in range(strips)])
    entries, behind = b"", b""
    for tag, (kind, values) in sorted(tags.items()):
        packed = struct.pack(f"<{len(values)}{kind}", *values)
        entries += struct.pack("<HHI", tag, 3 if kind == "H" else 4, len(values))
        if _is_long(kind, values):
            entries += struct.pack("<I", begin + len(behind))
            behind += packed.ljust(_even(len(packed)), b"\0")
        else:
            entries += packed.ljust(4, b"\0")
    return b"II*\0" + struct.pack("<IH", 8, len(tags)) + entries + b"\0" * 4 + behind + data


def _is_long(kind: str, values: list[int]) -> bool:
    return struct.calcsize(f"<{len(values)}{kind}") > 4


def _even(length: int) -> int:
    return length + length % 2
