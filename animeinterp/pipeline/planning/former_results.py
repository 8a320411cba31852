"""Results of a stage with other settings, and what has changed since."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from animeinterp.pipeline.compute.registry import STAGES
from animeinterp.pipeline.store.commits import modified
from animeinterp.pipeline.store.shard_manifest import ShardManifest, read_manifest
from animeinterp.pipeline.store.stage_descriptions import (
    DIGITS_SHOWN,
    Difference,
    StageDescription,
    own_differences,
    read_description,
)

MOST_COMPARED = 8  # fingerprints of a stage that are examined, the closest first


@dataclass(frozen=True)
class FormerResults:
    """Results of a stage under another fingerprint."""

    description: StageDescription
    folder: Path
    differences: tuple[Difference, ...]
    """What has changed since, earlier stages first."""
    written: float
    """When something was last committed there, seconds since the epoch."""

    @property
    def stage(self) -> str:
        """Name of the stage."""
        return self.description.stage

    @property
    def own(self) -> tuple[Difference, ...]:
        """Differences of the stage itself."""
        return tuple(found for found in self.differences if found.stage == self.stage)

    @property
    def inherited(self) -> tuple[Difference, ...]:
        """Differences of stages before it."""
        return tuple(found for found in self.differences if found.stage != self.stage)

    def shards(self) -> Iterator[tuple[Path, ShardManifest]]:
        """Its shards as they are now, latest first."""
        for path in sorted(self.folder.glob("*.zarr"), key=modified, reverse=True):
            manifest = read_manifest(path)
            if manifest is not None:
                yield path, manifest

    @cached_property
    def items(self) -> Mapping[str, Path]:
        """Items that are ok there, each with its shard."""
        held: dict[str, Path] = {}
        for path, manifest in self.shards():
            for item in manifest.items:
                if item.status == "ok":
                    held.setdefault(item.id, path)
        return held


class StageHistory:
    """Other fingerprints of the stages in a cache.

    Parameters
    ----------
    cache
        Its folder.
    now
        The stages as they are.
    """

    def __init__(self, cache: Path, now: Mapping[str, StageDescription]) -> None:
        self._cache, self._now = cache, now
        self._former: dict[str, tuple[FormerResults, ...]] = {}
        self._descriptions: dict[Path, StageDescription | None] = {}

    def former(self, stage: str) -> tuple[FormerResults, ...]:
        """Results of other fingerprints, sorted by the number of differences, then the latest first."""
        if stage not in self._former:
            found = self._find(stage)
            found.sort(key=lambda results: (len(results.differences), -results.written))
            self._former[stage] = tuple(found[:MOST_COMPARED])
        return self._former[stage]

    def closest(self, stage: str, item_id: str) -> FormerResults | None:
        """The closest of these results that hold an item."""
        return next((results for results in self.former(stage) if item_id in results.items), None)

    def _find(self, stage: str) -> list[FormerResults]:
        found = []
        for folder in (self._cache / stage).glob("*"):
            description = self._read(folder)
            now = self._now[stage]
            if description is None or folder.name in (now.fingerprint, now.own):
                continue
            differences = dict.fromkeys(self._compare(now, description))
            ordered = sorted(differences, key=lambda difference: list(STAGES).index(difference.stage))
            found.append(FormerResults(description, folder, tuple(ordered), modified(folder)))
        return found

    def _read(self, folder: Path) -> StageDescription | None:
        if folder not in self._descriptions:
            self._descriptions[folder] = read_description(folder)
        return self._descriptions[folder]

    def _compare(self, now: StageDescription, former: StageDescription) -> Iterator[Difference]:
        if now.fingerprint == former.fingerprint:
            return
        for name in now.reads.keys() & former.reads.keys():
            old, new = former.reads[name], now.reads[name]
            past = self._read(self._cache / name / old)
            if past is not None:
                yield from self._compare(self._now[name], past)
            elif old != new:
                yield Difference(
                    name,
                    name,
                    f"fingerprint {old[:DIGITS_SHOWN]}, which no longer exists",
                    new[:DIGITS_SHOWN],
                )
        yield from own_differences(now, former)
