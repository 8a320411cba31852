"""Small RGBA pictures and layers for tests of cut-out scenes."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image

from animeinterp.data.cutouts.layers import Layer, Motion


def cutout(seed: int, size: tuple[int, int] = (72, 60)) -> NDArray[np.uint8]:
    """A blob with an outline and some inner shapes, RGBA, transparent around it."""
    rng = np.random.default_rng(seed)
    height, width = size
    picture = np.zeros((height, width, 4), np.uint8)
    middle, axes = (width // 2, height // 2), (width // 2 - 6, height // 2 - 6)
    cv2.ellipse(picture, middle, axes, 0, 0, 360, (*map(int, rng.integers(80, 255, 3)), 255), -1)
    for _ in range(4):
        at = int(rng.integers(width // 3, 2 * width // 3)), int(rng.integers(height // 3, 2 * height // 3))
        cv2.circle(picture, at, int(rng.integers(3, 9)), (*map(int, rng.integers(0, 255, 3)), 255), -1)
    cv2.ellipse(picture, middle, axes, 0, 0, 360, (20, 20, 20, 255), 2)
    return picture


def write_cutouts(folder: Path, count: int, first: int = 0) -> list[Path]:
    """Different cut-outs as PNG files, some in a folder below."""
    (folder / "animals").mkdir(parents=True, exist_ok=True)
    paths = []
    for seed in range(first, first + count):
        paths.append(folder / ("animals" if seed % 2 else ".") / f"drawing_{seed:03d}.png")
        Image.fromarray(cutout(seed)).save(paths[-1])
    return paths


def soft_picture(size: tuple[int, int], seed: int = 0) -> NDArray[np.float32]:
    """A smooth, opaque RGBA texture that survives interpolation almost unchanged."""
    rng = np.random.default_rng(seed)
    coarse = rng.uniform(40, 215, (5, 5, 3)).astype(np.float32)
    picture = np.full((*size, 4), 255, np.float32)
    picture[..., :3] = np.clip(cv2.resize(coarse, size[::-1], interpolation=cv2.INTER_CUBIC), 0, 255)
    return picture


def backdrop(size: tuple[int, int], motion: Motion | None = None, seed: int = 7) -> Layer:
    """A smooth backdrop, larger than the frame by 16 pixels at every side."""
    middle = (size[1] - 1) / 2, (size[0] - 1) / 2
    picture = soft_picture((size[0] + 32, size[1] + 32), seed)
    return Layer(picture, middle, common=motion or Motion(), hub=middle, solid=True)


def patch(place: tuple[float, float], side: int = 24, seed: int = 1, **about: object) -> Layer:
    """A smooth square with two transparent pixels around it."""
    picture = np.zeros((side + 4, side + 4, 4), np.float32)
    picture[2:-2, 2:-2] = soft_picture((side, side), seed)
    return Layer(picture, place, **about)  # type: ignore[arg-type]
