"""Why two results of a stage differ: settings, inputs, libraries, or no recorded reason."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from animeinterp.pipeline.compute.registry import STAGES
from animeinterp.pipeline.planning.item_inputs import general_reason
from animeinterp.pipeline.results.reading import StageResults
from animeinterp.pipeline.store.shard_manifest import read_manifest
from animeinterp.pipeline.store.stage_descriptions import (
    Difference,
    StageDescription,
    own_differences,
    read_description,
)


@dataclass(frozen=True, slots=True)
class ChangedInputs:
    """Differences of the inputs of an item."""

    stages: tuple[str, ...] = ()
    """Earlier stages whose results differ."""
    files: tuple[str, ...] = ()
    """Inputs from the dataset that differ: `frame1`, `truth`, ..."""
    lone: tuple[str, ...] = ()
    """Inputs of either kind that only one of the two has."""

    def __bool__(self) -> bool:
        return bool(self.stages or self.files or self.lone)

    def __str__(self) -> str:
        parts = [f"different results of {', '.join(self.stages)}"] if self.stages else []
        parts += [f"a different {name}" for name in self.files]
        parts += [f"{name} in only one of the two" for name in self.lone]
        return "; ".join(parts)


@dataclass(frozen=True)
class Reasons:
    """Explanation of a stage's differences."""

    settings: Sequence[Difference]
    """Settings, weights and code versions of the stage that differ, A -> B."""
    told: Sequence[str]
    """Everything else, as sentences."""
    unexplained: Sequence[str]
    """Items that differ without a recorded reason."""


def find_reasons(
    one: StageResults,
    other: StageResults,
    differing: Sequence[str],
    identical: Sequence[str],
    compared: Collection[str],
) -> Reasons:
    """Explain the differences of the items that both have.

    Parameters
    ----------
    one, other
        A and B.
    differing, identical
        Items whose results differ, and those whose results are the same.
    compared
        Stages that are compared too; their settings are listed there.

    Notes
    -----
    An item is explained by a setting of its stage, by different frames or results of earlier stages, or by
    different library versions. If several of them differ, it is unknown which one is the cause.
    """
    if not differing and not identical:
        return Reasons([], [], [])
    described = [read_description(side.folder) for side in (one, other)]
    told = [
        f"settings of {name} are unknown: {side.folder} has no readable stage.json"
        for name, side, found in zip("AB", (one, other), described, strict=True)
        if found is None
    ]
    a, b = described
    settings = [] if a is None or b is None else list(own_differences(b, a))
    effective = a is None or b is None or bool(settings)
    changed = {
        name: _changed_inputs(one, other, name, of_both=effective) for name in (*differing, *identical)
    }
    told += [
        f"{counted(one.stage, count)} made from {inputs}"
        for inputs, count in Counter(changed[name] for name in differing if changed[name]).items()
    ]
    if a is not None and b is not None:
        told += [str(found) for found in _inherited(a, b, (one.folder, other.folder), compared)]
    unexplained: list[str] = []
    if not effective:
        alone = [name for name in differing if not changed[name]]
        libraries = {name: _changed_libraries(one, other, name) for name in alone}
        told += [
            f"{counted(one.stage, count)} made with other library versions: {', '.join(changes)}"
            for changes, count in Counter(libraries.values()).items()
            if changes
        ]
        unexplained = [name for name in alone if not libraries[name]]
    told += _unmoved(one.stage, bool(settings), [changed[name] for name in identical])
    return Reasons(settings, told, unexplained)


def why_absent(side: StageResults, name: str) -> str:
    """Why one side lacks a result that the other has."""
    if name not in side:
        return "not computed"
    record = side.record(name)
    return f"{record.status}: {general_reason(record.reason)}"


def _changed_inputs(one: StageResults, other: StageResults, name: str, *, of_both: bool) -> ChangedInputs:
    """How what an item was computed from differs.

    Another method may read other things; with `of_both` only what both read counts.
    """
    a, b = one.record(name).inputs, other.record(name).inputs
    changed: dict[str, None] = {}
    lone: dict[str, None] = {}
    for key in dict.fromkeys([*a, *b]):
        source = key.partition("/")[0]  # of `features/1`, say
        if (key in a) != (key in b):
            lone |= {} if of_both else {source: None}
        elif a[key] != b[key]:
            changed[source] = None
    return ChangedInputs(
        tuple(stage for stage in STAGES if stage in changed),
        tuple(source for source in changed if source not in STAGES),
        tuple(lone),
    )


def _inherited(
    one: StageDescription, other: StageDescription, folders: tuple[Path, Path], compared: Collection[str]
) -> Iterator[Difference]:
    """Known differences of earlier stages that are not compared themselves, each once."""
    found: dict[Difference, None] = {}
    for stage in one.reads.keys() & other.reads.keys():
        before = tuple(
            folder.parents[1] / stage / side.reads[stage]
            for folder, side in zip(folders, (one, other), strict=True)
        )
        a, b = read_description(before[0]), read_description(before[1])
        if a is None or b is None or stage in compared or a.fingerprint == b.fingerprint:
            continue
        found |= dict.fromkeys(_inherited(a, b, (before[0], before[1]), compared))
        found |= dict.fromkeys(own_differences(b, a))
    yield from sorted(found, key=lambda difference: list(STAGES).index(difference.stage))


def _changed_libraries(one: StageResults, other: StageResults, name: str) -> tuple[str, ...]:
    manifests = [read_manifest(side.shard(name)) for side in (one, other)]
    a, b = ({} if manifest is None else manifest.versions for manifest in manifests)
    return tuple(f"{key} {a.get(key)} -> {b.get(key)}" for key in {**a, **b} if a.get(key) != b.get(key))


def _unmoved(stage: str, settings: bool, changed: Sequence[ChangedInputs]) -> Iterator[str]:
    """Differences that did not change the results."""
    if settings and changed:
        yield f"{counted(stage, len(changed))} identical in spite of different settings"
    for inputs, count in Counter(found for found in changed if found).items():
        yield f"{counted(stage, count)} identical, made from {inputs}"


def counted(stage: str, count: int) -> str:
    """`1 frame`, `3 pairs`."""
    return f"{count} {STAGES[stage].units(count)}"
