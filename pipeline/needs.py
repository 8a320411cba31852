"""What one item of a stage is computed from, as a digest and as a source to read."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from data.manifest import Pair
from pipeline.bindings import STAGES, TRUTH_TIME, ItemSource, UpstreamItem
from pipeline.fingerprints import canonical_digest
from pipeline.shards import ItemStatus

if TYPE_CHECKING:
    from pipeline.session import Session

FIRST_PAIR_STAGE = next(name for name, binding in STAGES.items() if binding.unit == "pair")

Upstream = tuple[str, int]  # stage, item


@dataclass(frozen=True, slots=True)
class Need:
    """What an item needs: its inputs' digest and source, or why there is nothing to compute."""

    input: str
    source: ItemSource | None = None
    status: ItemStatus = "ok"
    """Without a source: what the item is then, failed or skipped."""
    reason: str = ""


def find_need(session: Session, stage: str, item: int) -> Need | None:
    """Inputs of an item; None while an earlier stage has not done its part."""
    binding = STAGES[stage]
    if binding.unit == "frame":
        frame = session.manifest.frames[item]
        source = ItemSource(frames=(frame.path,), style=frame.style)
        upstream = [(name, item) for name in binding.reads]
        return _with_upstream(session, stage, [frame.digest, frame.style], source, upstream)
    pair = session.manifest.pairs[item]
    if pair.error is not None and stage == FIRST_PAIR_STAGE:
        return _foregone("failed", pair.error)
    frames = [session.manifest.frames[index] for index in pair.frames]
    own: list[object] = [frame.digest for frame in frames] if binding.reads_frames else []
    source = ItemSource(frames=tuple(frame.path for frame in frames))
    if stage == "evaluation":
        compared = _evaluation_inputs(session, pair)
        if isinstance(compared, Need):
            return compared
        own, source = compared
    upstream = []
    for name in binding.reads:
        if STAGES[name].unit == "pair":
            upstream.append((name, item))
        else:
            upstream.extend((name, index) for index in pair.frames)
    return _with_upstream(session, stage, own, source, upstream)


def _foregone(status: ItemStatus, reason: str, *because: str) -> Need:
    return Need(canonical_digest([status, reason, *because]), None, status, reason)


def _evaluation_inputs(session: Session, pair: Pair) -> Need | tuple[list[object], ItemSource]:
    times = session.config.synthesis.times
    if pair.truth is None:
        return _foregone("skipped", "no ground truth")
    if TRUTH_TIME not in times:
        return _foregone("skipped", f"no frame at t = {TRUTH_TIME}: synthesis.times = {list(times)}")
    if pair.annotation_error is not None:
        return _foregone("failed", pair.annotation_error)
    source = ItemSource(truth=pair.truth.path)
    if pair.annotation is not None:
        found = pair.annotation.motion_RoI
        roi = (found.x, found.y, found.width, found.height)
        source = replace(source, roi=roi, image_size=pair.annotation.image_size)
    return [pair.truth.digest, source.roi, source.image_size], source


def _with_upstream(
    session: Session, stage: str, own: list[object], source: ItemSource, reads: Sequence[Upstream]
) -> Need | None:
    upstream: list[UpstreamItem] = []
    for name, item in reads:
        location = session.locate(name, item)
        if location is None:
            return None
        record = location.record
        if record.status != "ok":
            why = record.reason if record.status == "skipped" else f"{name} of {record.id} failed"
            return _foregone("skipped", why, name, record.id, record.input)
        upstream.append(UpstreamItem(name, location.path, record.id, record.output_digest))
    digest = canonical_digest([stage, *own, *(item.output_digest for item in upstream)])
    return Need(digest, replace(source, upstream=tuple(upstream)))
