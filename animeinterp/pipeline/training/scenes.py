"""What training takes scenes from."""

from __future__ import annotations

from pathlib import Path
from typing import Protocol

from animeinterp.data.cutouts import KeptScene


class Scenes(Protocol):
    """Anything that holds scenes."""

    @property
    def exact(self) -> bool:
        """Whether their flows are the true ones; else they are those to start from."""

    def __len__(self) -> int:
        """Number of scenes."""

    def scene(self, position: int) -> KeptScene:
        """The scene at a position, from 0."""


class Source(Scenes, Protocol):
    """Scenes to train on."""

    @property
    def root(self) -> Path:
        """Their folder."""

    @property
    def digest(self) -> str:
        """Of all that is in them."""

    @property
    def smallest(self) -> tuple[int, int]:
        """Height and width of the smallest frames, px."""
