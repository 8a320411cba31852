"""Pictures of a page, read back as its script reads them."""

from __future__ import annotations

import base64
import io
from typing import Any

import numpy as np
from PIL import Image


def decode(picture: dict[str, Any]) -> np.ndarray:
    """Pixels of a picture, (H, W, 3) uint8."""
    head, _, text = picture["uri"].partition(",")
    assert head in ("data:image/webp;base64", "data:image/png;base64")
    with Image.open(io.BytesIO(base64.b64decode(text))) as image:
        return np.asarray(image.convert("RGB"))


def decode_labels(picture: dict[str, Any]) -> np.ndarray:
    return decode(picture).astype(np.int64) @ [1, 256, 65536]


def decode_flow(picture: dict[str, Any]) -> np.ndarray:
    """(2, H, W), px."""
    pixels = decode(picture).astype(np.int64)
    flow = (pixels[..., 0] * 256 + pixels[..., 1] - 32768) * picture["step"]
    return flow.reshape(2, *picture["size"])


def decode_scalars(picture: dict[str, Any]) -> np.ndarray:
    level = decode(picture)[..., 0].astype(np.float64)
    low, high = picture["low"], picture["high"]
    if picture["logarithmic"]:
        return np.where(level == 0, 0, low * (high / low) ** ((level - 1) / 254))
    return low + level / 255 * (high - low)
