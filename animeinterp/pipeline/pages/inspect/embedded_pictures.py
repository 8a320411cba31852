"""Arrays as pictures embedded in a page, to view and to read values from.

All are lossless. Those that encode numbers are decoded by `page/pictures.js` and carry the parameters it
needs.
"""

from __future__ import annotations

from base64 import b64encode
from io import BytesIO
from typing import Any

import numpy as np
import numpy.typing as npt
from PIL import Image

from animeinterp.data.images import Frame
from animeinterp.pipeline.store.array_specs import Array

WEBP_LARGEST = 16383  # px a side; the format's limit
WEBP_QUALITY, WEBP_METHOD = 50, 2  # how long to search; slower ones save 2 % of the space
FLOW_STEP = 1 / 32  # px; finer than visible, and 1,000 px still fit 16 bits
WHOLE = 1 << 15  # of the 16 bits of a flow's component: the zero
LEVELS = 255  # of a scalar map, 8 bits

Picture = dict[str, Any]
"""`uri`, `size` (height, width), `kind`, and what `kind` needs to be read."""


def photo(frame: Frame) -> Picture:
    """An unchanged picture (H, W, 3) or (H, W)."""
    return {"kind": "photo", "uri": data_uri(frame), "size": list(frame.shape[:2])}


def label_picture(label_map: npt.NDArray[np.int32]) -> Picture:
    """A label map; the piece is red + 256 green + 65536 blue."""
    bands = np.stack([label_map >> shift & 255 for shift in (0, 8, 16)], axis=-1).astype(np.uint8)
    return {"kind": "labels", "uri": data_uri(bands), "size": list(label_map.shape)}


def flow_picture(flow: npt.NDArray[np.float32]) -> Picture:
    """A flow (2, H, W): dx above dy, each `(256 red + green - 32768) * step` px."""
    step = max(FLOW_STEP, float(np.abs(flow).max(initial=0)) / (WHOLE - 1))
    whole = np.rint(np.concatenate(list(flow)) / step).astype(np.int32) + WHOLE
    bands = np.stack([whole >> 8, whole & 255, np.zeros_like(whole)], axis=-1).astype(np.uint8)
    return {"kind": "flow", "uri": data_uri(bands), "size": list(flow.shape[1:]), "step": step}


def scalar_picture(
    values: npt.NDArray[np.floating] | npt.NDArray[np.uint8],
    low: float,
    high: float,
    *,
    logarithmic: bool = False,
) -> Picture:
    """A map (H, W) of values from low to high, beyond which they are clipped, in 8 bits.

    On a logarithmic scale level 0 is kept for 0 itself: level n > 0 is
    `low * (high / low) ** ((n - 1) / 254)`. On a linear one level n is `low + n / 255 * (high - low)`.
    """
    if logarithmic:
        tiniest = np.finfo(np.float64).tiny
        share = np.log(np.maximum(values, tiniest) / low) / np.log(high / low)
        levels = np.where(values > 0, 1 + np.clip(share, 0, 1) * (LEVELS - 1), 0)
    else:
        levels = np.clip((values.astype(np.float64) - low) / (high - low), 0, 1) * LEVELS
    return {
        "kind": "scalar",
        "uri": data_uri(np.rint(levels).astype(np.uint8)),
        "size": list(values.shape),
        "low": low,
        "high": high,
        "logarithmic": logarithmic,
    }


def colors_text(colors: Frame) -> str:
    """Colours of pieces (n, 3), as bytes in base64."""
    return b64encode(np.ascontiguousarray(colors).tobytes()).decode()


def data_uri(pixels: Array) -> str:
    """A picture (H, W, 3) or (H, W), uint8, lossless, as a data URI: WebP, or PNG beyond its size limit."""
    image = Image.fromarray(np.ascontiguousarray(pixels))
    encoded = BytesIO()
    if max(pixels.shape[:2]) > WEBP_LARGEST:
        image.save(encoded, "PNG")
        return f"data:image/png;base64,{b64encode(encoded.getvalue()).decode()}"
    image.convert("RGB").save(encoded, "WEBP", lossless=True, quality=WEBP_QUALITY, method=WEBP_METHOD)
    return f"data:image/webp;base64,{b64encode(encoded.getvalue()).decode()}"
