"""The stages on one pair in memory, without files and cache."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from animeinterp.configs.errors import ConfigError
from animeinterp.configs.sections import Config
from animeinterp.data.images import Frame
from animeinterp.data.manifest import style_of
from animeinterp.models.arrays import check_pair
from animeinterp.pipeline.compute.item_source import ItemSource
from animeinterp.pipeline.compute.registry import binding_of, needed_for
from animeinterp.pipeline.store.array_specs import Array

Arrays = dict[str, Array]


@dataclass(frozen=True, slots=True)
class ArraySource(ItemSource):
    """An item whose frames and earlier results are at hand."""

    pictures: tuple[Frame, ...] = ()
    """The frame, or frame 0 and frame 1."""
    results: Mapping[str, Sequence[Arrays]] = field(default_factory=dict)
    """Of the stages that it reads, one for each frame where these work on frames."""

    def size(self) -> tuple[int, int]:
        """Height and width of the frames."""
        height, width = self.pictures[0].shape[:2]
        return height, width

    def frame(self, index: int) -> Frame:
        """A frame: uint8 (H, W, 3), RGB."""
        return self.pictures[index]

    def reads(self, stage: str) -> bool:
        """Whether it reads an earlier stage."""
        return stage in self.results

    def read(self, stage: str, index: int = 0, names: Sequence[str] | None = None) -> Arrays:
        """Arrays of the index-th item of an earlier stage, all by default."""
        found = self.results[stage][index]
        return {name: array for name, array in found.items() if names is None or name in names}


def compute_pair(frame0: Frame, frame1: Frame, config: Config, last: str) -> Mapping[str, Sequence[Arrays]]:
    """Compute a stage, and those that it depends on, for two frames.

    Parameters
    ----------
    frame0, frame1
        uint8, `(H, W, 3)`, RGB, of one size.
    config, last
        The settings, and the stage.

    Returns
    -------
    Mapping
        Arrays of each stage, as the cache keeps them: of both frames, or of the pair.

    Raises
    ------
    ValueError
        The frames are not of that kind.
    ConfigError
        The coarse flow is to be read from files.
    """
    check_pair(frame0, frame1)
    pictures = np.ascontiguousarray(frame0), np.ascontiguousarray(frame1)
    done: dict[str, Sequence[Arrays]] = {}
    for stage in needed_for(last, config):
        binding = binding_of(stage, config)
        if binding.imports:
            raise ConfigError(f"{stage}.method = 'imported' reads flows from files; two arrays have none")
        whole = ArraySource(
            style=style_of("", config.data),
            times=config.synthesis.times,
            pictures=pictures,
            results={name: done[name] for name in binding.reads},
        )
        items = [whole] if binding.unit == "pair" else [_of_frame(whole, k) for k in range(len(pictures))]
        done[stage] = [binding.compute(item, config) for item in items]
    return done


def _of_frame(whole: ArraySource, index: int) -> ArraySource:
    results = {name: found[index : index + 1] for name, found in whole.results.items()}
    return replace(whole, pictures=whole.pictures[index : index + 1], results=results)
