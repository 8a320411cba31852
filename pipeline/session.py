"""A session: one config over one dataset and one cache. It knows what is done, what is not and why."""

from __future__ import annotations

import json
import os
from collections import Counter
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

from configs.errors import CacheError
from configs.sections import Config
from data.file_facts import FileFacts
from data.layouts import read_dataset
from data.manifest import Manifest
from pipeline.bindings import STAGES
from pipeline.fingerprints import resolved_section, stage_fingerprint
from pipeline.jobs import ItemJob, ShardJob, library_versions
from pipeline.needs import Need, find_need
from pipeline.networks import NETWORK_STAGES, weights_digest, weights_path
from pipeline.selection import Selection, wanted_pairs
from pipeline.shard_layout import ShardGroup, group_shards
from pipeline.shards import ItemRecord, ShardManifest, read_manifest, sweep_unfinished

Records = tuple[ItemRecord | None, ...]
Shard = tuple[str, int]  # stage, position of the group


@dataclass
class Session:
    """State of the work for a config; `open` makes one."""

    config: Config
    selection: Selection
    manifest: Manifest
    fingerprints: dict[str, str]
    groups: tuple[ShardGroup, ...]
    wanted_pairs: frozenset[int]
    _found: dict[Shard, ShardManifest | None] = field(default_factory=dict)
    _current: dict[Shard, Records] = field(default_factory=dict)
    _fresh: set[Shard] = field(default_factory=set)

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
        cache = config.store.cache.expanduser()
        if not look_only:
            _make_folder(cache)
        facts = FileFacts(cache / "source_files.json")
        manifest = read_dataset(config.data, facts)
        with suppress(*([OSError] if look_only else [])):
            facts.save()
        fingerprints: dict[str, str] = {}
        for stage, binding in STAGES.items():
            upstream = {name: fingerprints[name] for name in binding.reads}
            fingerprints[stage] = stage_fingerprint(
                stage,
                binding.version,
                resolved_section(stage, config),
                weights_digest(stage, config),
                upstream,
            )
        groups = group_shards(manifest, config.store)
        return cls(config, selection, manifest, fingerprints, groups, wanted_pairs(manifest, selection))

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
        sweep_unfinished(folder)
        description = folder / "stage.json"
        if description.exists():
            return
        content = {
            "stage": stage,
            "fingerprint": self.fingerprints[stage],
            "stage_version": STAGES[stage].version,
            "section": resolved_section(stage, self.config),
            "weights": weights_digest(stage, self.config),
            "reads": {name: self.fingerprints[name] for name in STAGES[stage].reads},
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
    def _readers(self) -> dict[int, frozenset[int]]:
        """For each group, the groups whose pairs read frames that stand in it."""
        readers: dict[int, set[int]] = {group: {group} for group in range(len(self.groups))}
        for group in range(len(self.groups)):
            for home in self.frame_groups(group):
                readers[home].add(group)
        return {group: frozenset(found) for group, found in readers.items()}

    def home_of(self, frame: int) -> int:
        """Group in which a frame stands."""
        return self._frame_home[frame]

    def frame_groups(self, group: int) -> frozenset[int]:
        """Groups in which the frames of a group's pairs stand."""
        pairs = (self.manifest.pairs[pair] for pair in self.groups[group].pairs)
        return frozenset(self._frame_home[frame] for pair in pairs for frame in pair.frames)

    def found(self, stage: str, group: int) -> ShardManifest | None:
        """Manifest of the shard as it is in the cache, whatever it was computed from."""
        key = (stage, group)
        if key not in self._found:
            self._found[key] = read_manifest(self.shard_path(stage, group))
        return self._found[key]

    def current(self, stage: str, group: int) -> Records:
        """Records of a shard's items that agree with the inputs as they are now; None for the others."""
        key = (stage, group)
        if key not in self._current:
            self._current[key] = self._compare(stage, group)
        return self._current[key]

    def _compare(self, stage: str, group: int) -> Records:
        manifest = self.found(stage, group)
        items = self.items(stage, group)
        if manifest is None:
            return (None,) * len(items)
        recorded = {record.id: record for record in manifest.items}
        result: list[ItemRecord | None] = []
        for item in items:
            record = recorded.get(self.item_id(stage, item))
            need = None if record is None or record.status == "absent" else self.need(stage, item, group)
            result.append(record if record and need and need.input == record.input else None)
        return tuple(result)

    def record(self, stage: str, item: int, group: int) -> ItemRecord | None:
        """Current record of one item that stands in `group`."""
        return self.current(stage, group)[self.items(stage, group).index(item)]

    def to_compute(self, stage: str, group: int) -> tuple[int, ...]:
        """Items of a shard that the selection asks for and that are not done."""
        fresh = (stage, group) in self._fresh
        forced = stage in self.selection.force and not fresh
        retry = self.selection.retry_failed and not fresh
        return tuple(
            item
            for item, record in zip(self.items(stage, group), self.current(stage, group), strict=True)
            if self.is_wanted(stage, item)
            and (record is None or forced or (retry and record.status == "failed"))
        )

    def is_complete(self, stage: str, group: int) -> bool:
        """Whether nothing is left to do in a shard."""
        return not self.to_compute(stage, group)

    def wanted_groups(self, stage: str) -> tuple[int, ...]:
        """Groups in which the selection asks for anything."""
        return tuple(
            group
            for group in range(len(self.groups))
            if any(self.is_wanted(stage, item) for item in self.items(stage, group))
        )

    def reasons(self, stage: str, group: int) -> Counter[str]:
        """Why the items of a shard would be computed, by number of items."""
        manifest = self.found(stage, group)
        recorded = {} if manifest is None else {record.id: record for record in manifest.items}
        counts: Counter[str] = Counter()
        for item in self.to_compute(stage, group):
            record = recorded.get(self.item_id(stage, item))
            if record is None or record.status == "absent":
                counts["not computed yet"] += 1
            elif self.record(stage, item, group) is not None:
                counts["asked for again"] += 1
            elif self.need(stage, item, group) is None:
                counts["an earlier stage runs first"] += 1
            else:
                counts["its inputs changed"] += 1
        return counts

    def committed(self, stage: str, group: int) -> None:
        """Take note that a shard has just been computed."""
        self._fresh.add((stage, group))
        self._found.pop((stage, group), None)
        self._current.pop((stage, group), None)
        later = list(STAGES)[list(STAGES).index(stage) + 1 :]
        for name in later:
            for reader in self._readers[group]:
                self._current.pop((name, reader), None)

    def need(self, stage: str, item: int, group: int) -> Need | None:
        """Inputs of an item that stands in `group`; None while an earlier stage has not done its part."""
        return find_need(self, stage, item, group)

    def job(self, stage: str, group: int) -> ShardJob:
        """Parcel of what is left to do in a shard; what is still good in it is carried over.

        Raises
        ------
        CacheError
            An earlier stage has not done its part.
        """
        todo = set(self.to_compute(stage, group))
        items: list[ItemJob] = []
        for item, record in zip(self.items(stage, group), self.current(stage, group), strict=True):
            name = self.item_id(stage, item)
            if item not in todo:
                kept = record or ItemRecord(name, "absent", reason="not asked for")
                # The source is there for the case that what is kept turns out to be damaged.
                known = None if record is None else self.need(stage, item, group)
                source = None if known is None else known.source
                items.append(ItemJob(name, kept.input, source, kept=kept))
                continue
            need = self.need(stage, item, group)
            if need is None:
                raise CacheError(
                    f"{stage} of {name!r} needs {' and '.join(STAGES[stage].reads)}, which is not in the "
                    "cache; run without --from and --only, or run those stages first"
                )
            items.append(ItemJob(name, need.input, need.source, need.status, need.reason))
        path = self.shard_path(stage, group)
        name, config = self.groups[group].name, self._worker_config
        return ShardJob(stage, self.fingerprints[stage], name, path, tuple(items), config)

    @cached_property
    def _worker_config(self) -> Config:
        """The config with absolute paths of weights."""
        update = {}
        for stage in NETWORK_STAGES:
            path = weights_path(stage, self.config)
            if path is not None:
                update[stage] = getattr(self.config, stage).model_copy(update={"weights": path.absolute()})
        return self.config.model_copy(update=update)

    def records(self, stage: str) -> Iterable[tuple[int, ItemRecord | None]]:
        """Every item that the selection asks for, with its current record."""
        for group in self.wanted_groups(stage):
            for item, record in zip(self.items(stage, group), self.current(stage, group), strict=True):
                if self.is_wanted(stage, item):
                    yield item, record

    def failures(self) -> list[tuple[str, ItemRecord]]:
        """Stage and record of every item asked for that has failed."""
        return [
            (stage, record)
            for stage in self.selection.stages
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
        raise CacheError(
            f"store.cache = {str(cache)!r}: cannot be written ({error.strerror}); "
            "name another folder: --set store.cache=FOLDER"
        ) from None
