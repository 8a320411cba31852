"""Batches of scenes: the scenes and their augmentation depend only on seed and step.

So a killed training resumes with exactly the batches that it would have seen.
"""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from itertools import pairwise
from pathlib import Path
from typing import NamedTuple, Protocol, Self

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from animeinterp.configs.errors import DataError
from animeinterp.configs.sections import TrainingSection
from animeinterp.data.cutouts import KeptScene
from animeinterp.pipeline.training.augmentation import Example, augment
from animeinterp.pipeline.training.starts import dis_flow, starting_flows

ORDER, CHANCE = 1, 2
"""Streams of random numbers: the order of scenes, and their augmentation."""


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


class Batch(NamedTuple):
    """A batch of `N` scenes of one size, in the form that networks take."""

    frame0: Tensor
    """`(N, 3, H, W)`, RGB, 0..1."""
    frame1: Tensor
    """`(N, 3, H, W)`."""
    middle: Tensor
    """`(N, 3, H, W)`: the frames at `t`."""
    t: Tensor
    """`(N,)`, in (0, 1)."""
    start: Tensor
    """`(2 * N, 2, H, W)`, pixels: flows to start from, of frames 0 and then of frames 1."""
    truth: Tensor
    """`(2 * N, 2, H, W)`: exact flows, in the same order."""
    occluded: Tensor
    """`(2 * N, 1, H, W)`, bool: pixels hidden in the other frame."""
    positions: tuple[int, ...]
    """Positions of the scenes in their set."""
    exact: bool = True
    """Whether `truth` is true; else nothing is known of it, nor of what is hidden."""

    def to(self, device: torch.device) -> Self:
        """The same on another device."""
        tensors = {name: x.to(device) for name, x in zip(self._fields[:-2], self[:-2], strict=True)}
        return type(self)(**tensors, positions=self.positions, exact=self.exact)


def check_scenes(scenes: Source, section: TrainingSection) -> None:
    """Refuse scenes that are smaller than the crop.

    Raises
    ------
    DataError
        They are too small.
    """
    height, width = scenes.smallest
    if min(height, width) < section.crop:
        raise DataError(
            f"{scenes.root}: its frames are {height}x{width}, and training.crop = {section.crop} is larger; "
            f"set training.crop to at most {min(height, width)}, or take larger frames"
        )


class Batches:
    """All batches of a training, by step."""

    def __init__(self, scenes: Scenes, section: TrainingSection) -> None:
        self._scenes, self._section = scenes, section
        self._order: tuple[int, NDArray[np.int64]] = (-1, np.empty(0, np.int64))

    def positions(self, step: int) -> tuple[int, ...]:
        """Scenes of a step: all in a random order, then all in another order."""
        first = step * self._section.batch
        return tuple(self._position(first + k) for k in range(self._section.batch))

    def batch(self, step: int) -> Batch:
        """The batch of a step, from 0.

        Raises
        ------
        DataError
            A scene cannot be read.
        """
        positions = self.positions(step)
        examples, starts = [], []
        for k, position in enumerate(positions):
            rng = np.random.default_rng([self._section.seed, CHANCE, step, k])
            example = augment(_example(self._scenes.scene(position)), self._section, rng)
            examples.append(example)
            first, last = example.frames[0], example.frames[2]
            found = starting_flows(first, last, self._section, rng) if self._scenes.exact else example.flows
            starts.append(found)
        return collate(examples, starts, positions)._replace(exact=self._scenes.exact)

    @contextmanager
    def ahead(self, first: int, last: int) -> Iterator[Iterator[Batch]]:
        """The batches of steps `first` to `last - 1`, each made while the previous one is used."""
        with ThreadPoolExecutor(1, "batches") as thread:

            def each() -> Iterator[Batch]:
                following: Future[Batch] | None = None
                for step in range(first, last):
                    current = following or thread.submit(self.batch, step)
                    following = thread.submit(self.batch, step + 1) if step + 1 < last else None
                    yield current.result()

            yield each()

    def _position(self, number: int) -> int:
        count = len(self._scenes)
        epoch, place = divmod(number, count)
        if self._order[0] != epoch:
            rng = np.random.default_rng([self._section.seed, ORDER, epoch])
            self._order = (epoch, rng.permutation(count))
        return int(self._order[1][place])


def split(batch: Batch, parts: int) -> list[Batch]:
    """Split a batch into smaller ones of nearly equal size."""
    count = len(batch.positions)
    borders = [count * part // parts for part in range(parts + 1)]
    return [_part(batch, slice(*ends), count) for ends in pairwise(borders) if ends[0] < ends[1]]


def _part(batch: Batch, which: slice, count: int) -> Batch:
    def both(tensor: Tensor) -> Tensor:
        return torch.cat([tensor[:count][which], tensor[count:][which]])

    return Batch(
        batch.frame0[which],
        batch.frame1[which],
        batch.middle[which],
        batch.t[which],
        both(batch.start),
        both(batch.truth),
        both(batch.occluded),
        batch.positions[which],
        batch.exact,
    )


def whole_scene(scene: KeptScene, position: int) -> Batch:
    """A scene without augmentation, with DIS flows to start from; for validation."""
    example = _example(scene)
    frame0, frame1 = example.frames[0], example.frames[2]
    start = np.stack([dis_flow(frame0, frame1), dis_flow(frame1, frame0)])
    return collate([example], [start], (position,))


def collate(examples: list[Example], starts: list[NDArray[np.float32]], positions: tuple[int, ...]) -> Batch:
    """Examples of one size as tensors, on the CPU."""
    frames = torch.from_numpy(np.stack([example.frames for example in examples]))
    frame0, middle, frame1 = (frames.permute(1, 0, 4, 2, 3).float() / 255).unbind()
    return Batch(
        frame0,
        frame1,
        middle,
        torch.tensor([example.t for example in examples], dtype=torch.float32),
        _directions([*starts]),
        _directions([example.flows for example in examples]),
        _directions([example.occluded[:, None] for example in examples]),
        positions,
    )


def _directions(both: list[NDArray[np.float32]] | list[NDArray[np.bool_]]) -> Tensor:
    """`N` of `(2, C, H, W)` to `(2 * N, C, H, W)`, all of the first direction before all of the second."""
    return torch.from_numpy(np.concatenate(np.stack(both, axis=1)))


def _example(scene: KeptScene) -> Example:
    return Example(scene.frames, scene.flows.astype(np.float32), scene.occluded, scene.t)
