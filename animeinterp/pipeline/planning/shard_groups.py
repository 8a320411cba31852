"""Division of items into shards, stable so that a pair added to a dataset moves few others."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from animeinterp.configs.sections import StoreSection
from animeinterp.data.manifest import Manifest, Pair
from animeinterp.pipeline.store.fingerprints import canonical_digest

READABLE_NAME = 40  # characters of the first item's id kept in a shard's name


@dataclass(frozen=True, slots=True)
class ShardGroup:
    """The pairs of one shard of the pair stages, and the frames of one shard of the frame stages."""

    name: str
    pairs: tuple[int, ...]
    """Positions in the manifest."""
    frames: tuple[int, ...]
    """Frames first needed by these pairs; a frame shared with an earlier group belongs to that group."""


def group_shards(manifest: Manifest, section: StoreSection) -> tuple[ShardGroup, ...]:
    """Divide the manifest into shards.

    A shard ends after at most `pairs_per_shard` pairs (fewer where there would be less than `least_shards`
    shards) or `shard_megapixels`, and before that at a pair
    whose id's digest says so. Borders therefore depend on ids nearby and not on positions: adding or
    removing a pair changes the shards next to it, not all that follow.

    Returns
    -------
    tuple of ShardGroup
        In the manifest's order. A name holds a digest of the first pair's id and frames, so that
        datasets which share a cache do not share shards by accident.
    """
    most = min(section.pairs_per_shard, -(-len(manifest.pairs) // section.least_shards))
    least = max(1, most // 2)
    groups: list[tuple[int, ...]] = []
    current: list[int] = []
    pixels = 0.0
    for position, pair in enumerate(manifest.pairs):
        own = _pixels(manifest, pair)
        full = len(current) >= most or (current and pixels + own > section.shard_megapixels * 1e6)
        if full or (len(current) >= least and _is_border(pair.id, most - least + 1)):
            groups.append(tuple(current))
            current, pixels = [], 0.0
        current.append(position)
        pixels += own
    groups.append(tuple(current))
    return _with_frames(manifest, groups)


def _pixels(manifest: Manifest, pair: Pair) -> float:
    sizes = (manifest.frames[index].size for index in pair.frames[:1])
    return float(sum(size[0] * size[1] for size in sizes if size is not None))


def _is_border(pair_id: str, one_in: int) -> bool:
    return int(canonical_digest(pair_id)[:8], 16) % one_in == 0


def _with_frames(manifest: Manifest, groups: Sequence[tuple[int, ...]]) -> tuple[ShardGroup, ...]:
    placed: set[int] = set()
    result = []
    for pairs in groups:
        frames = [index for pair in pairs for index in manifest.pairs[pair].frames]
        own = tuple(dict.fromkeys(index for index in frames if index not in placed))
        placed.update(own)
        result.append(ShardGroup(_name(manifest, manifest.pairs[pairs[0]]), pairs, own))
    return tuple(result)


def _name(manifest: Manifest, first: Pair) -> str:
    readable = re.sub(r"[^A-Za-z0-9_]+", "-", first.id)[:READABLE_NAME]
    digest = canonical_digest([first.id, *(manifest.frames[index].digest for index in first.frames)])
    return f"{readable}-{digest[:10]}"
