"""Motions as invertible maps of the plane.

A `Move` describes how one joint of a figure moves while s goes from 0 to 1; at a given s it is a short chain
of affine maps and wave shears. Every link has an analytic inverse, so the flow of a pixel p of frame 0 is
`M1(M0^-1(p)) - p` without any fitting or search. s is the *eased* time: the middle frame of a triplet is at s
= middle, not at 1/2.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from animeinterp.data.cartoon.curves import Points

Vector = tuple[float, float]


@dataclass(frozen=True)
class Affine:
    """The map p -> matrix p + offset."""

    matrix: NDArray[np.float64]
    offset: NDArray[np.float64]

    def forward(self, points: Points) -> Points:
        """Images of (n, 2) points."""
        return np.asarray(points @ self.matrix.T + self.offset)

    def inverse(self, points: Points) -> Points:
        """Points whose images are given, (n, 2)."""
        return np.asarray((points - self.offset) @ np.linalg.inv(self.matrix).T)


@dataclass(frozen=True)
class Shear:
    """The wave shear p[axis] += amplitude * (sin(k p[other] + phase) - sin(k anchor + phase)).

    The coordinate inside the sine is not changed by the map, so the inverse is the same with a minus. The
    second sine keeps points at `anchor` where they are: a skirt swings below its belt.
    """

    axis: int
    amplitude: float
    wave_number: float
    phase: float
    anchor: float

    def _shift(self, points: Points) -> NDArray[np.float64]:
        inside = self.wave_number * points[:, 1 - self.axis] + self.phase
        return np.asarray(
            self.amplitude * (np.sin(inside) - np.sin(self.wave_number * self.anchor + self.phase))
        )

    def forward(self, points: Points) -> Points:
        """Images of (n, 2) points."""
        moved = points.copy()
        moved[:, self.axis] += self._shift(points)
        return moved

    def inverse(self, points: Points) -> Points:
        """Points whose images are given, (n, 2)."""
        moved = points.copy()
        moved[:, self.axis] -= self._shift(points)
        return moved


Link = Affine | Shear


@dataclass(frozen=True)
class Chain:
    """Links applied one after the other, the first one first."""

    links: tuple[Link, ...]

    def forward(self, points: Points) -> Points:
        """Images of (n, 2) points."""
        for link in self.links:
            points = link.forward(points)
        return points

    def inverse(self, points: Points) -> Points:
        """Points whose images are given, (n, 2)."""
        for link in reversed(self.links):
            points = link.inverse(points)
        return points


@dataclass(frozen=True)
class Wave:
    """A wave shear that grows or travels with s."""

    axis: int
    length: float
    """Wave length in figure units."""
    amplitude: float = 0.0
    growth: float = 0.0
    """Amplitude added while s goes from 0 to 1."""
    phase: float = 0.0
    travel: float = 0.0
    """Phase in radians added while s goes from 0 to 1."""

    def at(self, s: float, gain: float, pivot: Vector) -> Shear:
        """The shear at eased time s, its change multiplied by `gain`."""
        return Shear(
            axis=self.axis,
            amplitude=self.amplitude + gain * s * self.growth,
            wave_number=2 * np.pi / self.length,
            phase=self.phase + gain * s * self.travel,
            anchor=pivot[1 - self.axis],
        )


@dataclass(frozen=True)
class Move:
    """How a joint moves from s = 0 (nothing added but standing waves) to s = 1, in figure units."""

    angle: float = 0.0
    """Turn about the pivot in radians, clockwise on the screen."""
    stretch: Vector = (0.0, 0.0)
    """Natural logarithm of the growth along x and y, about the pivot."""
    shift: Vector = (0.0, 0.0)
    lift: Vector = (0.0, 0.0)
    """Bow of the path: the offset half way along it, zero at both ends."""
    waves: tuple[Wave, ...] = ()

    def at(self, s: float, gain: float, pivot: Vector) -> tuple[Link, ...]:
        """The maps at eased time s; `gain` scales the whole motion, 0 being none.

        Waves come first, then stretch and turn about the pivot, then the shift.
        """
        waves: Sequence[Link] = [wave.at(s, gain, pivot) for wave in self.waves]
        amount = gain * s
        c, n = np.cos(self.angle * amount), np.sin(self.angle * amount)
        matrix = np.array([[c, -n], [n, c]]) * np.exp(np.multiply(self.stretch, amount))[None]
        centre = np.asarray(pivot)
        bow = gain * 4 * s * (1 - s)
        offset = centre - matrix @ centre + np.multiply(self.shift, amount) + np.multiply(self.lift, bow)
        return (*waves, Affine(matrix, offset))


def middle_time(rng: np.random.Generator) -> float:
    """Eased time of the middle frame: 0.24 to 0.42 for a slow start, 0.58 to 0.76 for a slow stop.

    Never within 0.08 of 1/2, so that an interpolation at constant speed differs from the truth.
    """
    away = 0.08 + 0.18 * rng.random()
    return float(0.5 + (away if rng.random() < 0.5 else -away))
