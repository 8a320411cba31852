from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from animeinterp.configs.errors import CacheError
from animeinterp.pipeline.compute.registry import STAGES
from animeinterp.pipeline.results.reading import Results, open_cache, open_results
from animeinterp.pipeline.results.scores import score_table
from tests.pipeline.small_runs import PAIRS, SIZE, Opener, Runner


@pytest.fixture
def results(finished: None, settings: list[str]) -> Results:
    return open_results("demo", settings)


def test_results_hold_every_current_item(results: Results, open_session: Opener) -> None:
    session = open_session()
    assert list(results) == list(STAGES)
    assert len(results) == len(STAGES)
    for stage in results:
        expected = {record.id: record.status for _, record in session.records(stage) if record}
        assert results[stage].table()["status"].to_dict() == expected
        assert results[stage].ids == list(expected)
    assert results.scores().equals(score_table(session))


def test_arrays_are_those_of_the_cache(results: Results, open_session: Opener) -> None:
    session = open_session()
    for stage in results:
        item, location = next(iter(session.locations(stage)))
        assert location is not None
        name = session.layout.item_id(stage, item)
        arrays = results[stage].arrays(name)
        expected = location.read()
        assert arrays.keys() == expected.keys()
        for key, array in expected.items():
            np.testing.assert_array_equal(arrays[key], array)
        group, row = results[stage].group(name)
        assert group.attrs["stage"] == stage
        assert results[stage].table().loc[name, "row"] == row
    pair = results["refinement"].ids[0]
    assert results["refinement"].arrays(pair, ["refined_flow10"]).keys() == {"refined_flow10"}


def test_datasets_have_dimensions_and_meanings(results: Results) -> None:
    for stage in results:
        name = results[stage].ids[0]
        dataset = results[stage].dataset(name)
        assert set(dataset.data_vars) == set(results[stage].arrays(name))
        assert all(variable.attrs["meaning"] for variable in dataset.data_vars.values())
    flows = results["coarse_flow"].dataset(results["coarse_flow"].ids[0])
    assert flows["coarse_flow01"].dims == ("dx_dy", "y", "x")
    assert (flows.sizes["y"], flows.sizes["x"]) == SIZE


def test_nothing_is_written(results: Results, tmp_path: Path) -> None:
    def state() -> dict[Path, int]:
        return {path: path.stat().st_mtime_ns for path in (tmp_path / "cache").rglob("*")}

    before = state()
    results["synthesis"].arrays(results["synthesis"].ids[0])
    open_cache(tmp_path / "cache")["matching"].table()
    assert state() == before


def test_unknown_items_and_stages_are_named(results: Results) -> None:
    known = results["matching"].ids[0]
    with pytest.raises(CacheError, match=f"matching has no item '{known}x'; did you mean {known}"):
        results["matching"].arrays(known + "x")
    with pytest.raises(KeyError, match="'flow'; there are segmentation, features"):
        results["flow"]


def test_a_cache_without_its_frames(run: Runner, results: Results, tmp_path: Path) -> None:
    run("coarse_flow.max_shift=99", last="coarse_flow")
    cache = open_cache(tmp_path / "cache")
    assert len(cache["coarse_flow"].ids) == PAIRS
    assert cache["coarse_flow"].table()["shard"].tolist() != results["coarse_flow"].table()["shard"].tolist()
    assert cache["segmentation"].table().equals(results["segmentation"].table().sort_index())
    assert cache["evaluation"].ids == []
    with pytest.raises(CacheError, match="nothing of it has been computed"):
        cache["evaluation"].arrays("x")
    with pytest.raises(CacheError, match="scores need a config"):
        cache.scores()


def test_a_folder_that_is_no_cache(tmp_path: Path) -> None:
    with pytest.raises(CacheError, match="not a cache of a run"):
        open_cache(tmp_path)
