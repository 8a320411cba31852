"""A session: one config over one dataset and one cache, with what is done, what is not and why."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from animeinterp.configs.errors import CacheError
from animeinterp.configs.files import obstacle
from animeinterp.configs.sections import Config
from animeinterp.data.file_facts import FileFacts
from animeinterp.data.layouts import read_dataset
from animeinterp.data.manifest import Manifest
from animeinterp.models.precision import Precision, native_precision
from animeinterp.pipeline.compute.registry import STAGES, binding_of, needed_for
from animeinterp.pipeline.planning.current_results import CurrentResults
from animeinterp.pipeline.planning.describe_stages import describe_stages
from animeinterp.pipeline.planning.precision import decide_precision
from animeinterp.pipeline.planning.selection import Selection, wanted_pairs, wanted_stages
from animeinterp.pipeline.planning.shard_groups import group_shards
from animeinterp.pipeline.planning.work_layout import WorkLayout
from animeinterp.pipeline.store.acceptances import Acceptance, Acceptances, read_acceptances
from animeinterp.pipeline.store.commits import sweep_unfinished
from animeinterp.pipeline.store.shard_manifest import ItemRecord
from animeinterp.pipeline.store.stage_descriptions import StageDescription, write_description
from animeinterp.pipeline.store.stage_index import Location


@dataclass(frozen=True)
class Session:
    """State of the work for a config; `open` makes one."""

    config: Config
    selection: Selection
    stages: tuple[str, ...]
    """Those to run, in their order."""
    facts: FileFacts
    descriptions: Mapping[str, StageDescription]
    acceptances: Acceptances
    fingerprints: Mapping[str, str]
    """Under which each stage's results are kept."""
    layout: WorkLayout
    current: CurrentResults

    @classmethod
    def open(
        cls,
        config: Config,
        selection: Selection | None = None,
        *,
        look_only: bool = False,
        accepted: Acceptances | None = None,
        ask: Callable[[str], Precision] = native_precision,
    ) -> Session:
        """Read the dataset, work out fingerprints and look at the cache.

        Parameters
        ----------
        config, selection
            What to work on, and which part of it; all by default.
        look_only
            Compute and write nothing: the cache may be absent or read-only.
        accepted
            Results kept after harmless changes; by default those recorded in the cache.
        ask
            Returns the precision in which the workers compute fast on a device; by default this machine's.

        Raises
        ------
        ConfigError, DataError, WeightsError, CacheError
            The selection, the dataset, a weights file or the cache folder is unusable.
        """
        selection = selection or Selection()
        cache = config.store.cache
        if not look_only:
            _make_folder(cache)
        stages = wanted_stages(selection, config)
        facts = FileFacts(cache / "source_files.json", rehash=selection.rehash)
        manifest = read_dataset(config.data, facts, config.store)
        try:
            config = decide_precision(config, record=not look_only, ask=ask)  # last: it may ask a cluster
        except OSError as error:
            raise _unwritable(cache, error) from None
        accepted = read_acceptances(cache, STAGES) if accepted is None else accepted
        described = describe_stages(config, selection.last, accepted.resolve)
        fingerprints = {stage: description.fingerprint for stage, description in described.items()}
        groups, wanted = group_shards(manifest, config.store), wanted_pairs(manifest, selection)
        layout = WorkLayout(manifest, groups, wanted, config.synthesis.times)
        folders = {stage: stage_folder(config, stage, found) for stage, found in fingerprints.items()}
        current = CurrentResults(config, selection, stages, layout, folders, facts, look_only)
        if any(binding_of(stage, config).imports for stage in needed_for(selection.last, config)):
            groups_wanted = layout.wanted_groups("coarse_flow")
            current.look_at_flow_files([pair for k in groups_wanted for pair in groups[k].pairs])
        if not look_only:
            for folder in (cache, *(folders[stage] for stage in stages)):
                sweep_unfinished(folder)
            try:
                facts.save()
            except OSError as error:
                raise _unwritable(cache, error) from None
        return cls(config, selection, stages, facts, described, accepted, fingerprints, layout, current)

    @property
    def manifest(self) -> Manifest:
        """The dataset."""
        return self.layout.manifest

    def accepted(self, stage: str) -> Acceptance | None:
        """The acceptance by which a stage uses results of another fingerprint; None if there is none."""
        return self.acceptances.find(stage, self.descriptions[stage].own)

    def under(self, stage: str, fingerprint: str) -> Session:
        """The session as it would be if the results of a stage were those of another fingerprint."""
        current = self.current.under(stage, stage_folder(self.config, stage, fingerprint))
        return replace(self, fingerprints={**self.fingerprints, stage: fingerprint}, current=current)

    def folder(self, stage: str) -> Path:
        """Folder of a stage's results under its fingerprint: absolute, as workers may stand elsewhere."""
        return self.current.folders[stage]

    def shard_path(self, stage: str, group: int) -> Path:
        """Folder of one shard."""
        return self.folder(stage) / f"{self.layout.groups[group].name}.zarr"

    def prepare(self, stage: str) -> None:
        """Make a stage's folder, and write the description of its fingerprint.

        Raises
        ------
        CacheError
            Something else is in its place.
        OSError
            The folder cannot be written.
        """
        folder = self.folder(stage)
        try:
            folder.mkdir(parents=True, exist_ok=True)
            write_description(folder, self.descriptions[stage])
        except (FileExistsError, NotADirectoryError, IsADirectoryError) as error:
            raise CacheError(f"{folder}: cannot be written ({obstacle(error)})") from None

    def to_compute(self, stage: str, group: int) -> tuple[int, ...]:
        """Selected items of a shard that are not done."""
        fresh = (stage, group) in self.current.fresh
        forced = stage in self.selection.force and not fresh
        retry = self.selection.retry_failed and not fresh
        todo = []
        for item in self.layout.items(stage, group):
            if self.layout.is_wanted(stage, item):
                record = self.current.record(stage, item)
                again = record is not None and (forced or (retry and record.status == "failed"))
                if record is None or (again and self._is_replaceable(stage, item)):
                    todo.append(item)
        return tuple(todo)

    def _is_replaceable(self, stage: str, item: int) -> bool:
        inputs = self.current.inputs_of(stage, item)
        return inputs is None or not inputs.irreplaceable

    def is_complete(self, stage: str, group: int) -> bool:
        """Whether nothing is left to do in a shard."""
        return not self.to_compute(stage, group)

    def totals(self) -> dict[str, int]:
        """Number of items that a run would compute, by stage."""
        return {
            stage: sum(len(self.to_compute(stage, group)) for group in self.layout.wanted_groups(stage))
            for stage in self.stages
        }

    def committed(self, stage: str, group: int) -> None:
        """Register a shard that has just been computed."""
        self.current.fresh.add((stage, group))
        self.current.index(stage).refresh(self.shard_path(stage, group))
        self.current.forget(stage, group)

    def discard(self, path: Path, items: Mapping[str, str]) -> None:
        """Treat items of a shard, given with their damage, as missing."""
        self.current.index(path.parent.parent.name).discard(path, items)
        self.current.forget_items()

    def locations(self, stage: str) -> Iterator[tuple[int, Location | None]]:
        """Every selected item, with its location."""
        for item in self.layout.wanted_items(stage):
            yield item, self.current.locate(stage, item)

    def records(self, stage: str) -> Iterator[tuple[int, ItemRecord | None]]:
        """Every selected item, with its current record."""
        for item in self.layout.wanted_items(stage):
            yield item, self.current.record(stage, item)

    def failures(self) -> list[tuple[str, ItemRecord]]:
        """Stage and record of every selected item that has failed."""
        return [
            (stage, record)
            for stage in self.stages
            for _, record in self.records(stage)
            if record is not None and record.status == "failed"
        ]


def stage_folder(config: Config, stage: str, fingerprint: str) -> Path:
    """Folder of a stage's results under a fingerprint."""
    return config.store.cache.absolute() / stage / fingerprint


def _make_folder(cache: Path) -> None:
    try:
        cache.mkdir(parents=True, exist_ok=True)
        probe = cache / f".probe.{os.getpid()}"
        probe.touch()
        probe.unlink()
    except OSError as error:
        raise _unwritable(cache, error) from None


def _unwritable(cache: Path, error: OSError) -> CacheError:
    return CacheError(
        f"store.cache = {str(cache)!r}: cannot be written ({obstacle(error)}); "
        "name another folder, or make room: --set store.cache=FOLDER"
    )
