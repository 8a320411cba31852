"""The true frame and the annotated region, brought to the size of the frame that is scored."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from PIL import Image

Region = tuple[float, float, float, float]


def fit_truth(truth: NDArray[np.uint8] | NDArray[np.float32], height: int, width: int) -> NDArray[np.float32]:
    """Bring the ground truth to the working size and to float32 in 0..1."""
    if truth.dtype == np.uint8:
        if truth.shape[:2] != (height, width):
            # Rounded to uint8 again, as when the published figures were made.
            truth = np.asarray(Image.fromarray(truth).resize((width, height), Image.Resampling.LANCZOS))
        return truth.astype(np.float32) / np.float32(255)
    wanted = np.clip(truth, 0, 1).astype(np.float32)
    if wanted.shape[:2] != (height, width):
        channels = [
            Image.fromarray(np.ascontiguousarray(wanted[..., c])).resize(
                (width, height), Image.Resampling.LANCZOS
            )
            for c in range(3)
        ]
        wanted = np.clip(np.stack([np.asarray(channel) for channel in channels], axis=-1), 0, 1)
    return wanted


def scale_region(roi: Region, image_size: tuple[int, int], size: tuple[int, int]) -> tuple[slice, slice]:
    """Scale a region of an annotated image to the working size, as rows and columns.

    Parameters
    ----------
    roi : (x, y, width, height)
        Px of the annotated image.
    image_size : (W, H)
        The annotated image's width and height.
    size : (height, width)
        Working size.

    Raises
    ------
    ValueError
        If the image size is not positive or the region is negative.

    Notes
    -----
    Each number by itself is divided by the scale and floored, as published. What lies outside is cut off.
    """
    if min(image_size) <= 0:
        raise ValueError(f"image_size is {image_size}; expected a positive width and height")
    if min(roi) < 0:
        raise ValueError(f"roi is {roi}; expected x, y, width and height of 0 or more")
    scale_x, scale_y = image_size[0] / size[1], image_size[1] / size[0]
    x, width = int(roi[0] // scale_x), int(roi[2] // scale_x)
    y, height = int(roi[1] // scale_y), int(roi[3] // scale_y)
    return slice(y, y + height), slice(x, x + width)
