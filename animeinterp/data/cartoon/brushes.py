"""The painter's tools for backgrounds: washes, soft shapes, dabs of a brush and paper grain.

Positions and lengths are given in a 960 x 540 picture and scaled to the canvas, so that one description
serves every frame size.
"""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np
from numpy.typing import ArrayLike, NDArray

from animeinterp.data.cartoon.palette import Colour

FRACTION = 4
"""Fractional bits of coordinates handed to OpenCV."""
EDGE_BLUR = 0.6
"""Pixels of blur that end every painting: brush dabs are drawn with hard edges, which a pan by part of a
pixel would change visibly."""
FAR = 8000.0
"""Coordinates in canvas pixels are clamped to this; more only costs time."""

Picture = NDArray[np.float32]


class Canvas:
    """An RGB picture being painted, float32 in 0..255, with a margin around the frame.

    Parameters
    ----------
    size
        (height, width) of the frame in pixels.
    margin
        Pixels painted beyond each edge of the frame, for pans.
    rng
        Source of every brush stroke.
    """

    def __init__(self, size: tuple[int, int], margin: int, rng: np.random.Generator) -> None:
        self.height, self.width = size[0] + 2 * margin, size[1] + 2 * margin
        self.margin = margin
        self.rng = rng
        self.scale = np.array([size[1] / 960, size[0] / 540])
        self.unit = float(self.scale.min())
        self.picture: Picture = np.zeros((self.height, self.width, 3), np.float32)

    def pixels(self, points: ArrayLike) -> NDArray[np.float64]:
        """Canvas coordinates of points of the 960 x 540 picture."""
        return np.asarray(np.asarray(points, np.float64) * self.scale + self.margin)

    def wash(self, stops: Sequence[tuple[float, Colour]], low: float = -400, high: float = 1000) -> None:
        """Vertical gradient between (y, colour) stops over the rows from y = low to high."""
        rows = (np.arange(self.height) - self.margin) / self.scale[1]
        chosen = (rows >= low) & (rows < high)
        ys = [y for y, _ in stops]
        ramp = np.stack([np.interp(rows, ys, [c[i] for _, c in stops]) for i in range(3)], axis=1)
        self.picture[chosen] = ramp[chosen, None, :]

    def mask(self, outlines: Sequence[ArrayLike], blur: float = 0.0) -> NDArray[np.float32]:
        """Coverage 0..1 of closed polygons, softened by a Gaussian of `blur`."""
        cover = np.zeros((self.height, self.width), np.uint8)
        for outline in outlines:
            points = np.clip(self.pixels(outline), -FAR, FAR)
            cv2.fillPoly(
                cover, [np.rint(points * (1 << FRACTION)).astype(np.int32)], 255, cv2.LINE_AA, FRACTION
            )
        return self._softened(np.asarray(cover / np.float32(255), np.float32), blur)

    def _softened(self, cover: NDArray[np.float32], blur: float) -> NDArray[np.float32]:
        sigma = blur * self.unit
        if sigma < 0.3:
            return cover
        # A wide blur looks the same from a small picture, at a fraction of the time.
        shrink = max(1, int(sigma / 3))
        small = cv2.resize(
            cover, (max(1, self.width // shrink), max(1, self.height // shrink)), interpolation=cv2.INTER_AREA
        )
        small = cv2.GaussianBlur(small, (0, 0), sigma / shrink)
        return np.asarray(cv2.resize(small, (self.width, self.height), interpolation=cv2.INTER_LINEAR))

    def lay(self, cover: NDArray[np.float32], colour: Colour | Picture, opacity: float = 1.0) -> None:
        """Paint a colour or another picture through a coverage mask."""
        paint = np.asarray(colour, np.float32)
        self.picture += (paint - self.picture) * (cover * np.float32(opacity))[..., None]

    def shape(self, outline: ArrayLike, colour: Colour, blur: float = 0.0, opacity: float = 1.0) -> None:
        """Paint one closed polygon."""
        points = self.pixels(outline)
        pad = int(4 * blur * self.unit) + 2
        low = np.clip(np.floor(points.min(axis=0)).astype(int) - pad, 0, (self.width, self.height))
        high = np.clip(np.ceil(points.max(axis=0)).astype(int) + pad, 0, (self.width, self.height))
        if (high <= low).any():
            return
        cover = np.zeros((high[1] - low[1], high[0] - low[0]), np.uint8)
        fixed = np.rint((np.clip(points, -FAR, FAR) - low) * (1 << FRACTION)).astype(np.int32)
        cv2.fillPoly(cover, [fixed], 255, cv2.LINE_AA, FRACTION)
        soft = cover.astype(np.float32) / 255
        if blur * self.unit >= 0.3:
            soft = cv2.GaussianBlur(soft, (0, 0), blur * self.unit)
        window = self.picture[low[1] : high[1], low[0] : high[0]]
        window += (np.asarray(colour, np.float32) - window) * (soft * np.float32(opacity))[..., None]

    def box(
        self, left: float, top: float, right: float, bottom: float, colour: Colour, blur: float = 0.6
    ) -> None:
        """Paint an upright rectangle."""
        self.shape([(left, top), (right, top), (right, bottom), (left, bottom)], colour, blur)

    def dabs(
        self,
        centres: NDArray[np.float64],
        length: float,
        breadth: float,
        colours: Sequence[Colour],
        tilt: float = 0.0,
        spread: float = 90.0,
    ) -> None:
        """Touch the canvas with an oval brush at many points, (n, 2), later ones on top."""
        points = np.rint(self.pixels(centres) * (1 << FRACTION)).astype(int)
        count = len(points)
        sizes = self.rng.uniform(0.5, 1.3, count) * self.unit * (1 << FRACTION)
        tilts = tilt + self.rng.uniform(-spread, spread, count)
        order = np.sort(self.rng.integers(len(colours), size=count)) if count else np.zeros(0, int)
        for (x, y), size, angle, which in zip(points.tolist(), sizes, tilts, order.tolist(), strict=True):
            axes = (max(8, round(length * size)), max(6, round(breadth * size)))
            cv2.ellipse(
                self.picture,
                (x, y),
                axes,
                float(angle),
                0,
                360,
                colours[which],
                cv2.FILLED,
                cv2.LINE_8,
                FRACTION,
            )

    def noise(self, coarse: float, octaves: int = 4) -> NDArray[np.float32]:
        """Smooth noise of about -1..1 whose largest features are `coarse` long."""
        total = np.zeros((self.height, self.width), np.float32)
        for octave in range(octaves):
            step = max(coarse * self.unit / 2**octave, 1.0)
            grid = (int(self.height / step) + 2, int(self.width / step) + 2)
            values = self.rng.uniform(-1, 1, grid).astype(np.float32)
            total += cv2.resize(values, (self.width, self.height), interpolation=cv2.INTER_CUBIC) / 2**octave
        return total

    def grain(self, amount: float, coarse: float = 60.0) -> None:
        """Uneven paint: brightness varied by up to about `amount` levels."""
        self.picture += (amount * self.noise(coarse))[..., None]

    def soften(self, blur: float) -> None:
        """Blur everything painted so far: distance, or a lens focused on the figures."""
        if blur * self.unit >= 0.3:
            self.picture = np.asarray(cv2.GaussianBlur(self.picture, (0, 0), blur * self.unit))

    def finished(self) -> NDArray[np.uint8]:
        """The canvas as uint8."""
        smooth = cv2.GaussianBlur(self.picture, (0, 0), EDGE_BLUR)
        return np.asarray(np.clip(np.rint(smooth), 0, 255), np.uint8)
