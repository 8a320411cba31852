"""Time and space that a clip would take, judged by three of its pairs."""

from __future__ import annotations

from collections import Counter
from collections.abc import Container, Iterator, Sequence
from math import ceil
from statistics import fmean

from animeinterp.pipeline.clips.clip_interpolation import ClipWork
from animeinterp.pipeline.clips.parts import LAST_STAGE, ClipPart
from animeinterp.pipeline.clips.source_frames import ClipFrames
from animeinterp.pipeline.clips.timeline import Timeline
from animeinterp.pipeline.compute.registry import STAGES, needed_for
from animeinterp.pipeline.planning.estimates import Estimate, PastRate, StageEstimate, free_space
from animeinterp.pipeline.planning.session import Session
from animeinterp.pipeline.planning.verdicts import items_to_compute
from animeinterp.pipeline.planning.worker_count import memory_needed, number_of_workers

SAMPLE = 3
"""Pairs computed, evenly spread over the clip."""
SOURCE = "of this clip"


def estimate_clip(work: ClipWork, frames: ClipFrames, timeline: Timeline) -> Estimate:
    """Estimate what is left to compute; the sample's results are kept, and computed only once.

    Parameters
    ----------
    work
        Gets the failures of the sample.
    frames
        The clip's frames, of which those of the sample are written.
    timeline
        Names the pairs.

    Raises
    ------
    AnimeInterpError
        As of `ClipWork.compute`.

    Notes
    -----
    Pairs whose frames have not been written yet count as missing, except those of the sample. Encoding of the
    output is not included.
    """
    times, section = timeline.plan.times, work.config.executor
    parts = [part for part in work.parts(timeline) if not work.is_encoded(part, frames)]
    pairs = [drawings for part in parts for drawings in part.times]
    if not pairs:
        return Estimate((), 1, free_space(work.cache))
    chosen = dict.fromkeys(pairs[(2 * k + 1) * len(pairs) // (2 * SAMPLE)] for k in range(SAMPLE))
    sample = ClipPart(0, {drawings: times[drawings] for drawings in chosen})
    session = work.run(sample, frames)
    left = _left(work, frames, parts, sample)
    shards = max(work.config.store.least_shards, ceil(len(pairs) / work.config.store.pairs_per_shard))
    stages = [
        StageEstimate(stage, left[stage], min(left[stage], shards), _rate(session, stage))
        for stage in session.stages
        if left[stage]
    ]
    height, width = work.clip.size
    memory = memory_needed(work.config, height * width)
    workers = {"inline": 1, "local": number_of_workers(section, memory)}.get(section.kind)
    every = (*_frames(frames, sample, pairs), *stages)
    most = max(len(part.times) for part in parts) / len(pairs)
    return Estimate(every, workers, free_space(work.cache), _at_a_time(every, most, work.kept))


def _at_a_time(stages: Sequence[StageEstimate], part: float, kept: Container[str] | None) -> float | None:
    """Bytes beside the largest part, a share of all, of which only some stages are kept; None = all are."""
    if kept is None or part == 1:
        return None
    return sum(found.size * (1 if found.stage in kept else part) for found in stages)


def _left(work: ClipWork, frames: ClipFrames, parts: Sequence[ClipPart], sample: ClipPart) -> Counter[str]:
    """Items to compute of each stage; of parts that have not been begun, all but the sample."""
    left: Counter[str] = Counter()
    for part in parts:
        if work.finished(part, frames) is not None:
            continue
        if all(map(frames.is_there, part.indices())):
            session = work.look_at(part, frames)
            left.update({stage: sum(1 for _ in items_to_compute(session, stage)) for stage in session.stages})
            continue
        items = {
            "frame": len(set(part.indices()) - set(sample.indices())),
            "pair": len(part.times.keys() - sample.times.keys()),
        }
        left.update({stage: items[STAGES[stage].unit] for stage in needed_for(LAST_STAGE, work.config)})
    return left


def _rate(session: Session, stage: str) -> PastRate | None:
    """Rate of a stage in the sample; None if nothing of it succeeded."""
    found = [place for _, place in session.locations(stage) if place and place.record.status == "ok"]
    if not found:
        return None
    seconds = fmean(place.record.seconds for place in found)
    size = fmean(place.manifest.size / len(place.manifest.items) for place in found)
    return PastRate(len(found), seconds, size, None, SOURCE)


def _frames(
    frames: ClipFrames, sample: ClipPart, pairs: Sequence[tuple[int, int]]
) -> Iterator[StageEstimate]:
    """Space of the frames that are written for the stages; none if they read the clip's own images."""
    written = [frames.path(index) for index in sample.indices()]
    missing = sum(not frames.is_there(index) for index in {index for both in pairs for index in both})
    if missing:
        size = fmean(path.stat().st_size for path in written)
        yield StageEstimate("frames", missing, missing, PastRate(len(written), 0.0, size, None, SOURCE))
