"""What one item of a stage is computed from, as a digest and as a source to read."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from data.manifest import Pair, SourceFrame
from data.truth import TRUTH_TIME
from pipeline.compute.item_source import ItemSource, UpstreamItem
from pipeline.compute.registry import STAGES, StageBinding, binding_of
from pipeline.store.fingerprints import canonical_digest
from pipeline.store.shard_manifest import ItemStatus

if TYPE_CHECKING:
    from pipeline.planning.session import Session

CONSEQUENCE = re.compile(rf"({'|'.join(STAGES)}) of .+ failed")  # as `_with_upstream` words it

Upstream = tuple[str, int]  # stage, item
Inputs = dict[str, str]
"""Digests or values of what an item is computed from, by name."""


@dataclass(frozen=True, slots=True)
class Need:
    """What an item needs: its inputs' digest and source, or why there is nothing to compute."""

    input: str
    source: ItemSource | None = None
    status: ItemStatus = "ok"
    """Without a source: what the item is then, failed or skipped; ok when only the cache has it any more."""
    reason: str = ""
    inputs: Mapping[str, str] = field(default_factory=dict)
    """The parts of `input`: source files by role, earlier stages' items as `<stage>/<0 or 1>`."""

    @property
    def irreplaceable(self) -> bool:
        """Whether the cache holds the item and nothing is left to compute it from."""
        return self.source is None and self.status == "ok"


def find_need(session: Session, stage: str, item: int) -> Need | None:
    """Inputs of an item; None while an earlier stage has not done its part."""
    binding = binding_of(stage, session.config)
    if binding.unit == "frame":
        frame = session.manifest.frames[item]
        source = ItemSource(frames=(frame.path,), style=frame.style)
        own = {"frame0": frame.digest, "style": frame.style}
        return _with_upstream(session, stage, own, source, upstream_items(session, stage, item))
    pair = session.manifest.pairs[item]
    if pair.error is not None and all(STAGES[name].unit == "frame" for name in binding.reads):
        return _foregone("failed", pair.error)  # once, where pairs begin
    frames = [session.manifest.frames[index] for index in pair.frames]
    own = _frame_inputs(binding, frames)
    source = ItemSource(frames=tuple(frame.path for frame in frames))
    if binding.imports:
        files = session.flow_files(item)
        if not files.present and (kept := _imported_before(session, stage, pair, frames[0].size)):
            return kept
        own |= dict(zip(("flow01", "flow10"), files.digests, strict=True))
        source = replace(source, flows=files.paths)
    if stage == "synthesis":
        source = replace(source, times=session.times(item))
        if pair.times:
            own["times"] = str(list(pair.times))
    if stage == "evaluation":
        compared = _evaluation_inputs(pair, session.times(item))
        if isinstance(compared, Need):
            return compared
        own, source = compared
    return _with_upstream(session, stage, own, source, upstream_items(session, stage, item))


def upstream_items(session: Session, stage: str, item: int) -> list[Upstream]:
    """Items of earlier stages that an item reads, in the order of its inputs."""
    binding = binding_of(stage, session.config)
    upstream: list[Upstream] = []
    for name in binding.reads:
        if stage == "evaluation" and not _has_truth(session, item, name):
            continue
        if STAGES[name].unit == binding.unit:
            upstream.append((name, item))
        else:
            upstream.extend((name, index) for index in session.manifest.pairs[item].frames)
    return upstream


def missing_stages(session: Session, stage: str, item: int) -> list[str]:
    """Earlier stages that have not done their part for an item."""
    reads = upstream_items(session, stage, item)
    return list(dict.fromkeys(name for name, read in reads if is_awaited(session, name, read)))


def _has_truth(session: Session, pair: int, stage: str) -> bool:
    """Whether something is known to score a stage's results by: a frame, or else exact motion."""
    found = session.manifest.pairs[pair]
    if stage == "synthesis":
        return found.truth is not None and TRUTH_TIME in session.times(pair)
    return found.motion_truth is not None


def upstream_names(upstream: Sequence[UpstreamItem]) -> list[str]:
    """Names of earlier stages' items among an item's inputs: `<stage>/<0 or 1>`."""
    names: list[str] = []
    for read in upstream:
        names.append(f"{read.stage}/{int(f'{read.stage}/0' in names)}")
    return names


def is_awaited(session: Session, stage: str, item: int) -> bool:
    """Whether what depends on an item has to wait for it, since it is not done or is tried again."""
    location = session.locate(stage, item)
    if location is None:
        return True
    return location.record.status == "failed" and session.is_to_be_retried(stage, item)


def _frame_inputs(binding: StageBinding, frames: Sequence[SourceFrame]) -> Inputs:
    if binding.frames == "content":
        return {f"frame{k}": frame.digest for k, frame in enumerate(frames)}
    return {f"size{k}": str(frame.size) for k, frame in enumerate(frames)} if binding.frames == "size" else {}


def _imported_before(session: Session, stage: str, pair: Pair, size: tuple[int, int] | None) -> Need | None:
    """What the cache holds of a pair whose files have gone, as long as it fits the frames."""
    kept = session.index(stage).latest(pair.id)
    if kept is None or kept.shape("coarse_flow01")[1:] != size:
        return None
    return Need(kept.record.input, inputs=kept.record.inputs)


def _foregone(status: ItemStatus, reason: str, *because: str) -> Need:
    return Need(canonical_digest([status, reason, *because]), None, status, reason)


def _evaluation_inputs(pair: Pair, times: Sequence[float]) -> Need | tuple[Inputs, ItemSource]:
    if pair.truth is None and pair.motion_truth is None:
        return _foregone("skipped", "no ground truth")
    if TRUTH_TIME not in times and pair.motion_truth is None:
        return _foregone("skipped", f"no frame at t = {TRUTH_TIME}: synthesis.times = {list(times)}")
    if pair.annotation_error is not None:
        return _foregone("failed", pair.annotation_error)
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


def general_reason(reason: str) -> str:
    """Why an item was skipped, in words that are the same for all items with that reason."""
    found = CONSEQUENCE.fullmatch(reason)
    return reason if found is None else f"its {found[1]} failed"


def _with_upstream(
    session: Session, stage: str, own: Inputs, source: ItemSource, reads: Sequence[Upstream]
) -> Need | None:
    upstream: list[UpstreamItem] = []
    for name, item in reads:
        location = session.locate(name, item)
        if location is None or is_awaited(session, name, item):
            return None
        record = location.record
        if record.status != "ok":
            why = record.reason if record.status == "skipped" else f"{name} of {record.id} failed"
            return _foregone("skipped", why, name, record.id, record.input)
        upstream.append(UpstreamItem(name, location.path, record.id, record.output_digest))
    inputs = dict(own)
    for input_name, read in zip(upstream_names(upstream), upstream, strict=True):
        inputs[input_name] = read.output_digest
    return Need(canonical_digest([stage, inputs]), replace(source, upstream=tuple(upstream)), inputs=inputs)
