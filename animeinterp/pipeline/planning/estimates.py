"""Estimates of time and space, based on similar work in the cache."""

from __future__ import annotations

import shutil
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from itertools import islice
from pathlib import Path

from animeinterp.pipeline.compute.registry import STAGES
from animeinterp.pipeline.planning.former_results import StageHistory
from animeinterp.pipeline.planning.session import Session
from animeinterp.pipeline.planning.verdicts import items_to_compute
from animeinterp.pipeline.planning.worker_count import fit_to_work
from animeinterp.pipeline.store.shard_manifest import ShardManifest
from animeinterp.pipeline.store.sizes import in_bytes
from animeinterp.pipeline.store.stage_descriptions import DIGITS_SHOWN

SHARDS_READ = 64  # of another fingerprint, the latest: enough for a mean
CLEARLY_TOO_LITTLE = 1.25  # need over free space from which a run warns before it begins


@dataclass(frozen=True, slots=True)
class PastRate:
    """Mean time and space of an item of a stage."""

    items: int
    """How many were measured."""
    seconds: float
    """Per item, on one worker."""
    size: float
    """Bytes per item."""
    pixels: float | None
    """Mean pixels per frame; None if sizes are unknown."""
    source: str
    """Where it was measured, in words."""


@dataclass(frozen=True, slots=True)
class StageEstimate:
    """What is left to do in a stage."""

    stage: str
    items: int
    shards: int
    rate: PastRate | None
    """None where nothing is known."""
    scale: float = 1.0
    """Pixels of the frames to compute, relative to the measured frames."""

    @property
    def seconds(self) -> float:
        """Of one worker; 0 if the rate is unknown."""
        return self.items * self.rate.seconds * self.scale if self.rate else 0.0

    @property
    def size(self) -> float:
        """Bytes; 0 if the rate is unknown."""
        return self.items * self.rate.size * self.scale if self.rate else 0.0


@dataclass(frozen=True, slots=True)
class Estimate:
    """What is left to do in all stages."""

    stages: tuple[StageEstimate, ...]
    """Those with work to do."""
    workers: int | None
    """None for a cluster."""
    free: int
    """Bytes free where the cache is."""
    at_a_time: float | None = None
    """Bytes that there are at once, where not all of them are kept."""

    @property
    def seconds(self) -> float:
        """From start to end on these workers; on one if their number is unknown."""
        # A stage of few shards cannot keep all workers busy.
        return sum(found.seconds / max(1, min(self.workers or 1, found.shards)) for found in self.stages)

    @property
    def size(self) -> float:
        """Bytes that are needed."""
        return sum(found.size for found in self.stages) if self.at_a_time is None else self.at_a_time

    @property
    def unknown(self) -> tuple[str, ...]:
        """Stages without a past rate."""
        return tuple(found.stage for found in self.stages if found.rate is None)


class PastRates:
    """Rates of each stage with the present settings, or else with the closest others."""

    def __init__(self, session: Session) -> None:
        self._session = session
        cache = session.config.store.cache.absolute()
        self._history = StageHistory(cache, session.descriptions)
        self._rates: dict[str, PastRate | None] = {}

    def rate(self, stage: str) -> PastRate | None:
        """Rate of a stage; None if the cache holds none of its items."""
        if stage not in self._rates:
            self._rates[stage] = self._find(stage)
        return self._rates[stage]

    def pixels(self, stage: str, items: Iterable[int]) -> list[int]:
        """Pixels of the frames of items whose size is known; of frame 0, for pairs."""
        return [size for item in items if (size := self._pixels(stage, item))]

    def _find(self, stage: str) -> PastRate | None:
        here = self._session.current.index(stage).shards.values()
        rate = self._mean(stage, here, "as now")
        for results in self._history.former(stage) if rate is None else ():
            manifests = (manifest for _, manifest in islice(results.shards(), SHARDS_READ))
            name = results.description.fingerprint[:DIGITS_SHOWN]
            rate = rate or self._mean(stage, manifests, f"as {name}")
        return rate

    def _mean(self, stage: str, manifests: Iterable[ShardManifest], source: str) -> PastRate | None:
        items, seconds, size = 0, 0.0, 0
        pixels: list[int] = []
        positions = self._positions[STAGES[stage].unit]
        for manifest in manifests:
            measured = [record for record in manifest.items if record.status == "ok"]
            if measured:
                items += len(measured)
                seconds += sum(record.seconds for record in measured)
                size += manifest.size
                there = [positions[record.id] for record in measured if record.id in positions]
                pixels += self.pixels(stage, there)
        if not items:
            return None
        known = sum(pixels) / len(pixels) if len(pixels) == items else None
        return PastRate(items, seconds / items, size / items, known, source)

    @cached_property
    def _positions(self) -> Mapping[str, Mapping[str, int]]:
        manifest = self._session.manifest
        return {
            "frame": {frame.id: k for k, frame in enumerate(manifest.frames)},
            "pair": {pair.id: k for k, pair in enumerate(manifest.pairs)},
        }

    def _pixels(self, stage: str, item: int) -> int:
        manifest = self._session.manifest
        frame = item if STAGES[stage].unit == "frame" else next(iter(manifest.pairs[item].frames), None)
        size = None if frame is None else manifest.frames[frame].size
        return 0 if size is None else size[0] * size[1]


def estimate(session: Session, rates: PastRates | None = None) -> Estimate:
    """Estimate the run of a session."""
    rates = rates or PastRates(session)
    free = free_space(session.config.store.cache)
    return Estimate(tuple(_estimates(session, rates)), workers(session), free)


def _estimates(session: Session, rates: PastRates) -> Iterator[StageEstimate]:
    for stage in session.stages:
        todo = list(items_to_compute(session, stage))
        if not todo:
            continue
        shards = len({session.layout.group_of(stage, item) for item in todo})
        rate = rates.rate(stage)
        pixels = rates.pixels(stage, todo)
        scale = 1.0
        if rate is not None and rate.pixels and pixels:
            scale = sum(pixels) / len(pixels) / rate.pixels
        yield StageEstimate(stage, len(todo), shards, rate, scale)


def workers(session: Session) -> int | None:
    """Processes that will compute; None for a cluster."""
    section = fit_to_work(session)
    return {"inline": 1, "local": section.workers}.get(section.kind)


def free_space(folder: Path) -> int:
    """Bytes free at the place of a folder, which need not exist yet."""
    there = next(path for path in (folder.absolute(), *folder.absolute().parents) if path.exists())
    return shutil.disk_usage(there).free


def space_note(session: Session) -> str | None:
    """A warning if the disk is clearly too small for the work; else None."""
    found = estimate(session)
    if found.size <= CLEARLY_TOO_LITTLE * found.free:
        return None
    return (
        f"store.cache = {str(session.config.store.cache)!r}: {in_bytes(found.free)} free, and about "
        f"{in_bytes(found.size)} are needed, judging by earlier results; finished results are kept "
        "if the disk fills up"
    )
