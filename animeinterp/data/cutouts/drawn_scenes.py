"""Scenes of a training set that is never stored: each is drawn when it is asked for."""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict
from pathlib import Path

from animeinterp.data.cutouts.book import Book, open_book
from animeinterp.data.cutouts.kept_scenes import KeptScene, unpacked
from animeinterp.data.cutouts.scene import SCENE_VERSION, check_scene
from animeinterp.data.cutouts.training_set import SetSettings, draw_arrays

ENDLESS = 1_000_000
"""Scenes; more than a training sees."""


class DrawnScenes:
    """The scenes of a set of `ENDLESS` ones; it may be sent to other processes.

    Parameters
    ----------
    root
        Folder of a book.
    size
        Height and width of a scene, px.
    seed
        Of the first scene.
    cartoons
        Share of scenes, 0..1, that show drawn cartoons.

    Raises
    ------
    configs.errors.DataError
        The folder holds no book, or the size is out of range.
    """

    exact = True
    """Their flows are the true ones."""

    def __init__(self, root: Path, size: tuple[int, int], seed: int = 0, cartoons: float = 0.0) -> None:
        check_scene(seed, size)
        self.root, self.smallest = root, size
        self._settings = SetSettings(ENDLESS, size, seed=seed, cartoons=cartoons)
        self._book: Book | None = open_book(root)
        facts = {"scene": SCENE_VERSION, "book": self._book.digest, "settings": asdict(self._settings)}
        self.digest = hashlib.sha256(json.dumps(facts).encode()).hexdigest()
        """Of the book and all settings."""

    def __len__(self) -> int:
        return self._settings.count

    def __getstate__(self) -> dict[str, object]:
        return self.__dict__ | {"_book": None}  # tens of MB, which the other process reads itself

    def scene(self, position: int) -> KeptScene:
        """Draw a scene: the one at this position of a set with the same settings."""
        if self._book is None:
            self._book = open_book(self.root)
        return unpacked(draw_arrays(self._book, self._settings, position))
