from __future__ import annotations

from pathlib import Path

import pytest

from animeinterp.configs.sections import StoreSection
from animeinterp.data.manifest import Manifest, Pair, SourceFrame
from animeinterp.pipeline.planning.shard_groups import ShardGroup, group_shards


def manifest_of(names: list[str], size: tuple[int, int] = (540, 960)) -> Manifest:
    frames = [
        SourceFrame(f"{name}/frame{k}", Path(name, f"frame{k}.png"), f"digest {name} {k}", size, "anime")
        for name in names
        for k in (1, 3)
    ]
    pairs = [Pair(name, (2 * k, 2 * k + 1)) for k, name in enumerate(names)]
    return Manifest(Path("root"), tuple(frames), tuple(pairs))


def members(manifest: Manifest, groups: tuple[ShardGroup, ...]) -> dict[str, list[str]]:
    return {group.name: [manifest.pairs[k].id for k in group.pairs] for group in groups}


NAMES = [f"Japan_v2_{k:06d}" for k in range(500)]


def test_every_pair_and_frame_stands_once_in_order() -> None:
    groups = group_shards(manifest_of(NAMES), StoreSection())
    assert [pair for group in groups for pair in group.pairs] == list(range(500))
    assert [frame for group in groups for frame in group.frames] == list(range(1000))
    assert len({group.name for group in groups}) == len(groups)
    sizes = [len(group.pairs) for group in groups]
    assert max(sizes) <= 16
    assert min(sizes[:-1]) >= 8


@pytest.mark.parametrize("position", [0, 3, 250, 499])
def test_adding_or_removing_a_pair_moves_few_others(position: int) -> None:
    whole = manifest_of(NAMES)
    fewer = manifest_of([name for k, name in enumerate(NAMES) if k != position])
    before = members(whole, group_shards(whole, StoreSection()))
    after = members(fewer, group_shards(fewer, StoreSection()))
    same = sum(before.get(name) == pairs for name, pairs in after.items())
    assert same >= len(before) - 6


def test_large_frames_make_small_shards() -> None:
    groups = group_shards(manifest_of(NAMES[:40], (2160, 3840)), StoreSection())
    assert {len(group.pairs) for group in groups} == {1}


def test_two_pairs_a_shard_are_two_as_a_rule() -> None:
    sizes = [
        len(group.pairs)
        for group in group_shards(manifest_of(NAMES), StoreSection(pairs_per_shard=2, least_shards=1))
    ]
    assert sizes.count(2) > sizes.count(1) > 0


def test_small_runs_are_spread_over_many_shards() -> None:
    for pairs, shards in ((1, 1), (6, 6), (16, 16), (40, 16)):
        groups = group_shards(manifest_of(NAMES[:pairs]), StoreSection())
        assert len(groups) >= min(shards, pairs)
    assert len(group_shards(manifest_of(NAMES[:6]), StoreSection(least_shards=1))) == 1


def test_one_pair_a_shard() -> None:
    groups = group_shards(manifest_of(NAMES[:5]), StoreSection(pairs_per_shard=1))
    assert [group.pairs for group in groups] == [(0,), (1,), (2,), (3,), (4,)]


def test_shared_frames_stand_in_the_first_group_that_needs_them() -> None:
    frames = manifest_of(["clip"]).frames * 3
    pairs = tuple(Pair(f"clip_{k}", (k, k + 1)) for k in range(5))
    groups = group_shards(
        Manifest(Path("root"), frames, pairs), StoreSection(pairs_per_shard=2, least_shards=1)
    )
    assert [frame for group in groups for frame in group.frames] == list(range(6))


def test_names_can_be_read_and_belong_to_one_dataset() -> None:
    odd = "猫 ../clip*"
    one = manifest_of([odd])
    name = group_shards(one, StoreSection())[0].name
    assert name.startswith("-clip-")
    assert "/" not in name
    other = Manifest(
        one.root,
        tuple(SourceFrame(f.id, f.path, f"other {f.digest}", f.size, f.style) for f in one.frames),
        one.pairs,
    )
    assert group_shards(other, StoreSection())[0].name != name
