"""What is kept of a clip's results: parts that are done are recorded, and what is not needed is deleted."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from itertools import chain
from pathlib import Path

from pydantic import BaseModel, ConfigDict, ValidationError

from animeinterp.data.images import write_file
from animeinterp.pipeline.clips.parts import LAST_STAGE, ClipPart, Drawings
from animeinterp.pipeline.compute.item_source import ItemSource, UpstreamItem
from animeinterp.pipeline.planning.session import Session
from animeinterp.pipeline.store.commits import unfinished_folder
from animeinterp.pipeline.store.shard_manifest import read_damage, read_manifest

RECORD_NAME = "finished.json"


class FinishedPart(BaseModel):
    """Where the results of a part are of which every pair is done; stages before them may be gone."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    fingerprint: str
    """Of the last stage."""
    items: tuple[tuple[tuple[str, str, str, str], ...], ...]
    """For each pair, in order: stage, shard in the cache, id, digest of its results."""

    def sources(self, part: ClipPart, cache: Path) -> dict[Drawings, ItemSource | None]:
        """Locations of the pairs' results."""
        found: dict[Drawings, ItemSource | None] = {}
        for (drawings, times), items in zip(part.times.items(), self.items, strict=True):
            reads = (UpstreamItem(stage, cache / path, name, digest) for stage, path, name, digest in items)
            found[drawings] = ItemSource(upstream=tuple(reads), times=times)
        return found


def read_finished(root: Path, fingerprint: str, cache: Path) -> FinishedPart | None:
    """The record of a part, if all it names is there and sound as far as is known."""
    try:
        found = FinishedPart.model_validate_json((root / RECORD_NAME).read_bytes())
    except (OSError, ValidationError):
        return None
    wanted = {(path, name): digest for items in found.items for _, path, name, digest in items}
    for path in {path for path, _ in wanted}:
        manifest = read_manifest(cache / path)
        if manifest is None or found.fingerprint != fingerprint:
            return None
        there = {record.id: record.output_digest for record in manifest.items}
        damage = read_damage(cache / path)
        if any(
            there.get(name) != digest or name in damage
            for (other, name), digest in wanted.items()
            if other == path
        ):
            return None
    return found


def record_finished(
    root: Path, session: Session, sources: Mapping[Drawings, ItemSource | None], needed: Iterable[str]
) -> FinishedPart | None:
    """Record a part all of whose pairs are done, with its results of the needed stages; else nothing.

    Raises
    ------
    DataError
        The folder cannot be written.
    """
    cache = session.config.store.cache.absolute()
    found = [source for source in sources.values() if source is not None]
    if len(found) < len(sources):
        return None
    record = FinishedPart(
        fingerprint=session.fingerprints[LAST_STAGE],
        items=tuple(
            tuple(
                (item.stage, str(item.path.relative_to(cache)), item.id, item.output_digest)
                for item in source.upstream
                if item.stage in needed
            )
            for source in found
        ),
    )
    write_file(root / RECORD_NAME, json.dumps(record.model_dump()).encode())
    return record


@dataclass(frozen=True)
class Keeping:
    """Which stages' results outlast a part, and the clip."""

    until_written: frozenset[str]
    """Needed to write the clip, or kept after."""
    after: frozenset[str]

    @classmethod
    def of(cls, keep: str, needed: frozenset[str]) -> Keeping | None:
        """As `clip.keep` asks, of a clip that is written from the results of some stages; None = all."""
        if keep == "all":
            return None
        after = {"nothing": frozenset[str](), "frames": needed, "flows": needed | {"refinement"}}[keep]
        return cls(needed | after, after)

    def forget(self, part: FinishedPart | None, cache: Path) -> None:
        """Delete what is left of a part that has been written."""
        items = () if part is None else chain.from_iterable(part.items)
        delete_shards({cache / path for stage, path, _, _ in items if stage not in self.after})

    def prune(self, session: Session) -> None:
        """Delete what a finished part no longer needs."""
        for stage in set(session.stages) - self.until_written:
            delete_shards({place.path for _, place in session.locations(stage) if place is not None})


def delete_shards(paths: Iterable[Path]) -> None:
    """Delete shards, each at once for whoever reads; those that others delete too are theirs."""
    for path in paths:
        aside = unfinished_folder(path)
        with suppress(OSError):
            path.rename(aside)
            shutil.rmtree(aside)
