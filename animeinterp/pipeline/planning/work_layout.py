"""The frames and pairs of a dataset, their shards, and which of them are selected."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property

from animeinterp.data.manifest import Manifest
from animeinterp.pipeline.compute.registry import STAGES
from animeinterp.pipeline.planning.shard_groups import ShardGroup


@dataclass(frozen=True)
class WorkLayout:
    """The items of a dataset in the order of its manifest, divided into groups: those of one shard.

    An item is a frame or a pair, whichever the stage works on, and is named by its position in the manifest.
    """

    manifest: Manifest
    groups: tuple[ShardGroup, ...]
    wanted_pairs: frozenset[int]
    """Selected pairs."""
    default_times: tuple[float, ...]
    """Times of the frames to make for a pair that lists none."""

    def items(self, stage: str, group: int) -> tuple[int, ...]:
        """Items of a shard."""
        found = self.groups[group]
        return found.frames if STAGES[stage].unit == "frame" else found.pairs

    def item_id(self, stage: str, item: int) -> str:
        """Id of a frame or pair."""
        return (self.manifest.frames if STAGES[stage].unit == "frame" else self.manifest.pairs)[item].id

    def ids(self, stage: str) -> frozenset[str]:
        """Ids of all items of a stage."""
        return self._ids[STAGES[stage].unit]

    def times(self, pair: int) -> tuple[float, ...]:
        """Times of the frames to make for a pair."""
        return self.manifest.pairs[pair].times or self.default_times

    def group_of(self, stage: str, item: int) -> int:
        """Group of an item."""
        return self._groups_of[STAGES[stage].unit][item]

    def frame_groups(self, group: int) -> frozenset[int]:
        """Groups of the frames of a group's pairs."""
        pairs = (self.manifest.pairs[pair] for pair in self.groups[group].pairs)
        return frozenset(self._groups_of["frame"][frame] for pair in pairs for frame in pair.frames)

    def pairs_of(self, stage: str, group: int) -> list[int]:
        """Pairs that a shard's items belong to."""
        if STAGES[stage].unit == "pair":
            return list(self.groups[group].pairs)
        return [pair for frame in self.groups[group].frames for pair in self._pairs_of_frame[frame]]

    def is_wanted(self, stage: str, item: int) -> bool:
        """Whether an item is selected."""
        return item in (self._wanted_frames if STAGES[stage].unit == "frame" else self.wanted_pairs)

    def wanted_groups(self, stage: str) -> tuple[int, ...]:
        """Groups with selected items."""
        return self._wanted_groups[STAGES[stage].unit]

    def wanted_items(self, stage: str) -> Iterator[int]:
        """Every selected item, in the order of the shards."""
        for group in self.wanted_groups(stage):
            for item in self.items(stage, group):
                if self.is_wanted(stage, item):
                    yield item

    @cached_property
    def _ids(self) -> Mapping[str, frozenset[str]]:
        return {
            "frame": frozenset(frame.id for frame in self.manifest.frames),
            "pair": frozenset(pair.id for pair in self.manifest.pairs),
        }

    @cached_property
    def _groups_of(self) -> Mapping[str, Mapping[int, int]]:
        groups = list(enumerate(self.groups))
        return {
            "frame": {frame: k for k, group in groups for frame in group.frames},
            "pair": {pair: k for k, group in groups for pair in group.pairs},
        }

    @cached_property
    def _pairs_of_frame(self) -> Mapping[int, list[int]]:
        pairs: dict[int, list[int]] = {}
        for position, pair in enumerate(self.manifest.pairs):
            for frame in pair.frames:
                pairs.setdefault(frame, []).append(position)
        return pairs

    @cached_property
    def _wanted_frames(self) -> frozenset[int]:
        return frozenset(frame for pair in self.wanted_pairs for frame in self.manifest.pairs[pair].frames)

    @cached_property
    def _wanted_groups(self) -> Mapping[str, tuple[int, ...]]:
        groups = list(enumerate(self.groups))
        return {
            "frame": tuple(k for k, group in groups if not self._wanted_frames.isdisjoint(group.frames)),
            "pair": tuple(k for k, group in groups if not self.wanted_pairs.isdisjoint(group.pairs)),
        }
