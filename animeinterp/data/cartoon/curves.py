"""Closed curves that pieces are cut from, as dense polygons.

All functions return float64 arrays of shape (n, 2), x then y, y pointing down, in the units of their
arguments. Polygons are closed implicitly: the last point is joined to the first.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray

Points = NDArray[np.float64]

STEPS = 9
"""Points per curve span; chords then stay within a tenth of a pixel of the curve in a 540p frame."""


def _spline(points: Points, before: Points, after: Points, steps: int) -> Points:
    """Uniform Catmull-Rom curve through `points`, without its last point."""
    p = np.concatenate([before[None], points, after[None]])
    t = np.linspace(0.0, 1.0, steps, endpoint=False)[None, :, None]
    p0, p1, p2, p3 = (p[i : len(p) - 3 + i, None] for i in range(4))
    spans = 0.5 * (
        2 * p1 + (p2 - p0) * t + (2 * p0 - 5 * p1 + 4 * p2 - p3) * t**2 + (3 * p1 - p0 - 3 * p2 + p3) * t**3
    )
    return np.asarray(spans.reshape(-1, 2))


def blob(points: ArrayLike, corners: Collection[int] = (), steps: int = STEPS) -> Points:
    """Closed smooth curve through the given points, sharp at the chosen ones.

    Parameters
    ----------
    points
        (n, 2), n >= 3, in order along the curve.
    corners
        Indices of the points where the curve breaks.
    steps
        Points per span.
    """
    p = np.asarray(points, np.float64)
    n = len(p)
    breaks = sorted({c % n for c in corners})
    if not breaks:
        ring = np.concatenate([p, p[:1]])
        return _spline(ring, p[-1], p[1], steps)
    runs = []
    for start, stop in zip(breaks, [*breaks[1:], breaks[0] + n], strict=True):
        runs.append(_open_run(p[np.arange(start, stop + 1) % n], steps))
    return np.concatenate(runs)


def _open_run(run: Points, steps: int) -> Points:
    return _spline(run, 2 * run[0] - run[1], 2 * run[-1] - run[-2], steps)


def path(points: ArrayLike, steps: int = STEPS) -> Points:
    """Open smooth curve through the given points, (n, 2) with n >= 2, both ends included."""
    p = np.asarray(points, np.float64)
    return np.concatenate([_open_run(p, steps), p[-1:]])


def polygon(points: ArrayLike, steps: int = 4) -> Points:
    """Closed polygon with straight edges, each divided into `steps` so that waves can bend it."""
    p = np.asarray(points, np.float64)
    t = np.linspace(0.0, 1.0, steps, endpoint=False)[None, :, None]
    return np.asarray((p[:, None] * (1 - t) + np.roll(p, -1, axis=0)[:, None] * t).reshape(-1, 2))


def ellipse(
    x: float,
    y: float,
    rx: float,
    ry: float | None = None,
    tilt: float = 0.0,
    *,
    arc: tuple[float, float] | None = None,
) -> Points:
    """Ellipse, or its sector chord between two angles.

    Parameters
    ----------
    x, y
        Centre.
    rx, ry
        Half axes; a circle without `ry`.
    tilt
        Rotation in degrees, clockwise on the screen.
    arc
        First and last angle in degrees; the whole ellipse when absent.
    """
    first, last = arc or (0.0, 360.0)
    count = max(8, int(48 * abs(last - first) / 360))
    a = np.deg2rad(np.linspace(first, last, count, endpoint=arc is not None))
    ring = np.stack([rx * np.cos(a), (rx if ry is None else ry) * np.sin(a)], axis=1)
    return place(ring, x, y, tilt=tilt)


def place(points: ArrayLike, x: float, y: float, *, scale: float = 1.0, tilt: float = 0.0) -> Points:
    """Points scaled and turned (degrees, clockwise on the screen) about the origin, then moved to (x, y)."""
    c, s = np.cos(np.deg2rad(tilt)) * scale, np.sin(np.deg2rad(tilt)) * scale
    return np.asarray(np.asarray(points, np.float64) @ np.array([[c, s], [-s, c]]) + np.array([x, y]))


def mirror(points: ArrayLike) -> Points:
    """Mirror image about the y axis."""
    return np.asarray(points, np.float64) * (-1.0, 1.0)


def limb(points: ArrayLike, radii: Sequence[float]) -> Points:
    """Tube around an open curve: an arm, a leg, a tail, or, with zero radii at the ends, an ink stroke.

    Parameters
    ----------
    points
        (n, 2), the middle line, n >= 2.
    radii
        n half widths; between the points they follow a line.
    """
    line = path(points)
    at = np.linspace(0, len(radii) - 1, len(line))
    radius = np.interp(at, np.arange(len(radii)), radii)[:, None]
    along = np.gradient(line, axis=0)
    along /= np.maximum(np.hypot(along[:, :1], along[:, 1:]), 1e-9)
    normal = along[:, ::-1] * (-1.0, 1.0)
    cap = np.deg2rad(np.linspace(0, 180, 9))[1:-1, None]
    end = line[-1] + radius[-1] * (np.cos(cap) * normal[-1] + np.sin(cap) * along[-1])
    start = line[0] - radius[0] * (np.cos(cap) * normal[0] + np.sin(cap) * along[0])
    return np.concatenate([line + radius * normal, end, (line - radius * normal)[::-1], start])


def star(x: float, y: float, radius: float, tips: int = 5, inner: float = 0.45) -> Points:
    """Star with one tip pointing up."""
    a = np.pi * np.arange(2 * tips) / tips - np.pi / 2
    r = np.where(np.arange(2 * tips) % 2, inner, 1.0) * radius
    return polygon(np.stack([x + r * np.cos(a), y + r * np.sin(a)], axis=1), steps=2)
