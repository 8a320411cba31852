from __future__ import annotations

import json
import pickle
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import xarray
import zarr

from animeinterp.configs.errors import CacheError
from animeinterp.pipeline.store import shard_arrays, shards
from animeinterp.pipeline.store.array_specs import ARRAY_SPECS, Array
from animeinterp.pipeline.store.shard_manifest import ItemRecord, ShardManifest, read_manifest
from animeinterp.pipeline.store.shards import (
    DamagedShardError,
    ShardCommittedError,
    array_digest,
    read_item,
    write_shard,
)
from animeinterp.pipeline.store.verification import verify_shard

Item = dict[str, Array]


def pieces(size: tuple[int, int], count: int, seed: int) -> Item:
    rng = np.random.default_rng(seed)
    return {
        "label_map": rng.integers(0, count, size).astype(np.int32),
        "area": rng.integers(1, 99, count).astype(np.int32),
        "centroid": rng.random((count, 2)),
        "box": rng.integers(0, 99, (count, 4)).astype(np.int32),
    }


def manifest_of(items: Mapping[str, Item | None], stage: str = "segmentation") -> ShardManifest:
    records = tuple(
        ItemRecord(name, "failed", "in", reason="broken file")
        if item is None
        else ItemRecord(name, "ok", "in", output={key: array_digest(array) for key, array in item.items()})
        for name, item in items.items()
    )
    return ShardManifest(stage, "fingerprint", "shard", records, 1.5, 1000, {"python": "3"})


@pytest.fixture
def items() -> dict[str, Item | None]:
    return {"a": pieces((12, 16), 5, 0), "bad": None, "b": pieces((10, 20), 300, 1)}


@pytest.fixture
def shard(tmp_path: Path, items: dict[str, Item | None]) -> Path:
    path = tmp_path / "shard.zarr"
    write_shard(path, manifest_of(items), list(items.values()))
    return path


def test_items_of_unequal_size_come_back_as_they_were(shard: Path, items: dict[str, Item | None]) -> None:
    manifest = read_manifest(shard)
    assert manifest is not None
    assert replace(manifest, files={}) == manifest_of(items)
    for name, item in items.items():
        row = manifest.row(name)
        assert row is not None
        if item is None:
            with pytest.raises(CacheError, match="'bad' has no data .failed: broken file"):
                read_item(shard, manifest, row)
            continue
        read = read_item(shard, manifest, row)
        assert read.keys() == item.keys()
        for key, array in item.items():
            assert read[key].dtype == array.dtype
            np.testing.assert_array_equal(read[key], array)
    assert manifest.row("absent") is None


def test_only_some_arrays_can_be_read(shard: Path) -> None:
    manifest = read_manifest(shard)
    assert manifest is not None
    assert read_item(shard, manifest, 0, ["area"]).keys() == {"area"}


def test_layout_is_zarr_v3_one_item_a_chunk_with_checksums(shard: Path) -> None:
    array = zarr.open_group(shard, mode="r")["label_map"]
    assert isinstance(array, zarr.Array)
    assert array.metadata.zarr_format == 3
    assert array.chunks == (1, 12, 20)
    assert array.shards == (3, 12, 20)
    assert [type(codec).__name__ for codec in array.compressors][-1] == "Crc32cCodec"
    assert not list(shard.parent.glob("wip-*"))


def test_zarr_and_xarray_open_a_shard_without_a_warning(shard: Path) -> None:
    group = zarr.open_group(shard, mode="r")  # warnings are errors here
    assert sorted(name for name, _ in group.members()) == ["area", "box", "centroid", "id", "label_map"]
    for opened in (xarray.open_zarr(shard), xarray.open_dataset(shard, engine="zarr")):
        assert set(opened) == {"area", "box", "centroid", "label_map"}
        assert opened["label_map"].dims == ("id", "y", "x")
        opened.close()


def test_same_items_give_the_same_bytes(tmp_path: Path, items: dict[str, Item | None]) -> None:
    def content(path: Path) -> dict[str, bytes]:
        write_shard(path, manifest_of(items), list(items.values()))
        return {str(f.relative_to(path)): f.read_bytes() for f in sorted(path.rglob("*")) if f.is_file()}

    assert content(tmp_path / "one.zarr") == content(tmp_path / "two.zarr")


def test_shard_without_any_item_that_is_ok(tmp_path: Path) -> None:
    path = tmp_path / "shard.zarr"
    write_shard(path, manifest_of({"a": None}), [None])
    manifest = read_manifest(path)
    assert manifest is not None
    assert manifest.items[0].reason == "broken file"


def test_empty_ragged_arrays_and_all_zero_arrays(tmp_path: Path) -> None:
    none = np.zeros(0, np.int32)
    item: Item = {
        **{f"{name}{d}": none for name in ("match", "rank_sum") for d in ("01", "10")},
        **{f"score{d}": np.zeros(0, np.float32) for d in ("01", "10")},
        "affinity": np.zeros(0, np.float32),
    }
    path = tmp_path / "shard.zarr"
    write_shard(path, manifest_of({"a": item}, "matching"), [item])
    manifest = read_manifest(path)
    assert manifest is not None
    assert {array.shape for array in read_item(path, manifest, 0).values()} == {(0,)}

    flows: Item = {f"refined_flow{d}": np.zeros((2, 6, 8), np.float32) for d in ("01", "10")}
    path = tmp_path / "zeros.zarr"
    write_shard(path, manifest_of({"a": flows}, "refinement"), [flows])
    manifest = read_manifest(path)
    assert manifest is not None
    assert not read_item(path, manifest, 0)["refined_flow01"].any()


def test_a_shard_that_is_there_is_replaced_when_it_is_the_one_known(
    shard: Path, items: dict[str, Item | None]
) -> None:
    other = {"c": pieces((4, 4), 2, 9)}
    with pytest.raises(ShardCommittedError, match="another process has written this shard"):
        write_shard(shard, manifest_of(other), list(other.values()))
    write_shard(shard, manifest_of(other), list(other.values()), read_manifest(shard))
    manifest = read_manifest(shard)
    assert manifest is not None
    assert [item.id for item in manifest.items] == ["c"]
    assert [path.name for path in shard.parent.iterdir()] == ["shard.zarr"]


@pytest.mark.parametrize("stage", ["sync_tree", "commit_folder"])
def test_failure_before_the_commit_leaves_what_was_there(
    shard: Path, items: dict[str, Item | None], monkeypatch: pytest.MonkeyPatch, stage: str
) -> None:
    def disk_full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(shards, stage, disk_full)
    other = {"c": pieces((4, 4), 2, 9)}
    before = read_manifest(shard)
    with pytest.raises(OSError, match="No space"):
        write_shard(shard, manifest_of(other), list(other.values()), before)
    assert read_manifest(shard) == before
    assert [path.name for path in shard.parent.iterdir()] == ["shard.zarr"]


@pytest.mark.parametrize("damage", ["flip", "truncate", "delete"])
@pytest.mark.parametrize("array", ["label_map", "area"])
def test_damage_is_found_and_named(shard: Path, damage: str, array: str) -> None:
    victim = next(path for path in sorted((shard / array / "c").rglob("*")) if path.is_file())
    content = bytearray(victim.read_bytes())
    if damage == "delete":
        victim.unlink()
    elif damage == "truncate":
        victim.write_bytes(content[: len(content) // 2])
    else:
        content[3] ^= 1
        victim.write_bytes(content)
    manifest = read_manifest(shard)
    assert manifest is not None
    with pytest.raises(DamagedShardError, match=f"array '{array}' of item 'a' is damaged") as complaint:
        read_item(shard, manifest, 0)
    arrived = pickle.loads(pickle.dumps(complaint.value))  # as from a worker
    assert (str(arrived), arrived.path, arrived.item) == (str(complaint.value), shard, "a")
    assert str(shard) in str(arrived)


def test_output_digest_depends_on_every_array(items: dict[str, Item | None]) -> None:
    record = manifest_of(items).items[0]
    changed = ItemRecord("a", "ok", "in", output=record.output | {"area": "0"})
    assert record.output_digest != changed.output_digest


def test_array_digest_sees_values_shape_and_type() -> None:
    a = np.arange(6, dtype=np.int32)
    digests = {array_digest(x) for x in (a, a.reshape(2, 3), a.astype(np.int64), a + 1, a[::-1])}
    assert len(digests) == 5
    assert array_digest(a.reshape(2, 3).T) == array_digest(np.ascontiguousarray(a.reshape(2, 3).T))


def test_shard_on_a_path_with_spaces_and_other_letters(
    tmp_path: Path, shard: Path, items: dict[str, Item | None]
) -> None:
    odd = tmp_path / "Ein Ordner – 猫" / "shard.zarr"
    odd.parent.mkdir()
    shutil.move(shard, odd)
    manifest = read_manifest(odd)
    assert manifest is not None
    assert read_item(odd, manifest, 0)["area"].shape == (5,)


def test_shards_open_in_xarray_by_id(shard: Path, items: dict[str, Item | None]) -> None:
    opened = xarray.open_zarr(shard)
    assert list(opened["id"].values) == list(items)
    assert opened["label_map"].dims == ("id", "y", "x")
    assert opened["box"].dims == ("piece", "corner")
    assert opened["area"].attrs["offsets"] == [0, 5, 5, 305]
    last = items["b"]
    assert last is not None
    np.testing.assert_array_equal(opened["label_map"].sel(id="b")[:10, :20], last["label_map"])


def test_flags_are_named_as_the_conventions_have_it(tmp_path: Path) -> None:
    flow = np.zeros((2, 4, 6), np.float32)
    item = {"coarse_flow01": flow, "coarse_flow10": flow + 1}
    item |= {"fate01": np.array([0, 5, 1], np.uint8), "fate10": np.array([2], np.uint8)}
    write_shard(tmp_path / "shard.zarr", manifest_of({"a": item}, "coarse_flow"), [item])
    fates = xarray.open_zarr(tmp_path / "shard.zarr")["fate01"]
    assert fates.dims == ("piece01",)
    names = dict(zip(fates.attrs["flag_values"], fates.attrs["flag_meanings"].split(), strict=True))
    assert [names[value] for value in fates.values] == ["moved", "area_ratio", "not_mutual"]


def test_shards_of_version_0_1_are_read(tmp_path: Path, items: dict[str, Item | None]) -> None:
    """As they were written: without ids, and with other names of dimensions."""
    path = tmp_path / "segmentation" / "fingerprint" / "shard.zarr"
    with pytest.MonkeyPatch.context() as former:
        former.setattr(shard_arrays, "write_arrays", as_in_0_1)
        write_shard(path, manifest_of(items), list(items.values()))
    assert not (path / "id").exists()
    manifest = read_manifest(path)
    assert manifest is not None
    for row, item in enumerate(items.values()):
        for name, array in (item or {}).items():
            np.testing.assert_array_equal(read_item(path, manifest, row, [name])[name], array)
    assert verify_shard(path).sound


def as_in_0_1(path: Path, stage: str, ids: object, items: Sequence[Item | None]) -> None:
    group = zarr.create_group(path, zarr_format=3, attributes={"stage": stage})
    for spec in ARRAY_SPECS[stage]:
        shard_arrays.write_array(group, spec, [None if item is None else item[spec.name] for item in items])
        array = group[spec.name]
        assert isinstance(array, zarr.Array)
        described = json.loads((path / spec.name / "zarr.json").read_text())
        described["dimension_names"] = ["row" if spec.ragged else "item", *described["dimension_names"][1:]]
        described["attributes"] = {
            name: value for name, value in described["attributes"].items() if not name.startswith("flag")
        }
        (path / spec.name / "zarr.json").write_text(json.dumps(described))
