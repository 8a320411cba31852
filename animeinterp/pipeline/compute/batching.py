"""Compute items one by one, or several at once on a GPU in the stages with networks.

A batch has items of one frame size and the same times, as many as fit in the device's memory. If there are
too few, the last is repeated, so that no result depends on the other items of a batch. If memory runs out
nevertheless, the batch is halved.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from typing import Any, NamedTuple

from animeinterp.configs.errors import AnimeInterpError, CacheError, WeightsError
from animeinterp.configs.sections import Config
from animeinterp.pipeline.compute.entry import StageBinding, Together
from animeinterp.pipeline.compute.item_source import ItemSource
from animeinterp.pipeline.store.array_specs import Array, check_item

# Peak of a pair in refinement or synthesis, measured at 540x960 to 2160x3840: 0.5 to 1.7 kB a pixel; more for
# a GPU's volume of correlations (1.3 kB a pixel at 540x960), and for what its allocator cannot use.
BYTES_PER_PIXEL = 4e3
SHARE_OF_MEMORY = 0.5
"""Of the GPU's free memory; other processes may share it."""
MOST_PAIRS = 16
"""More at once gain nothing: a 540p pair alone fills a large GPU for milliseconds."""

Arrays = Mapping[str, Array]


class Computed(NamedTuple):
    """The outcome of an item."""

    result: Any
    """Its arrays by name, or the exception that it raised."""
    seconds: float
    """Its share of the time of its batch."""


def compute_items(
    binding: StageBinding, items: Sequence[tuple[str, ItemSource]], config: Config
) -> Iterator[Computed]:
    """Compute items, given by id and source, in their order.

    Raises
    ------
    CacheError, WeightsError, OSError, MemoryError
        A problem of the cache, a setting or the machine, not of an item.
    """
    work = binding.work()
    if not isinstance(work, Together):
        for _, source in items:
            yield _one(partial(_checked, binding, source, config))
        return
    waiting = _Waiting(binding.name, work, config)
    for name, source in items:
        yield from waiting.add(name, source)
    yield from waiting.flush()


class _Waiting:
    """Items that have been read and wait to be computed together."""

    def __init__(self, stage: str, together: Together, config: Config) -> None:
        self._stage, self._together, self._config = stage, together, config
        self._waiting: list[tuple[str, Any, float]] = []
        self._size = (0, 0)
        self._times: tuple[float, ...] = ()
        self._most = 1

    def add(self, name: str, source: ItemSource) -> Iterator[Computed]:
        """Read an item; yield the items that this completes, if any."""
        read = _one(partial(self._together.read, source, self._config))
        if isinstance(read.result, Exception):
            yield from self.flush()
            yield read
            return
        size, times = read.result.size, read.result.times
        if (size, times) != (self._size, self._times):
            yield from self.flush()
            self._size, self._times, self._most = size, times, pairs_at_once(self._config, size)
        self._waiting.append((name, read.result, read.seconds))
        if len(self._waiting) == self._most:
            yield from self.flush()

    def flush(self) -> Iterator[Computed]:
        """Compute the waiting items."""
        waiting, self._waiting = self._waiting, []
        started = time.monotonic()
        results = self._compute([(name, inputs) for name, inputs, _ in waiting], self._most)
        share = (time.monotonic() - started) / max(1, len(waiting))
        for (_, _, seconds), result in zip(waiting, results, strict=True):
            yield Computed(result, seconds + share)

    def _compute(self, items: Sequence[tuple[str, Any]], most: int) -> list[Arrays | Exception]:
        if not items:
            return []
        inputs = [value for _, value in items]
        filled = inputs + inputs[-1:] * (most - len(inputs))
        try:
            arrays = self._together.compute(filled, self._config)[: len(inputs)]
            for result in arrays:
                check_item(self._stage, result)
        except (CacheError, WeightsError, OSError):
            raise
        except Exception as error:  # noqa: BLE001 - as in `_one`
            if _out_of_memory(error):
                return self._with_less_memory(items, most)
            if len(items) == 1:
                return [error]
            return [result for item in items for result in self._compute([item], most)]
        return list(arrays)

    def _with_less_memory(self, items: Sequence[tuple[str, Any]], most: int) -> list[Arrays | Exception]:
        import torch  # late: a run's own process needs none of it

        if torch.cuda.is_available():
            torch.cuda.empty_cache()
        if most > 1:
            self._most = most // 2  # from now on
            results: list[Arrays | Exception] = []
            while len(results) < len(items):
                part = items[len(results) :][: self._most]
                results += self._compute(part, self._most)
            return results
        height, width = self._size
        device = self._config.executor.device
        precision = getattr(self._config, self._stage).precision
        return [
            AnimeInterpError(
                f"{name}: {self._stage} ran out of memory on the {device} with one pair of {width}x{height} "
                f"({self._stage}.precision = {precision!r}); choose fewer executor.workers, "
                f"{self._stage}.precision = 'bfloat16' or another executor.device, and run again with "
                "--retry-failed"
            )
            for name, _ in items
        ]


def pairs_at_once(config: Config, size: tuple[int, int]) -> int:
    """How many pairs of a frame size are computed at once."""
    if config.executor.pairs_at_once:
        return config.executor.pairs_at_once
    if config.executor.device == "cpu":
        return 1  # one pair keeps all cores busy, and memory low
    import torch

    free, _ = torch.cuda.mem_get_info()
    pixels = size[0] * size[1]
    return max(1, min(MOST_PAIRS, int(SHARE_OF_MEMORY * free / (BYTES_PER_PIXEL * pixels))))


def _checked(binding: StageBinding, source: ItemSource, config: Config) -> Arrays:
    arrays = binding.compute(source, config)
    check_item(binding.name, arrays)
    return arrays


def _one(compute: Callable[[], Any]) -> Computed:
    """The result of a computation, or its exception."""
    started = time.monotonic()
    result: Any
    try:
        result = compute()
    except (CacheError, WeightsError, OSError, MemoryError):
        raise  # a problem of the cache, a setting or the machine, not of the item
    except Exception as error:  # noqa: BLE001 - whatever a bad item provokes is that item's failure alone
        result = error
    return Computed(result, time.monotonic() - started)


def _out_of_memory(error: Exception) -> bool:
    # Torch has an exception type for a lack of GPU memory alone.
    lacking = isinstance(error, MemoryError) or type(error).__name__ == "OutOfMemoryError"
    return lacking or "can't allocate memory" in str(error)
