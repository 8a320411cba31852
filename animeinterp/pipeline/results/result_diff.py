"""Compare two results, of configs, runs or fingerprints: which settings differ, and what that changes."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from animeinterp.configs.errors import CacheError
from animeinterp.configs.loading import load_config
from animeinterp.configs.names import given_path
from animeinterp.pipeline.compute.registry import STAGES
from animeinterp.pipeline.planning.session import Session
from animeinterp.pipeline.results.diff_measures import compare_arrays, measures_of
from animeinterp.pipeline.results.diff_reasons import Reasons, counted, find_reasons, why_absent
from animeinterp.pipeline.results.reading import Results, open_run, open_stage, results_of, session_of_run
from animeinterp.pipeline.results.score_comparison import bootstrap_interval
from animeinterp.pipeline.store.array_specs import Array
from animeinterp.pipeline.store.run_records import INFO_NAME

ABSENCES_TOLD = 3  # reasons for missing results, the most frequent first


@dataclass(frozen=True)
class StageComparison:
    """The comparison of a stage's items."""

    stage: str
    reasons: Reasons
    """Why items differ, or are identical in spite of different settings."""
    only_one: Mapping[str, str]
    """Items that are ok in A alone, and why not in B."""
    only_other: Mapping[str, str]
    identical: int
    """Items whose arrays are identical, bit by bit."""
    table: pd.DataFrame = field(repr=False)
    """A row for each item that differs, indexed by id, with a column for each measure; the worst first."""

    @property
    def counts(self) -> str:
        """How many items are identical, differ, or are in only one of the two."""
        parts = [f"{self.identical} identical", f"{len(self.table)} differ"]
        parts += [f"{len(self.only_one)} only in A"] if self.only_one else []
        parts += [f"{len(self.only_other)} only in B"] if self.only_other else []
        return f"{STAGES[self.stage].units(2)}: {', '.join(parts)}"

    def explanations(self) -> Iterator[str]:
        """All known reasons why items differ, are identical, or are in only one of the two."""
        yield from map(str, self.reasons.settings)
        yield from self.reasons.told
        for side, absent in (("B", self.only_one), ("A", self.only_other)):
            reasons = Counter(absent.values()).most_common()
            for reason, count in reasons[:ABSENCES_TOLD]:
                yield f"{counted(self.stage, count)} not in {side}: {reason}"
            if rest := sum(count for _, count in reasons[ABSENCES_TOLD:]):
                yield f"{counted(self.stage, rest)} not in {side} for other reasons"
        if self.reasons.unexplained:
            yield (
                f"{counted(self.stage, len(self.reasons.unexplained))} unexplained: settings, inputs and "
                "libraries are the same; machine, device or number of threads may differ"
            )

    def values(self, measure: str) -> NDArray[np.float64]:
        """Finite values of a measure, of all items that both have; identical ones count as 0."""
        values = np.concatenate([self.table[measure].to_numpy(float), np.zeros(self.identical)])
        finite: NDArray[np.float64] = values[np.isfinite(values)]
        return finite

    def interval(self, measure: str) -> tuple[float, float]:
        """Bootstrap interval of the mean of these values."""
        return bootstrap_interval(self.values(measure))


def open_side(name: str, settings: Sequence[str]) -> Results:
    """Open one of two results to compare.

    Parameters
    ----------
    name
        Folder of a run's record, folder of a fingerprint, or a config: a TOML file or the name of a preset.
    settings
        `section.key=value` on top of a config.

    Raises
    ------
    AnimeInterpError
        It cannot be opened, or it is finished and settings are given.
    """
    folder = given_path(name)
    is_run, is_stage = (folder / INFO_NAME).is_file(), folder.is_dir() and folder.parent.name in STAGES
    if not is_run and not is_stage:
        return results_of(Session.open(load_config(name, settings), look_only=True))
    if settings:
        raise CacheError(f"{name}: already computed, so its settings cannot be changed; leave out --set")
    if is_run:
        return Results(open_run(folder), session_of_run(folder))  # with pictures, where it still can be
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
    return [_compare_stage(stage, one, other, common) for stage in common]


def stages_apart(one: Results, other: Results) -> Iterator[str]:
    """Stages that only one of them has, in words."""
    for side, has, lacks in (("A", one, other), ("B", other, one)):
        alone = [stage for stage in has if stage not in lacks]
        if alone:
            yield f"{', '.join(alone)}: only in {side}"


def most_changed(comparisons: Sequence[StageComparison], count: int) -> list[str]:
    """Pairs that differ most in the last stage in which pairs differ."""
    for compared in reversed(comparisons):
        if len(compared.table) and STAGES[compared.stage].unit == "pair" and compared.stage != "evaluation":
            return [str(name) for name in compared.table.index[:count]]
    return []


def _compare_stage(stage: str, one: Results, other: Results, compared: Sequence[str]) -> StageComparison:
    a, b = one[stage], other[stage]
    ok_a, ok_b = ({name for name in side.ids if side.record(name).status == "ok"} for side in (a, b))
    rows: dict[str, dict[str, float]] = {}
    identical: list[str] = []
    for name in sorted(ok_a & ok_b):
        if _is_same(stage, name, one, other):
            identical.append(name)
        else:
            rows[name] = compare_arrays(stage, _arrays(one, stage, name), _arrays(other, stage, name))
    measures = measures_of(stage).measures
    table = pd.DataFrame.from_dict(rows, orient="index", columns=[measure.name for measure in measures])
    table.index.name = "id"
    worst = table[measures[0].name].map(measures[0].worst)
    table = table.loc[worst.sort_values(ascending=False, kind="stable").index]
    return StageComparison(
        stage,
        find_reasons(a, b, list(rows), identical, compared),
        {name: why_absent(b, name) for name in sorted(ok_a - ok_b)},
        {name: why_absent(a, name) for name in sorted(ok_b - ok_a)},
        len(identical),
        table,
    )


def _is_same(stage: str, name: str, one: Results, other: Results) -> bool:
    if one[stage].record(name).output != other[stage].record(name).output:
        return False
    # Equal match numbers are different matches if the pieces differ.
    return not measures_of(stage).with_pieces or _pieces(one, name) == _pieces(other, name)


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
    if not measures_of(stage).with_pieces or segmentation is None:
        return arrays
    if all(frame in segmentation for frame in frames):
        for frame, wanted in zip(frames, ("label_map", "centroid"), strict=False):
            arrays |= segmentation.arrays(frame, [wanted])
    return arrays
