from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from animeinterp.configs.errors import AnimeInterpError, CacheError
from animeinterp.configs.loading import load_config
from animeinterp.configs.sections import Config
from animeinterp.pipeline.compute.batching import Computed, compute_items, pairs_at_once
from animeinterp.pipeline.compute.entry import NetworkPair, StageBinding, Together
from animeinterp.pipeline.compute.item_source import ItemSource
from animeinterp.pipeline.compute.shard_jobs import run_shard
from animeinterp.pipeline.planning.shard_planning import shard_job
from animeinterp.pipeline.store.shard_manifest import read_manifest
from animeinterp.pipeline.store.shards import read_item
from tests.pipeline.small_runs import Opener

CONFIG = load_config("paper", ["executor.pairs_at_once=4"])


class Stage:
    """A refinement of its own kind: an item's flow is its number everywhere."""

    def __init__(self, most: int = 100, poison: Sequence[int] = (), unreadable: Sequence[int] = ()) -> None:
        self.most, self.poison, self.unreadable = most, poison, unreadable
        self.batches: list[list[int]] = []
        self.times: defaultdict[int, tuple[float, ...]] = defaultdict(tuple)

    def read(self, source: ItemSource, config: Config) -> NetworkPair:
        number, height = (int(path.name) for path in source.frames)
        if number in self.unreadable:
            raise ValueError(f"{number} cannot be read")
        return NetworkPair(number, (height, 4), self.times[number])

    def compute(self, inputs: Sequence[NetworkPair], config: Config) -> list[dict[str, np.ndarray]]:
        self.batches.append([read.pair for read in inputs])
        if len(inputs) > self.most:
            raise torch.OutOfMemoryError("CUDA out of memory")
        if set(self.poison) & set(self.batches[-1]):
            raise ValueError("poisoned")
        return [
            {
                name: np.full((2, *read.size), read.pair, np.float32)
                for name in ("refined_flow01", "refined_flow10")
            }
            for read in inputs
        ]

    def results(self, *items: tuple[int, int], config: Config = CONFIG) -> list[Computed]:
        together = Together(self.read, self.compute)
        binding = StageBinding(name="refinement", unit="pair", version=1, work=lambda: together)
        sources = [(f"pair {n}", ItemSource(frames=(Path(str(n)), Path(str(height))))) for n, height in items]
        return list(compute_items(binding, sources, config))


def numbers(results: Sequence[Computed]) -> list[Any]:
    return [
        type(r.result) if isinstance(r.result, Exception) else int(r.result["refined_flow01"][0, 0, 0])
        for r in results
    ]


def test_as_many_at_once_as_allowed_and_the_last_repeated() -> None:
    stage = Stage()
    results = stage.results(*((n, 8) for n in range(6)))
    assert numbers(results) == list(range(6))
    assert stage.batches == [[0, 1, 2, 3], [4, 5, 5, 5]]
    assert all(result.seconds > 0 for result in results)


def test_only_items_of_one_size_go_together() -> None:
    stage = Stage()
    results = stage.results((0, 8), (1, 8), (2, 6), (3, 8))
    assert numbers(results) == [0, 1, 2, 3]
    assert stage.batches == [[0, 1, 1, 1], [2, 2, 2, 2], [3, 3, 3, 3]]
    assert results[2].result["refined_flow01"].shape == (2, 6, 4)


def test_only_items_for_the_same_times_go_together() -> None:
    stage = Stage()
    stage.times[2] = (0.25,)
    assert numbers(stage.results(*((n, 8) for n in range(4)))) == [0, 1, 2, 3]
    assert stage.batches == [[0, 1, 1, 1], [2, 2, 2, 2], [3, 3, 3, 3]]


def test_an_item_that_fails_does_so_alone() -> None:
    results = Stage(poison=[2], unreadable=[4]).results(*((n, 8) for n in range(6)))
    assert numbers(results) == [0, 1, ValueError, 3, ValueError, 5]
    assert str(results[2].result) == "poisoned"
    assert str(results[4].result) == "4 cannot be read"


def test_out_of_memory_halves_the_number_from_then_on() -> None:
    stage = Stage(most=1)
    assert numbers(stage.results(*((n, 8) for n in range(6)))) == list(range(6))
    assert stage.batches == [[0, 1, 2, 3], [0, 1], [0], [1], [2], [3], [4], [5]]


def test_a_pair_too_large_for_the_memory_names_size_and_settings() -> None:
    results = Stage(most=0).results((7, 8))
    assert isinstance(results[0].result, AnimeInterpError)
    assert str(results[0].result) == (
        "pair 7: refinement ran out of memory on the cpu with one pair of 4x8 "
        "(refinement.precision = 'auto'); choose fewer executor.workers, refinement.precision = "
        "'bfloat16' or another executor.device, and run again with --retry-failed"
    )


def test_trouble_of_the_cache_is_no_items() -> None:
    stage = Stage()
    stage.read = lambda source, config: (_ for _ in ()).throw(CacheError("gone"))  # type: ignore[method-assign]
    with pytest.raises(CacheError, match="gone"):
        stage.results((0, 8))


def test_a_cpu_takes_one_pair_unless_told_otherwise() -> None:
    assert pairs_at_once(load_config("paper"), (540, 960)) == 1
    assert pairs_at_once(CONFIG, (540, 960)) == 4


@pytest.mark.gpu
def test_a_gpu_takes_fewer_of_larger_pairs() -> None:
    config = load_config("paper", ["executor.device=cuda"])
    assert 16 >= pairs_at_once(config, (540, 960)) >= pairs_at_once(config, (2160, 3840)) >= 1


def test_a_real_stage_gives_the_same_at_once(finished: None, open_session: Opener, tmp_path: Path) -> None:
    arrays = []
    for setting in ("executor.pairs_at_once=1", "executor.pairs_at_once=2"):
        session = open_session(setting, force=frozenset({"synthesis"}))
        outcome = run_shard(shard_job(session, "synthesis", 0))
        assert outcome.computed == 2
        path = shard_job(session, "synthesis", 0).path
        manifest = read_manifest(path)
        assert manifest is not None
        arrays.append([read_item(path, manifest, row)["frames"] for row in range(2)])
    for one, together in zip(*arrays, strict=True):
        assert np.abs(one.astype(int) - together).max() <= 1
