"""Two results compared, of configs, runs or fingerprints: which settings differ, and what that changes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pandas as pd

from configs.errors import CacheError
from configs.loading import load_config
from pipeline.bindings import STAGES
from pipeline.reading import Results, StageResults, open_run, open_stage, results_of
from pipeline.run_record import INFO_NAME
from pipeline.session import Session
from pipeline.stage_descriptions import Difference, own_differences, read_description
from pipeline.stage_differences import compare_arrays, measures_of
from pipeline.variables import Array

RESAMPLES = 2000  # of the bootstrap: the interval's ends vary by a hundredth of its width
CONFIDENCE = 0.95


@dataclass(frozen=True)
class StageComparison:
    """What has become of a stage's items."""

    stage: str
    settings: Sequence[Difference]
    """Settings, weights and code versions of the stage itself that differ, A -> B."""
    only_one: Sequence[str]
    """Items that are ok in A and not in B."""
    only_other: Sequence[str]
    identical: int
    """Items whose arrays are the same, bit by bit."""
    table: pd.DataFrame = field(repr=False)
    """A row for each item that differs, indexed by id, with a column for each measure; the worst first."""

    def interval(self, measure: str) -> tuple[float, float]:
        """Bootstrap interval of a measure's mean over all items that both have; identical ones count as 0."""
        values = np.concatenate([self.table[measure].to_numpy(float), np.zeros(self.identical)])
        values = values[np.isfinite(values)]
        if len(values) == 0:
            return float("nan"), float("nan")
        rng = np.random.default_rng(0)
        means = [rng.choice(values, len(values)).mean() for _ in range(RESAMPLES)]
        low, high = np.quantile(means, [(1 - CONFIDENCE) / 2, (1 + CONFIDENCE) / 2])
        return float(low), float(high)


def open_side(name: str, settings: Sequence[str]) -> Results:
    """One of two results to be compared.

    Parameters
    ----------
    name
        Folder of a run's record, folder of a fingerprint, or a config: a TOML file or the name of a preset.
    settings
        `section.key=value` on top of a config.

    Raises
    ------
    AnimeInterpError
        It cannot be opened, or settings are given for what has them already.
    """
    folder = Path(name).expanduser()
    is_run, is_stage = (folder / INFO_NAME).is_file(), folder.is_dir() and folder.parent.name in STAGES
    if not is_run and not is_stage:
        return results_of(Session.open(load_config(name, settings), look_only=True))
    if settings:
        raise CacheError(f"{name}: is there already, settings cannot be changed; leave --set out")
    if is_run:
        return open_run(folder)
    stage = open_stage(folder)
    return Results({stage.stage: stage})


def compare_results(one: Results, other: Results) -> list[StageComparison]:
    """Compare every stage that both have, in the order of the work.

    Raises
    ------
    CacheError
        They have no stage in common.
    """
    common = [stage for stage in STAGES if stage in one and stage in other]
    if not common:
        raise CacheError(f"no stage is in both: A has {', '.join(one)}, B has {', '.join(other)}")
    return [_compare_stage(stage, one, other) for stage in common]


def most_changed(comparisons: Sequence[StageComparison], count: int) -> list[str]:
    """Pairs that differ most in the last stage in which pairs differ."""
    for compared in reversed(comparisons):
        if len(compared.table) and STAGES[compared.stage].unit == "pair" and compared.stage != "evaluation":
            return [str(name) for name in compared.table.index[:count]]
    return []


def _compare_stage(stage: str, one: Results, other: Results) -> StageComparison:
    a, b = one[stage], other[stage]
    ok_a, ok_b = ({name for name in side.ids if side.record(name).status == "ok"} for side in (a, b))
    rows: dict[str, dict[str, float]] = {}
    identical = 0
    for name in sorted(ok_a & ok_b):
        if _is_same(stage, name, one, other):
            identical += 1
        else:
            rows[name] = compare_arrays(stage, _arrays(one, stage, name), _arrays(other, stage, name))
    measures = measures_of(stage)
    table = pd.DataFrame.from_dict(rows, orient="index", columns=[measure.name for measure in measures])
    table.index.name = "id"
    worst = table[measures[0].name].map(measures[0].worst)
    table = table.loc[worst.sort_values(ascending=False, kind="stable").index]
    return StageComparison(stage, _settings(a, b), sorted(ok_a - ok_b), sorted(ok_b - ok_a), identical, table)


def _is_same(stage: str, name: str, one: Results, other: Results) -> bool:
    if one[stage].record(name).output != other[stage].record(name).output:
        return False
    # Equal numbers of matches mean other matches where the pieces are others.
    return stage != "matching" or _pieces(one, name) == _pieces(other, name)


def _pieces(results: Results, pair: str) -> list[Mapping[str, str]]:
    """Digests of the pieces of a pair's frames, where they are known."""
    segmentation = results.get("segmentation")
    if segmentation is None:
        return []
    return [segmentation.record(name).output for name in results.frames.get(pair, ()) if name in segmentation]


def _arrays(results: Results, stage: str, name: str) -> dict[str, Array]:
    arrays = results[stage].arrays(name)
    frames = results.frames.get(name, ())
    segmentation = results.get("segmentation")
    if stage == "matching" and segmentation is not None and all(frame in segmentation for frame in frames):
        for frame, wanted in zip(frames, ("label_map", "centroid"), strict=False):
            arrays |= segmentation.arrays(frame, [wanted])
    return arrays


def _settings(one: StageResults, other: StageResults) -> list[Difference]:
    a, b = read_description(one.folder), read_description(other.folder)
    return [] if a is None or b is None else list(own_differences(b, a))
