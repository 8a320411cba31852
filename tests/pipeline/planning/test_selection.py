from __future__ import annotations

from pathlib import Path

import pytest

from animeinterp.configs.errors import ConfigError
from animeinterp.configs.loading import load_config
from animeinterp.data.manifest import Manifest, Pair
from animeinterp.pipeline.compute.registry import STAGES
from animeinterp.pipeline.planning.selection import Selection, unknown_pair, wanted_pairs, wanted_stages

IDS = ("Japan_a", "Japan_b", "Disney_a", "Disney_b")
MANIFEST = Manifest(Path("dataset"), (), tuple(Pair(name, ()) for name in IDS))


def test_all_stages_unless_told() -> None:
    assert Selection().stages == tuple(STAGES)


@pytest.mark.parametrize(
    ("first", "last", "expected"),
    [
        ("coarse_flow", "synthesis", ("coarse_flow", "refinement", "synthesis")),
        ("matching", "matching", ("matching",)),
        ("segmentation", "features", ("segmentation", "features")),
    ],
)
def test_stages_from_first_to_last(first: str, last: str, expected: tuple[str, ...]) -> None:
    assert Selection(first, last).stages == expected


@pytest.mark.parametrize(
    ("selection", "said"),
    [
        (Selection("flow"), "stage 'flow' is unknown; the stages are segmentation, "),
        (Selection(last="Synthesis"), "stage 'Synthesis' is unknown"),
        (Selection(force=frozenset({"matches"})), "stage 'matches' is unknown"),
        (Selection("evaluation", "synthesis"), "--from evaluation comes after --to synthesis; the order is"),
    ],
)
def test_impossible_stages_are_refused(selection: Selection, said: str) -> None:
    with pytest.raises(ConfigError, match=said):
        _ = selection.stages


SGM, ZERO = load_config("paper"), load_config("paper", ["coarse_flow.method=zero"])


@pytest.mark.parametrize(
    ("selection", "expected"),
    [
        (Selection(), ("coarse_flow", "refinement", "synthesis", "evaluation")),
        (Selection(last="coarse_flow"), ("coarse_flow",)),
        (Selection(last="matching"), ("segmentation", "features", "matching")),
        (Selection("features", "features"), ("features",)),
        (Selection("refinement", "synthesis"), ("refinement", "synthesis")),
    ],
)
def test_only_stages_that_the_last_one_rests_on_are_wanted(
    selection: Selection, expected: tuple[str, ...]
) -> None:
    assert wanted_stages(selection, ZERO) == expected
    assert wanted_stages(selection, SGM) == selection.stages


def test_stages_that_do_not_run_cannot_be_forced() -> None:
    assert "matching" in wanted_stages(Selection(force=frozenset({"matching"})), SGM)
    for selection, config in (
        (Selection(force=frozenset({"matching"})), ZERO),
        (Selection("coarse_flow", force=frozenset({"matching"})), SGM),
    ):
        with pytest.raises(ConfigError, match=r"--force matching: .*does not run \(coarse_flow, ref"):
            wanted_stages(selection, config)


@pytest.mark.parametrize(
    ("selection", "expected"),
    [
        (Selection(), {0, 1, 2, 3}),
        (Selection(limit=2), {0, 1}),
        (Selection(limit=9), {0, 1, 2, 3}),
        (Selection(ids=("Disney_b", "Japan_b")), {1, 3}),
        (Selection(ids=("Disney_b", "Japan_b"), limit=1), {3}),
    ],
)
def test_wanted_pairs(selection: Selection, expected: set[int]) -> None:
    assert wanted_pairs(MANIFEST, selection) == expected


def test_unknown_pair_names_the_dataset_and_similar_ids() -> None:
    with pytest.raises(ConfigError, match="no pair 'Japan_c' in dataset; did you mean Japan_b, Japan_a"):
        wanted_pairs(MANIFEST, Selection(ids=("Japan_a", "Japan_c")))
    assert "did you mean Japan_a, Japan_b, Disney_a" in str(unknown_pair(MANIFEST, "0815"))
