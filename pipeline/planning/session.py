"""A session: one config over one dataset and one cache. It knows what is done, what is not and why."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path

from configs.errors import CacheError, ConfigError
from configs.sections import Config
from data.file_facts import FileFacts
from data.layouts import read_dataset
from data.manifest import Manifest
from data.sgm_folders import FlowFiles, find_flow_files
from pipeline.compute.registry import STAGES, binding_of, needed_for
from pipeline.compute.shard_jobs import ShardJob
from pipeline.planning.describe_stages import describe_stages
from pipeline.planning.item_inputs import Need, find_need
from pipeline.planning.job_planning import shard_job
from pipeline.planning.selection import Selection, wanted_pairs, wanted_stages
from pipeline.planning.shard_groups import ShardGroup, group_shards
from pipeline.store.acceptances import Acceptance, Acceptances, read_acceptances
from pipeline.store.commits import sweep_unfinished
from pipeline.store.shard_manifest import ItemRecord
from pipeline.store.stage_descriptions import StageDescription, write_description
from pipeline.store.stage_index import Location, StageIndex

Shard = tuple[str, int]  # stage, position of the group
Item = tuple[str, int]  # stage, position of the frame or pair in the manifest


@dataclass
class Session:
    """State of the work for a config; `open` makes one."""

    config: Config
    selection: Selection
    stages: tuple[str, ...]
    """Those to run, in their order."""
    manifest: Manifest
    facts: FileFacts
    descriptions: dict[str, StageDescription]
    fingerprints: dict[str, str]
    """Under which each stage's results are kept."""
    groups: tuple[ShardGroup, ...]
    wanted_pairs: frozenset[int]
    look_only: bool = False
    """Nothing is to be written."""
    acceptances: Acceptances = field(default_factory=Acceptances)
    _indexes: dict[str, StageIndex] = field(default_factory=dict)
    _located: dict[Item, Location | None] = field(default_factory=dict)
    _flow_files: dict[int, FlowFiles] = field(default_factory=dict)
    _fresh: set[Shard] = field(default_factory=set)

    @classmethod
    def open(
        cls,
        config: Config,
        selection: Selection | None = None,
        *,
        look_only: bool = False,
        accepted: Acceptances | None = None,
    ) -> Session:
        """Read the dataset, work out fingerprints and look at the cache.

        Parameters
        ----------
        config, selection
            What to work on, and which part of it; all by default.
        look_only
            Nothing is to be computed, and nothing is written: the cache may be absent or read-only.
        accepted
            Results kept after harmless changes; what the cache says of them by default.

        Raises
        ------
        ConfigError, DataError, WeightsError, CacheError
            The selection, the dataset, a weights file or the cache folder is unusable.
        """
        selection = selection or Selection()
        stages = wanted_stages(selection, config)
        cache = config.store.cache.expanduser()
        if not look_only:
            _make_folder(cache)
        facts = FileFacts(cache / "source_files.json")
        manifest = read_dataset(config.data, facts)
        accepted = read_acceptances(cache, STAGES) if accepted is None else accepted
        described = describe_stages(config, selection.last, accepted.resolve)
        fingerprints = {stage: description.fingerprint for stage, description in described.items()}
        groups = group_shards(manifest, config.store)
        wanted = wanted_pairs(manifest, selection)
        session = cls(config, selection, stages, manifest, facts, described, fingerprints, groups, wanted)
        session.look_only, session.acceptances = look_only, accepted
        if any(binding_of(stage, config).imports for stage in needed_for(selection.last, config)):
            session._look_at_flow_files()
        if not look_only:
            for stage in stages:
                sweep_unfinished(session.folder(stage))
            try:
                facts.save()
            except OSError as error:
                raise _unwritable(cache, error) from None
        return session

    def folder(self, stage: str) -> Path:
        """Folder of a stage's results under its fingerprint: absolute, as workers may stand elsewhere."""
        return self.config.store.cache.expanduser().absolute() / stage / self.fingerprints[stage]

    def accepted(self, stage: str) -> Acceptance | None:
        """Why a stage's results are those of another fingerprint than its own; None if they are not."""
        return self.acceptances.find(stage, self.descriptions[stage].own)

    def under(self, stage: str, fingerprint: str) -> Session:
        """The session as it would be if the results of a stage were those of another fingerprint."""
        others = {name: index for name, index in self._indexes.items() if name != stage}
        return replace(
            self,
            fingerprints={**self.fingerprints, stage: fingerprint},
            _indexes=others,
            _located={},
            _fresh=set(),
        )

    def shard_path(self, stage: str, group: int) -> Path:
        """Folder of one shard."""
        return self.folder(stage) / f"{self.groups[group].name}.zarr"

    def prepare(self, stage: str) -> None:
        """Make a stage's folder, and say in it what its fingerprint stands for.

        Raises
        ------
        OSError
            The folder cannot be written.
        """
        folder = self.folder(stage)
        folder.mkdir(parents=True, exist_ok=True)
        write_description(folder, self.descriptions[stage])

    def items(self, stage: str, group: int) -> tuple[int, ...]:
        """Positions in the manifest of a shard's items: frames or pairs, as the stage works on."""
        found = self.groups[group]
        return found.frames if STAGES[stage].unit == "frame" else found.pairs

    def times(self, pair: int) -> tuple[float, ...]:
        """Times of the frames wanted of a pair."""
        return self.manifest.pairs[pair].times or self.config.synthesis.times

    def item_id(self, stage: str, item: int) -> str:
        """Id of a frame or pair."""
        return (
            self.manifest.frames[item].id if STAGES[stage].unit == "frame" else self.manifest.pairs[item].id
        )

    def is_wanted(self, stage: str, item: int) -> bool:
        """Whether the selection asks for this item."""
        return item in (self._wanted_frames if STAGES[stage].unit == "frame" else self.wanted_pairs)

    @cached_property
    def _wanted_frames(self) -> frozenset[int]:
        return frozenset(index for pair in self.wanted_pairs for index in self.manifest.pairs[pair].frames)

    @cached_property
    def _ids(self) -> dict[str, frozenset[str]]:
        """Ids of all items, by unit."""
        return {
            "frame": frozenset(frame.id for frame in self.manifest.frames),
            "pair": frozenset(pair.id for pair in self.manifest.pairs),
        }

    def group_of(self, stage: str, item: int) -> int:
        """Group in which an item stands."""
        return (self._frame_home if STAGES[stage].unit == "frame" else self._pair_home)[item]

    @cached_property
    def _frame_home(self) -> dict[int, int]:
        """Group in which each frame stands."""
        return {frame: group for group, found in enumerate(self.groups) for frame in found.frames}

    @cached_property
    def _pair_home(self) -> dict[int, int]:
        """Group in which each pair stands."""
        return {pair: group for group, found in enumerate(self.groups) for pair in found.pairs}

    @cached_property
    def _pairs_of_frame(self) -> dict[int, list[int]]:
        """Pairs that each frame belongs to."""
        pairs: dict[int, list[int]] = {}
        for position, pair in enumerate(self.manifest.pairs):
            for frame in pair.frames:
                pairs.setdefault(frame, []).append(position)
        return pairs

    def frame_groups(self, group: int) -> frozenset[int]:
        """Groups in which the frames of a group's pairs stand."""
        pairs = (self.manifest.pairs[pair] for pair in self.groups[group].pairs)
        return frozenset(self._frame_home[frame] for pair in pairs for frame in pair.frames)

    def index(self, stage: str) -> StageIndex:
        """Everything that is kept of a stage under its fingerprint."""
        if stage not in self._indexes:
            items = self._ids[STAGES[stage].unit]
            self._indexes[stage] = StageIndex(self.folder(stage), restore=not self.look_only, items=items)
        return self._indexes[stage]

    def locate(self, stage: str, item: int) -> Location | None:
        """Where an item is kept that was computed from the inputs as they are now; None if it is not."""
        key = (stage, item)
        if key not in self._located:
            name, index = self.item_id(stage, item), self.index(stage)
            need = self.need(stage, item) if name in index else None
            self._located[key] = None if need is None else index.find(name, need.input)
        return self._located[key]

    def record(self, stage: str, item: int) -> ItemRecord | None:
        """Record of an item that was computed from the inputs as they are now."""
        location = self.locate(stage, item)
        return None if location is None else location.record

    def to_compute(self, stage: str, group: int) -> tuple[int, ...]:
        """Items of a shard that the selection asks for and that are not done."""
        fresh = (stage, group) in self._fresh
        forced = stage in self.selection.force and not fresh
        retry = self.selection.retry_failed and not fresh
        todo = []
        for item in self.items(stage, group):
            if self.is_wanted(stage, item):
                record = self.record(stage, item)
                again = record is not None and (forced or (retry and record.status == "failed"))
                if record is None or (again and self._is_replaceable(stage, item)):
                    todo.append(item)
        return tuple(todo)

    def is_to_be_retried(self, stage: str, item: int) -> bool:
        """Whether an item that has failed is about to be tried again, and what depends on it has to wait."""
        return (
            self.selection.retry_failed
            and stage in self.stages
            and self.is_wanted(stage, item)
            and (stage, self.group_of(stage, item)) not in self._fresh
        )

    def is_complete(self, stage: str, group: int) -> bool:
        """Whether nothing is left to do in a shard."""
        return not self.to_compute(stage, group)

    def wanted_groups(self, stage: str) -> tuple[int, ...]:
        """Groups in which the selection asks for anything."""
        return self._wanted_groups[STAGES[stage].unit]

    @cached_property
    def _wanted_groups(self) -> dict[str, tuple[int, ...]]:
        """Groups in which the selection asks for anything, by unit."""
        groups = list(enumerate(self.groups))
        return {
            "frame": tuple(k for k, group in groups if not self._wanted_frames.isdisjoint(group.frames)),
            "pair": tuple(k for k, group in groups if not self.wanted_pairs.isdisjoint(group.pairs)),
        }

    def totals(self) -> dict[str, int]:
        """Number of items that a run would compute, by stage."""
        return {
            stage: sum(len(self.to_compute(stage, group)) for group in self.wanted_groups(stage))
            for stage in self.stages
        }

    def committed(self, stage: str, group: int) -> None:
        """Take note that a shard has just been computed."""
        self._fresh.add((stage, group))
        self.index(stage).refresh(self.shard_path(stage, group))
        frames = self.items(stage, group) if STAGES[stage].unit == "frame" else ()
        pairs = [pair for frame in frames for pair in self._pairs_of_frame[frame]] or self.groups[group].pairs
        names = list(STAGES)
        for name in names[names.index(stage) :]:
            for item in frames if STAGES[name].unit == "frame" else pairs:
                self._located.pop((name, item), None)

    def discard(self, path: Path, items: Mapping[str, str]) -> None:
        """Take items of a shard, given with what is wrong with them, for missing."""
        self.index(path.parent.parent.name).discard(path, items)
        self._located.clear()

    def look_again(self) -> None:
        """Forget what the cache held: another process has changed it."""
        self._indexes.clear()
        self._located.clear()

    def need(self, stage: str, item: int) -> Need | None:
        """Inputs of an item; None while an earlier stage has not done its part."""
        return find_need(self, stage, item)

    def _is_replaceable(self, stage: str, item: int) -> bool:
        need = self.need(stage, item)
        return need is None or not need.irreplaceable

    def flow_files(self, pair: int) -> FlowFiles:
        """Files in `coarse_flow.imported_from` that hold a pair's flows, as they were at the first look."""
        if pair not in self._flow_files:
            self._find_flow_files([pair])
        return self._flow_files[pair]

    def _look_at_flow_files(self) -> None:
        """Look at those of all pairs in the shards concerned, many at a time."""
        self._find_flow_files([pair for k in self._wanted_groups["pair"] for pair in self.groups[k].pairs])

    def _find_flow_files(self, pairs: Sequence[int]) -> None:
        root = self.config.coarse_flow.imported_from
        if root is None:
            raise ConfigError("coarse_flow.imported_from is not set")
        names = [self.manifest.pairs[pair].id for pair in pairs]
        found = find_flow_files(root.expanduser().absolute(), names, self.facts)
        self._flow_files.update(zip(pairs, found, strict=True))

    def job(self, stage: str, group: int) -> ShardJob:
        """Parcel of what is left to do in a shard, with what is kept there of its other items.

        Raises
        ------
        CacheError
            An earlier stage has not done its part.
        """
        return shard_job(self, stage, group)

    def locations(self, stage: str) -> Iterator[tuple[int, Location | None]]:
        """Every item that the selection asks for, with where it is kept."""
        for group in self.wanted_groups(stage):
            for item in self.items(stage, group):
                if self.is_wanted(stage, item):
                    yield item, self.locate(stage, item)

    def records(self, stage: str) -> Iterator[tuple[int, ItemRecord | None]]:
        """Every item that the selection asks for, with its current record."""
        for item, location in self.locations(stage):
            yield item, None if location is None else location.record

    def failures(self) -> list[tuple[str, ItemRecord]]:
        """Stage and record of every item asked for that has failed."""
        return [
            (stage, record)
            for stage in self.stages
            for _, record in self.records(stage)
            if record is not None and record.status == "failed"
        ]


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
        f"store.cache = {str(cache)!r}: cannot be written ({error.strerror}); "
        "name another folder, or make room: --set store.cache=FOLDER"
    )
