"""The inputs of an item, files and earlier results, as a digest and as a source to read."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from animeinterp.data.manifest import Pair, SourceFrame
from animeinterp.data.truth import TRUTH_TIME
from animeinterp.pipeline.compute.entry import StageBinding
from animeinterp.pipeline.compute.item_source import ItemSource, UpstreamItem
from animeinterp.pipeline.compute.registry import STAGES
from animeinterp.pipeline.store.fingerprints import canonical_digest
from animeinterp.pipeline.store.shard_manifest import ItemRecord, ItemStatus

CONSEQUENCE = re.compile(rf"({'|'.join(STAGES)}) of .+ failed")
"""Reason, worded by `after_failure`, of an item skipped because an earlier one failed."""

Inputs = dict[str, str]
"""Digests or values of what an item is computed from, by name."""


@dataclass(frozen=True, slots=True)
class ItemInputs:
    """The inputs of an item, or why there is nothing to compute."""

    input: str
    """Digest of all of it."""
    source: ItemSource | None = None
    status: ItemStatus = "ok"
    """Status of an item without a source: failed or skipped; ok if only the cache still holds it."""
    reason: str = ""
    inputs: Mapping[str, str] = field(default_factory=dict)
    """The parts of `input`: source files by role, earlier stages' items as `<stage>/<0 or 1>`."""

    @property
    def irreplaceable(self) -> bool:
        """Whether the cache holds the item but its inputs are gone."""
        return self.source is None and self.status == "ok"


def nothing_to_compute(status: ItemStatus, reason: str, *because: str) -> ItemInputs:
    """An item that is failed or skipped from the start."""
    return ItemInputs(canonical_digest([status, reason, *because]), None, status, reason)


def after_failure(stage: str, record: ItemRecord) -> ItemInputs:
    """An item that reads one of an earlier stage that is not ok."""
    why = record.reason if record.status == "skipped" else f"{stage} of {record.id} failed"
    return nothing_to_compute("skipped", why, stage, record.id, record.input)


def general_reason(reason: str) -> str:
    """Why an item was skipped, worded the same for all items with that reason."""
    found = CONSEQUENCE.fullmatch(reason)
    return reason if found is None else f"its {found[1]} failed"


def joined(stage: str, own: Inputs, source: ItemSource, upstream: Sequence[UpstreamItem]) -> ItemInputs:
    """Inputs of an item from its own files and the items of earlier stages that it reads."""
    inputs = dict(own)
    for name, read in zip(upstream_names(upstream), upstream, strict=True):
        inputs[name] = read.output_digest
    return ItemInputs(
        canonical_digest([stage, inputs]), replace(source, upstream=tuple(upstream)), inputs=inputs
    )


def upstream_names(upstream: Sequence[UpstreamItem]) -> list[str]:
    """Names of earlier stages' items among an item's inputs: `<stage>/<0 or 1>`."""
    names: list[str] = []
    for read in upstream:
        names.append(f"{read.stage}/{int(f'{read.stage}/0' in names)}")
    return names


def frame_inputs(binding: StageBinding, frames: Sequence[SourceFrame]) -> Inputs:
    """The properties of a pair's frames on which a stage's results depend."""
    if binding.frames == "content":
        return {f"frame{k}": frame.digest for k, frame in enumerate(frames)}
    return {f"size{k}": str(frame.size) for k, frame in enumerate(frames)} if binding.frames == "size" else {}


def has_truth(pair: Pair, stage: str, times: Sequence[float]) -> bool:
    """Whether a pair has a truth to score results by: a frame or exact motion."""
    if STAGES[stage].timed:
        return pair.truth is not None and TRUTH_TIME in times
    return pair.motion_truth is not None


def evaluation_inputs(pair: Pair, times: Sequence[float]) -> ItemInputs | tuple[Inputs, ItemSource]:
    """The truth that a pair is scored by, or why it is not scored."""
    if pair.truth is None and pair.motion_truth is None:
        return nothing_to_compute("skipped", "no ground truth")
    if TRUTH_TIME not in times and pair.motion_truth is None:
        return nothing_to_compute("skipped", f"no frame at t = {TRUTH_TIME}: synthesis.times = {list(times)}")
    if pair.annotation_error is not None:
        return nothing_to_compute("failed", pair.annotation_error)
    source, own = ItemSource(times=tuple(times)), {}
    if pair.truth is not None and TRUTH_TIME in times:
        source = replace(source, truth=pair.truth.path)
        if pair.annotation is not None:
            found = pair.annotation.motion_RoI
            roi = (found.x, found.y, found.width, found.height)
            source = replace(source, roi=roi, image_size=pair.annotation.image_size)
        own = {"truth": pair.truth.digest, "annotation": str((source.roi, source.image_size))}
    if pair.motion_truth is not None:
        source = replace(source, motion_truth=pair.motion_truth.path)
        own["motion_truth"] = pair.motion_truth.digest
    return own, source
