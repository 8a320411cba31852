"""Pairs of a dataset with a true middle frame, and their initial flows from the cache, to train on."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from animeinterp.configs.errors import DataError
from animeinterp.configs.sections import Config
from animeinterp.data.cutouts import KeptScene
from animeinterp.data.images import Frame, read_image
from animeinterp.data.manifest import Pair
from animeinterp.data.truth import TRUTH_TIME
from animeinterp.pipeline.planning.selection import Selection
from animeinterp.pipeline.planning.session import Session
from animeinterp.pipeline.store.fingerprints import canonical_digest
from animeinterp.pipeline.store.stage_index import Location

STAGE = "coarse_flow"


class CachedPairs:
    """The pairs of a config that have a ground truth and current coarse flows.

    Parameters
    ----------
    config
        Its dataset, cache and stages.

    Raises
    ------
    DataError
        There is no such pair.
    AnimeInterpError
        Dataset, weights or cache are unusable.
    """

    exact = False
    """Its flows are not the true ones, but those to start from."""

    def __init__(self, config: Config) -> None:
        session = Session.open(config, Selection(first=STAGE, last=STAGE), look_only=True)
        self.root: Path = session.manifest.root
        self._frames = session.manifest.frames
        self._pairs: list[tuple[Pair, Location]] = []
        for number, at in session.locations(STAGE):
            pair = session.manifest.pairs[number]
            if at is not None and at.record.status == "ok" and pair.truth is not None:
                self._pairs.append((pair, at))
        if not self._pairs:
            raise DataError(
                f"{self.root}: none of {len(session.manifest.pairs)} pairs has both a ground truth and a "
                f"current coarse flow in {config.store.cache}; expected at least one: run the stages first, "
                "with the same config and --to coarse_flow"
            )
        sizes = [self._frames[index].size for pair, _ in self._pairs for index in pair.frames]
        self.smallest = (min(s[0] for s in sizes if s), min(s[1] for s in sizes if s))
        """Height and width of the smallest frames, px."""
        self.digest = canonical_digest(
            [
                [pair.id, *(self._frames[index].digest for index in pair.frames), at.record.output_digest]
                for pair, at in self._pairs
            ]
        )
        """Of all frames and flows."""

    def __len__(self) -> int:
        return len(self._pairs)

    def scene(self, position: int) -> KeptScene:
        """A pair; its flows are those to start from.

        Raises
        ------
        DataError, CacheError
            A frame or the flow cannot be read.
        """
        pair, at = self._pairs[position]
        truth = pair.truth
        if truth is None:  # left out above
            raise DataError(f"{pair.id}: no ground truth")
        first, second = (self._frames[index].path for index in pair.frames)
        frames: list[Frame] = [read_image(path) for path in (first, truth.path, second)]
        flows = at.read()
        both: NDArray[np.float32] = np.stack([flows["coarse_flow01"], flows["coarse_flow10"]])
        nothing = np.zeros((2, *both.shape[2:]), np.bool_)
        return KeptScene(np.stack(frames), both, nothing, TRUTH_TIME, position, degraded=False)
