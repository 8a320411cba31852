"""Batches of scenes: the scenes and their augmentation depend only on seed and step.

So a killed training resumes with exactly the batches that it would have seen.
"""

from __future__ import annotations

import multiprocessing
from collections import deque
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ProcessPoolExecutor, ThreadPoolExecutor
from contextlib import contextmanager
from itertools import pairwise
from typing import NamedTuple, Self

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from animeinterp.configs.errors import DataError
from animeinterp.configs.sections import TrainingSection
from animeinterp.data.cutouts import KeptScene
from animeinterp.data.cutouts.processes import start_worker
from animeinterp.pipeline.training.augmentation import Example, augment
from animeinterp.pipeline.training.scenes import Source
from animeinterp.pipeline.training.starts import Starts, composite_of, starting_flows

ORDER, CHANCE, SHRINK = 1, 2, 3
"""Streams of random numbers: the order of scenes, their augmentation, and how small masks are drawn."""

Asked = tuple[int, int, int]
"""Step, number in the batch, and position of the scene."""


class Started(NamedTuple):
    """An example, and what refinement and synthesis take besides."""

    example: Example
    start: NDArray[np.float32]
    """`(2, 2, H, W)`, pixels: the flows that refinement starts from."""
    composite: NDArray[np.float32]
    """`(H, W, 3)`, RGB, 0..1: the frame at `t`, made of the searched flows."""


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
    composite: Tensor
    """`(N, 3, H, W)`: the frames at `t`, made of the searched flows."""
    positions: tuple[int, ...]
    """Positions of the scenes in their set."""
    exact: bool = True
    """Whether `truth` is true; else nothing is known of it, nor of what is hidden."""
    shrink: float = 1.0
    """How many times as small the frames are made for which light synthesis draws masks."""

    def to(self, device: torch.device) -> Self:
        """The same on another device."""
        tensors = {name: x.to(device) for name, x in zip(self._fields[:-3], self[:-3], strict=True)}
        return type(self)(**tensors, positions=self.positions, exact=self.exact, shrink=self.shrink)


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

    def __init__(self, starts: Starts, section: TrainingSection) -> None:
        self._scenes, self._starts, self._section = starts.scenes, starts, section
        self._order: tuple[int, NDArray[np.int64]] = (-1, np.empty(0, np.int64))
        self._pool: ProcessPoolExecutor | None = None

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
        asked = [(step, k, position) for k, position in enumerate(positions)]
        made = map(self._started, asked) if self._pool is None else self._pool.map(_started, asked)
        chance = np.random.default_rng([self._section.seed, SHRINK, step])
        shrink = float(chance.uniform(1, self._section.shrink))
        return collate([*made], positions)._replace(exact=self._scenes.exact, shrink=shrink)

    def _started(self, asked: Asked) -> Started:
        """An example of a step."""
        step, k, position = asked
        rng = np.random.default_rng([self._section.seed, CHANCE, step, k])
        scene = self._scenes.scene(position)
        example = augment(_example(scene, self._starts.flows(position, scene)), self._section, rng)
        if self._scenes.exact:
            start = starting_flows(example.start, self._section, rng)
        else:
            start = example.flows if self._section.networks == "full" else example.start
        return Started(example, start, _composite(example))

    @contextmanager
    def ahead(self, first: int, last: int) -> Iterator[Iterator[Batch]]:
        """The batches of steps `first` to `last - 1`, made while earlier ones are used."""
        # Two at a time keep all processes busy while one is put together.
        threads = 2 if self._section.workers else 1
        with self._processes(), ThreadPoolExecutor(threads, "batches") as pool:

            def each() -> Iterator[Batch]:
                made: deque[Future[Batch]] = deque()
                for step in range(first, last):
                    ahead = range(step + len(made), min(last, step + threads + 1))
                    made.extend(pool.submit(self.batch, following) for following in ahead)
                    yield made.popleft().result()

            yield each()

    @contextmanager
    def _processes(self) -> Iterator[None]:
        """The configured processes, for as long as batches are made."""
        if not self._section.workers:
            yield
            return
        # Forked children of a process with threads may hang.
        spawned = multiprocessing.get_context("spawn")
        given = self._starts, self._section
        with ProcessPoolExecutor(self._section.workers, spawned, _start, given) as pool:
            self._pool = pool
            try:
                yield
            finally:
                self._pool = None
                pool.shutdown(cancel_futures=True)

    def _position(self, number: int) -> int:
        count = len(self._scenes)
        epoch, place = divmod(number, count)
        known, order = self._order
        if known != epoch:
            order = np.random.default_rng([self._section.seed, ORDER, epoch]).permutation(count)
            self._order = (epoch, order)
        return int(order[place])


_batches: Batches
"""A process's own."""


def _start(starts: Starts, section: TrainingSection) -> None:
    global _batches
    start_worker()
    _batches = Batches(starts, section)


def _started(asked: Asked) -> Started:
    return _batches._started(asked)


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
        batch.composite[which],
        batch.positions[which],
        batch.exact,
        batch.shrink,
    )


def whole_scene(scene: KeptScene, position: int, flows: NDArray[np.float32], shrink: float = 1.0) -> Batch:
    """A scene with exact flows, without augmentation, for validation; `flows` are its default ones."""
    example = _example(scene, flows)
    batch = collate([Started(example, example.start, _composite(example))], (position,))
    return batch._replace(shrink=shrink)


def collate(made: Sequence[Started], positions: tuple[int, ...]) -> Batch:
    """Examples of one size as tensors, on the CPU."""
    examples = [each.example for each in made]
    frames = torch.from_numpy(np.stack([example.frames for example in examples]))
    frame0, middle, frame1 = (frames.permute(1, 0, 4, 2, 3).float() / 255).unbind()
    return Batch(
        frame0,
        frame1,
        middle,
        torch.tensor([example.t for example in examples], dtype=torch.float32),
        _directions([each.start for each in made]),
        _directions([example.flows for example in examples]),
        _directions([example.occluded[:, None] for example in examples]),
        torch.from_numpy(np.stack([each.composite for each in made])).permute(0, 3, 1, 2),
        positions,
    )


def _directions(both: list[NDArray[np.float32]] | list[NDArray[np.bool_]]) -> Tensor:
    """`N` of `(2, C, H, W)` to `(2 * N, C, H, W)`, all of the first direction before all of the second."""
    return torch.from_numpy(np.concatenate(np.stack(both, axis=1)))


def _example(scene: KeptScene, start: NDArray[np.float32]) -> Example:
    return Example(scene.frames, scene.flows.astype(np.float32), scene.occluded, scene.t, start)


def _composite(example: Example) -> NDArray[np.float32]:
    return composite_of(example.frames[0], example.frames[2], example.start, example.t)
