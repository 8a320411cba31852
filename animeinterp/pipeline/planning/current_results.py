"""Which items in the cache are current, and what each is computed from.

The two questions depend on each other: an item is current if it was computed from its present inputs, and
these are the current items of earlier stages.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from animeinterp.configs.errors import ConfigError
from animeinterp.configs.sections import Config
from animeinterp.data.file_facts import FileFacts
from animeinterp.data.manifest import Pair
from animeinterp.data.sgm_folders import FlowFiles, find_flow_files
from animeinterp.pipeline.compute.item_source import ItemSource, UpstreamItem
from animeinterp.pipeline.compute.registry import STAGES, binding_of
from animeinterp.pipeline.planning.item_inputs import (
    ItemInputs,
    after_failure,
    evaluation_inputs,
    frame_inputs,
    has_truth,
    joined,
    nothing_to_compute,
)
from animeinterp.pipeline.planning.selection import Selection
from animeinterp.pipeline.planning.work_layout import WorkLayout
from animeinterp.pipeline.store.shard_manifest import ItemRecord
from animeinterp.pipeline.store.stage_index import Location, StageIndex

Shard = tuple[str, int]
"""Stage, and position of the group."""
Item = tuple[str, int]
"""Stage, and position of the frame or pair in the manifest."""


@dataclass
class CurrentResults:
    """What is current in a cache, computed on demand and remembered."""

    config: Config
    selection: Selection
    stages: tuple[str, ...]
    """Those to run."""
    layout: WorkLayout
    folders: Mapping[str, Path]
    """Of each stage's results."""
    facts: FileFacts
    look_only: bool
    """Nothing is to be written."""
    fresh: set[Shard] = field(default_factory=set)
    """Shards computed since the session was opened."""
    _indexes: dict[str, StageIndex] = field(default_factory=dict)
    _located: dict[Item, Location | None] = field(default_factory=dict)
    _flow_files: dict[int, FlowFiles] = field(default_factory=dict)

    def under(self, stage: str, folder: Path) -> CurrentResults:
        """The same, with the results of one stage in another folder."""
        others = {name: index for name, index in self._indexes.items() if name != stage}
        return replace(
            self, folders={**self.folders, stage: folder}, fresh=set(), _indexes=others, _located={}
        )

    def index(self, stage: str) -> StageIndex:
        """Everything that the cache holds for a stage under its fingerprint."""
        if stage not in self._indexes:
            items = self.layout.ids(stage)
            self._indexes[stage] = StageIndex(self.folders[stage], restore=not self.look_only, items=items)
        return self._indexes[stage]

    def locate(self, stage: str, item: int) -> Location | None:
        """Location of an item if it is current, else None."""
        key = (stage, item)
        if key not in self._located:
            name, index = self.layout.item_id(stage, item), self.index(stage)
            inputs = self.inputs_of(stage, item) if name in index else None
            self._located[key] = None if inputs is None else index.find(name, inputs.input)
        return self._located[key]

    def record(self, stage: str, item: int) -> ItemRecord | None:
        """Record of a current item."""
        location = self.locate(stage, item)
        return None if location is None else location.record

    def inputs_of(self, stage: str, item: int) -> ItemInputs | None:
        """What an item is computed from; None if an earlier stage is not done."""
        binding = binding_of(stage, self.config)
        manifest = self.layout.manifest
        if binding.unit == "frame":
            frame = manifest.frames[item]
            source = ItemSource(frames=(frame.path,), style=frame.style)
            return self._with_upstream(stage, item, {"frame0": frame.digest, "style": frame.style}, source)
        pair = manifest.pairs[item]
        if pair.error is not None and all(STAGES[name].unit == "frame" for name in binding.reads):
            return nothing_to_compute("failed", pair.error)  # once, where pairs begin
        frames = [manifest.frames[index] for index in pair.frames]
        own = frame_inputs(binding, frames)
        source = ItemSource(frames=tuple(frame.path for frame in frames))
        if binding.imports:
            files = self.flow_files(item)
            if not files.present and (kept := self._imported_before(stage, pair, frames[0].size)):
                return kept
            own |= dict(zip(("flow01", "flow10"), files.digests, strict=True))
            source = replace(source, flows=files.paths)
        if STAGES[stage].timed:
            source = replace(source, times=self.layout.times(item))
            if pair.times:
                own["times"] = str(list(pair.times))
        if STAGES[stage].against_truth:
            compared = evaluation_inputs(pair, self.layout.times(item))
            if isinstance(compared, ItemInputs):
                return compared
            own, source = compared
        return self._with_upstream(stage, item, own, source)

    def upstream_items(self, stage: str, item: int) -> list[Item]:
        """Items of earlier stages that an item reads, in the order of its inputs."""
        binding, pairs = binding_of(stage, self.config), self.layout.manifest.pairs
        upstream: list[Item] = []
        for name in binding.reads:
            if STAGES[stage].against_truth and not has_truth(pairs[item], name, self.layout.times(item)):
                continue
            if STAGES[name].unit == binding.unit:
                upstream.append((name, item))
            else:
                upstream.extend((name, index) for index in pairs[item].frames)
        return upstream

    def is_awaited(self, stage: str, item: int) -> bool:
        """Whether dependants of an item have to wait for it, because it is not done or is retried."""
        location = self.locate(stage, item)
        if location is None:
            return True
        return location.record.status == "failed" and (
            self.selection.retry_failed
            and stage in self.stages
            and self.layout.is_wanted(stage, item)
            and (stage, self.layout.group_of(stage, item)) not in self.fresh
        )

    def missing_stages(self, stage: str, item: int) -> list[str]:
        """Earlier stages that are not done for an item."""
        reads = self.upstream_items(stage, item)
        return list(dict.fromkeys(name for name, read in reads if self.is_awaited(name, read)))

    def flow_files(self, pair: int) -> FlowFiles:
        """Files in `coarse_flow.imported_from` with a pair's flows, as they were when first read."""
        if pair not in self._flow_files:
            self.look_at_flow_files([pair])
        return self._flow_files[pair]

    def look_at_flow_files(self, pairs: Sequence[int]) -> None:
        """Read the facts of the flow files of many pairs at once."""
        root = self.config.coarse_flow.imported_from
        if root is None:
            raise ConfigError("coarse_flow.imported_from is not set")
        names = [self.layout.item_id("coarse_flow", pair) for pair in pairs]
        found = find_flow_files(root.absolute(), names, self.facts)
        self._flow_files.update(zip(pairs, found, strict=True))

    def forget(self, stage: str, group: int) -> None:
        """Forget what is known about a shard's items and their dependants."""
        names = list(STAGES)
        frames = self.layout.groups[group].frames if STAGES[stage].unit == "frame" else ()
        pairs = self.layout.pairs_of(stage, group)
        for name in names[names.index(stage) :]:
            for item in frames if STAGES[name].unit == "frame" else pairs:
                self._located.pop((name, item), None)

    def forget_items(self) -> None:
        """Forget which items are current."""
        self._located.clear()

    def forget_all(self) -> None:
        """Forget what the cache held: another process has changed it."""
        self._indexes.clear()
        self._located.clear()

    def _imported_before(self, stage: str, pair: Pair, size: tuple[int, int] | None) -> ItemInputs | None:
        """What the cache holds of a pair whose files are gone, if it fits the frames."""
        kept = self.index(stage).latest(pair.id)
        if kept is None or kept.shape("coarse_flow01")[1:] != size:
            return None
        return ItemInputs(kept.record.input, inputs=kept.record.inputs)

    def _with_upstream(
        self, stage: str, item: int, own: dict[str, str], source: ItemSource
    ) -> ItemInputs | None:
        upstream: list[UpstreamItem] = []
        for name, read in self.upstream_items(stage, item):
            location = self.locate(name, read)
            if location is None or self.is_awaited(name, read):
                return None
            record = location.record
            if record.status != "ok":
                return after_failure(name, record)
            upstream.append(UpstreamItem(name, location.path, record.id, record.output_digest))
        return joined(stage, own, source, upstream)
