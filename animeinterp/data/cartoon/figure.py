"""A figure: colour pieces in painting order, hung on joints that move.

Figure units are free (people are drawn with a head about 100 wide); y points down.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

import numpy as np

from animeinterp.data.cartoon.curves import Points, limb
from animeinterp.data.cartoon.motion import Chain, Link, Move, Vector
from animeinterp.data.cartoon.palette import Colour, Style

ROOT = "root"
"""The joint every other one hangs on."""


@dataclass(frozen=True)
class Piece:
    """One flat colour piece with its outline."""

    points: Points
    fill: Colour
    line: Colour | None
    """Colour of the outline; none for shading and ink strokes."""
    weight: float
    """Width of the outline in multiples of the style's pen."""
    joint: str
    within: tuple[int, ...] = ()
    """Paint only where one of these earlier pieces of the figure shows; anywhere when empty."""


@dataclass(frozen=True)
class Joint:
    """A moving part: it turns about `pivot` and is carried by `parent`."""

    pivot: Vector
    parent: str | None


@dataclass
class Figure:
    """Pieces and joints of one character or thing, plus what a director needs to know to place it."""

    style: Style
    kind: str
    pieces: list[Piece] = field(default_factory=list)
    joints: dict[str, Joint] = field(default_factory=dict)
    pivot: Vector = (0.0, 0.0)
    """The point the whole figure turns and grows about: its feet, mostly."""
    box: tuple[float, float, float, float] = (0.0, 0.0, 0.0, 0.0)
    """Left, top, right, bottom of what has to be in view, in figure units."""
    theme: Colour | None = None
    """Colour that distinguishes the figure from others of its kind: a person's hair."""
    origin: Vector = (0.0, 0.0)
    """Added to the points of every piece that is added."""
    _joint: str = ROOT

    def __post_init__(self) -> None:
        self.joints[ROOT] = Joint(self.pivot, None)

    def joint(self, name: str, pivot: Vector, parent: str = ROOT) -> None:
        """Add a joint."""
        self.joints[name] = Joint(pivot, parent)

    @contextmanager
    def on(self, name: str) -> Iterator[None]:
        """Hang the pieces added inside the block on the joint `name`."""
        before, self._joint = self._joint, name
        yield
        self._joint = before

    def add(
        self,
        points: Points,
        fill: Colour,
        *,
        line: bool = True,
        weight: float = 1.0,
        within: tuple[int, ...] = (),
    ) -> int:
        """Add a piece above the others and return its index."""
        ink = self.style.ink(fill) if line else None
        self.pieces.append(Piece(points + self.origin, fill, ink, weight, self._joint, within))
        return len(self.pieces) - 1

    def shade(self, points: Points, fill: Colour, *within: int) -> int:
        """Add a piece of shadow or light on earlier pieces, without an outline."""
        return self.add(points, fill, line=False, within=within)

    def stroke(
        self,
        points: object,
        width: float,
        fill: Colour | None = None,
        *,
        taper: float = 0.15,
        within: tuple[int, ...] = (),
    ) -> int:
        """Add an ink stroke, thickest in the middle; `taper` is the relative width of its ends."""
        line = np.asarray(points, np.float64)
        middle = np.linspace(-1, 1, max(len(line), 5))
        radii = 0.5 * width * (taper + (1 - taper) * (1 - middle**2))
        colour = self.style.ink((60, 40, 40)) if fill is None else fill
        return self.add(limb(line, list(radii)), colour, line=False, within=within)

    def maps(self, moves: dict[str, Move], placement: Link, s: float, gain: float) -> dict[str, Chain]:
        """Map of every joint from figure units to frame pixels at eased time s."""
        still = Move()
        chains: dict[str, Chain] = {}
        for name in self.joints:
            links: list[Link] = []
            at: str | None = name
            while at is not None:
                joint = self.joints[at]
                links.extend(moves.get(at, still).at(s, gain, joint.pivot))
                at = joint.parent
            chains[name] = Chain((*links, placement))
        return chains
