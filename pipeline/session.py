"""A session: one config over one dataset and one cache. It knows what is done, what is not and why."""

from __future__ import annotations

import json
import os
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

from configs.errors import CacheError, ConfigError
from configs.sections import Config
from data.file_facts import FileFacts
from data.layouts import read_dataset
from data.manifest import Manifest
from data.sgm_folders import FlowFiles, find_flow_files
from pipeline.bindings import STAGES, binding_of, needed_for
from pipeline.fingerprints import resolved_section, stage_fingerprint
from pipeline.folder_commits import sweep_unfinished
from pipeline.jobs import ItemJob, ShardJob, library_versions
from pipeline.needs import Need, find_need
from pipeline.networks import NETWORK_STAGES, weights_digest, weights_path
from pipeline.selection import Selection, wanted_pairs, wanted_stages
from pipeline.shard_layout import ShardGroup, group_shards
from pipeline.shard_manifest import ItemRecord
from pipeline.stage_index import Location, StageIndex

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
    fingerprints: dict[str, str]
    groups: tuple[ShardGroup, ...]
    wanted_pairs: frozenset[int]
    _indexes: dict[str, StageIndex] = field(default_factory=dict)
    _located: dict[Item, Location | None] = field(default_factory=dict)
    _flow_files: dict[int, FlowFiles] = field(default_factory=dict)
    _fresh: set[Shard] = field(default_factory=set)
    _swept: set[str] = field(default_factory=set)

    @classmethod
    def open(cls, config: Config, selection: Selection | None = None, *, look_only: bool = False) -> Session:
        """Read the dataset, work out fingerprints and look at the cache.

        Parameters
        ----------
        config, selection
            What to work on, and which part of it; all by default.
        look_only
            Nothing is to be computed: the cache may be absent or read-only.

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
        fingerprints: dict[str, str] = {}
        needed = needed_for(selection.last, config)
        for stage in STAGES:
            binding = binding_of(stage, config)
            upstream = {name: fingerprints[name] for name in binding.reads}
            fingerprints[stage] = stage_fingerprint(
                stage,
                binding.version,
                resolved_section(stage, config),
                # A file that nothing of this session reads may be absent.
                weights_digest(stage, config) if stage in needed else None,
                upstream,
            )
        groups = group_shards(manifest, config.store)
        wanted = wanted_pairs(manifest, selection)
        session = cls(config, selection, stages, manifest, facts, fingerprints, groups, wanted)
        if any(binding_of(stage, config).imports for stage in needed_for(selection.last, config)):
            session._look_at_flow_files()
        try:
            facts.save()
        except OSError as error:
            if not look_only:
                raise _unwritable(cache, error) from None
        return session

    def folder(self, stage: str) -> Path:
        """Folder of a stage's results under its fingerprint: absolute, as workers may stand elsewhere."""
        return self.config.store.cache.expanduser().absolute() / stage / self.fingerprints[stage]

    def shard_path(self, stage: str, group: int) -> Path:
        """Folder of one shard."""
        return self.folder(stage) / f"{self.groups[group].name}.zarr"

    def prepare(self, stage: str) -> None:
        """Make a stage's folder, say in it what its fingerprint stands for, sweep what dead writers left.

        Raises
        ------
        OSError
            The folder cannot be written.
        """
        folder = self.folder(stage)
        folder.mkdir(parents=True, exist_ok=True)
        if stage not in self._swept:  # once a run: each time lists all shards
            sweep_unfinished(folder)
            self._swept.add(stage)
        description = folder / "stage.json"
        if description.exists():
            return
        binding = binding_of(stage, self.config)
        content = {
            "stage": stage,
            "fingerprint": self.fingerprints[stage],
            "stage_version": binding.version,
            "section": resolved_section(stage, self.config),
            "weights": weights_digest(stage, self.config),
            "reads": {name: self.fingerprints[name] for name in binding.reads},
            "versions": library_versions(),
        }
        unfinished = folder / f".stage.json.{os.getpid()}"
        unfinished.write_text(json.dumps(content, indent=1), encoding="utf-8")
        unfinished.replace(description)

    def items(self, stage: str, group: int) -> tuple[int, ...]:
        """Positions in the manifest of a shard's items: frames or pairs, as the stage works on."""
        found = self.groups[group]
        return found.frames if STAGES[stage].unit == "frame" else found.pairs

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
    def _frame_home(self) -> dict[int, int]:
        """Group in which each frame stands."""
        return {frame: group for group, found in enumerate(self.groups) for frame in found.frames}

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
            self._indexes[stage] = StageIndex(self.folder(stage))
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

    def reasons(self, stage: str, group: int) -> Counter[str]:
        """Why the items of a shard would be computed, by number of items."""
        counts: Counter[str] = Counter()
        for item in self.to_compute(stage, group):
            if self.item_id(stage, item) not in self.index(stage):
                counts["not computed yet"] += 1
            elif self.record(stage, item) is not None:
                counts["asked for again"] += 1
            elif self.need(stage, item) is None:
                counts["an earlier stage runs first"] += 1
            else:
                counts["its inputs changed"] += 1
        return counts

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
        """Parcel of what is left to do in a shard; whatever else it holds is carried over.

        Raises
        ------
        CacheError
            An earlier stage has not done its part.
        """
        path = self.shard_path(stage, group)
        present = self.index(stage).shard(path)
        todo = set(self.to_compute(stage, group))
        items: list[ItemJob] = []
        for item in self.items(stage, group):
            need, location = self.need(stage, item), self.locate(stage, item)
            if item in todo:
                items.append(self._item_job(stage, item, need))
            elif need is not None and location is not None and location.path == path:
                # The source is there for the case that what is kept turns out to be damaged.
                items.append(
                    ItemJob(location.record.id, need.input, need.inputs, need.source, kept=location.record)
                )
        own = {self.item_id(stage, item) for item in self.items(stage, group)}
        others = [record for record in (present.items if present else ()) if record.id not in own]
        items.extend(ItemJob(record.id, record.input, record.inputs, kept=record) for record in others)
        name, config = self.groups[group].name, self._worker_config
        return ShardJob(stage, self.fingerprints[stage], name, path, tuple(items), config)

    def _item_job(self, stage: str, item: int, need: Need | None) -> ItemJob:
        name = self.item_id(stage, item)
        if need is None:
            missing = " and ".join(binding_of(stage, self.config).reads)
            raise CacheError(
                f"{stage} of {name!r} needs {missing}, which is not in the cache; "
                "run without --from and --only, or run those stages first"
            )
        return ItemJob(name, need.input, need.inputs, need.source, need.status, need.reason)

    @cached_property
    def _worker_config(self) -> Config:
        """The config with absolute paths of weights."""
        update = {}
        for stage in NETWORK_STAGES:
            path = weights_path(stage, self.config)
            if path is not None:
                update[stage] = getattr(self.config, stage).model_copy(update={"weights": path.absolute()})
        return self.config.model_copy(update=update)

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
