"""Parts of a clip: its pairs are processed a part at a time, so that memory does not grow with its length."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from animeinterp.configs.loading import text_setting
from animeinterp.data.listed_pairs import write_pairs
from animeinterp.pipeline.clips.source_frames import ClipFrames
from animeinterp.pipeline.clips.timeline import Plan
from animeinterp.pipeline.compute.item_source import ItemSource, UpstreamItem
from animeinterp.pipeline.planning.session import Session
from animeinterp.pipeline.store.fingerprints import canonical_digest

Drawings = tuple[int, int]  # first frames of two drawings, one after the other
LAST_STAGE = "synthesis"
PART_PIXELS = 100e6
"""Pixels of a part, one frame of each pair counted: until it is done, all stages of it take 9 bytes each."""


@dataclass(frozen=True, slots=True)
class ClipPart:
    """Some pairs of a clip that follow each other."""

    number: int
    """From 1."""
    times: Mapping[Drawings, tuple[float, ...]]
    """Times of the frames to make for each pair."""
    mixed: tuple[Drawings, ...] = ()
    """Drawings that are cross-faded between those pairs, or before or after them."""
    shown: range = range(0)
    """The frames of the output that show them, counted from 0; all parts together show all."""

    def indices(self) -> list[int]:
        """Frames of its pairs, ascending."""
        return sorted({index for drawings in self.times for index in drawings})

    def mixed_indices(self) -> list[int]:
        """Frames of its cross-fades, ascending."""
        return sorted({index for drawings in self.mixed for index in drawings})

    def files(self) -> list[int]:
        """Frames that are needed as files, ascending."""
        return sorted({*self.indices(), *self.mixed_indices()})

    def pair_id(self, name: str, drawings: Drawings) -> str:
        """Id of a pair: the clip's name and its frames' numbers."""
        return f"{name}_{drawings[0]:06d}_{drawings[1]:06d}"

    def root(self, frames: ClipFrames) -> Path:
        """Its folder in the cache."""
        content = [[self.pair_id(frames.name, drawings), times] for drawings, times in self.times.items()]
        return frames.folder / "parts" / f"{self.number:04d}-{canonical_digest(content)[:12]}"

    def list_pairs(self, frames: ClipFrames) -> list[str]:
        """List the pairs in a folder of the cache; return the settings for a run on them.

        Raises
        ------
        DataError
            The folder cannot be written.
        """
        pairs = [
            (self.pair_id(frames.name, drawings), (frames.path(drawings[0]), frames.path(drawings[1])), times)
            for drawings, times in self.times.items()
        ]
        root = self.root(frames)
        write_pairs(root, frames.name, pairs)
        return ["data.layout=listed", text_setting("data.root", str(root.absolute())), "store.results="]


def divide(plan: Plan, most: int, size: tuple[int, int]) -> list[ClipPart]:
    """Divide pairs of frames of a size into parts of at most so many pairs, fewer where frames are large."""
    most = min(most, max(1, int(PART_PIXELS / (size[0] * size[1]))))
    pairs = list(plan.times.items())
    firsts = range(0, len(pairs), most)
    ends = [*(plan.begins[pairs[k][0]] for k in firsts[1:]), plan.cadence.count]
    parts = []
    for number, (first, begin, end) in enumerate(zip(firsts, [0, *ends], ends, strict=False), start=1):
        mixed = tuple(drawings for drawings in plan.mixed if begin <= plan.begins[drawings] < end)
        parts.append(ClipPart(number, dict(pairs[first : first + most]), mixed, range(begin, end)))
    return parts


def sources_of(session: Session, part: ClipPart) -> dict[Drawings, ItemSource | None]:
    """Locations of the results of a part's pairs; None for a pair that failed."""
    found: dict[Drawings, ItemSource | None] = {}
    for pair, (drawings, times) in enumerate(part.times.items()):
        reads = []
        for stage in ("refinement", LAST_STAGE):
            location = session.current.locate(stage, pair)
            if location is not None and location.record.status == "ok":
                record = location.record
                reads.append(UpstreamItem(stage, location.path, record.id, record.output_digest))
        whole = len(reads) == 2
        found[drawings] = ItemSource(upstream=tuple(reads), times=times) if whole else None
    return found
