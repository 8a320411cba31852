"""Plans of tiny trainings, and their scenes."""

from __future__ import annotations

from collections.abc import Callable

from animeinterp.data.cutouts import KeptScene
from animeinterp.pipeline.training.plan import Plan
from animeinterp.pipeline.training.scenes import Scenes

MakePlan = Callable[..., Plan]


class OneScene:
    """One of some scenes."""

    exact = True

    def __init__(self, scenes: Scenes, which: int = 0) -> None:
        self._scenes, self._which = scenes, which

    def __len__(self) -> int:
        return 1

    def scene(self, position: int) -> KeptScene:
        return self._scenes.scene(self._which + position)
