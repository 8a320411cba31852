from __future__ import annotations

import os
import threading
from pathlib import Path

import numpy as np
import pytest

from animeinterp.pipeline.store import stage_index
from animeinterp.pipeline.store.shard_manifest import ItemRecord, ShardManifest, read_manifest
from animeinterp.pipeline.store.shards import array_digest, write_shard
from animeinterp.pipeline.store.stage_index import StageIndex


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Folder of a fingerprint."""
    folder = tmp_path / "evaluation" / "f"
    folder.mkdir(parents=True)
    return folder


def write(folder: Path, shard: str, **inputs: str) -> Path:
    """Commit a shard of evaluation items with these inputs; the score tells the shard."""
    scores = {"scores": np.array([float(len(shard))])}
    outputs = {"scores": array_digest(scores["scores"])}
    records = tuple(ItemRecord(name, "ok", digest, output=outputs) for name, digest in inputs.items())
    path = folder / f"{shard}.zarr"
    manifest = ShardManifest("evaluation", "f", shard, records, 0.0, 0, {})
    write_shard(path, manifest, [scores] * len(records), read_manifest(path))
    return path


def test_items_are_found_by_id_and_input_in_any_shard(folder: Path) -> None:
    one, two = write(folder, "one", a="1", b="1"), write(folder, "three", c="1")
    index = StageIndex(folder)
    assert "a" in index
    assert "d" not in index
    found = index.find("b", "1")
    assert found is not None
    assert (found.path, found.row, found.record.id) == (one, 1, "b")
    assert found.read()["scores"].tolist() == [3.0]
    assert index.find("b", "2") is None
    other = index.find("c", "1")
    assert other is not None
    assert other.path == two


def test_of_two_shards_the_later_one_counts(folder: Path) -> None:
    old, new = write(folder, "old", a="1"), write(folder, "new", a="1")
    os.utime(old / "manifest.json", (10, 10))
    os.utime(new / "manifest.json", (20, 20))
    found = StageIndex(folder).find("a", "1")
    assert found is not None
    assert found.path == new
    index = StageIndex(folder)
    write(folder, "old", a="1")
    index.refresh(old)
    found = index.find("a", "1")
    assert found is not None
    assert found.path == old


def test_refreshing_forgets_what_a_shard_no_longer_holds(folder: Path) -> None:
    path = write(folder, "one", a="1", b="1")
    index = StageIndex(folder)
    write(folder, "one", a="2")
    index.refresh(path)
    assert "b" not in index
    assert index.find("a", "1") is None
    assert index.find("a", "2") is not None
    assert index.shard(path) is not None


def test_a_folder_that_is_not_there_and_half_a_shard_hold_nothing(folder: Path) -> None:
    assert "a" not in StageIndex(folder / "nowhere")
    path = write(folder, "one", a="1")
    (path / "manifest.json").write_text("{")
    index = StageIndex(folder)
    assert "a" not in index
    assert index.shard(path) is None


def test_the_latest_that_is_ok_is_found_whatever_its_inputs(folder: Path) -> None:
    old, new = write(folder, "old", a="1", b="1"), write(folder, "newer", a="2")
    os.utime(old / "manifest.json", (10, 10))
    os.utime(new / "manifest.json", (20, 20))
    failed = ItemRecord("a", "failed", "3", reason="broken")
    manifest = ShardManifest("evaluation", "f", "failed", (failed,), 0.0, 0, {})
    write_shard(folder / "failed.zarr", manifest, [None])
    index = StageIndex(folder)
    found, other = index.latest("a"), index.latest("b")
    assert found is not None
    assert other is not None
    assert (found.record.input, found.path) == ("2", new)
    assert (other.record.input, other.path) == ("1", old)
    assert index.latest("c") is None
    (folder / "failed.zarr" / "manifest.json").unlink()


def test_shape_of_an_array_is_known_without_reading_it(tmp_path: Path) -> None:
    folder = tmp_path / "refinement" / "f"
    folder.mkdir(parents=True)
    flows = {f"refined_flow{d}": np.zeros((2, 3, 5), np.float32) for d in ("01", "10")}
    outputs = {name: array_digest(flow) for name, flow in flows.items()}
    path = folder / "one.zarr"
    manifest = ShardManifest(
        "refinement", "f", "one", (ItemRecord("a", "ok", "1", output=outputs),), 0.0, 0, {}
    )
    write_shard(path, manifest, [flows])
    location = StageIndex(folder).find("a", "1")
    assert location is not None
    assert location.shape("refined_flow01") == (2, 3, 5)
    assert location.shape("other") == ()
    (path / "manifest.json").unlink()
    assert location.shape("refined_flow01") == ()


def test_a_shard_of_another_fingerprint_counts_for_nothing(folder: Path) -> None:
    path = write(folder, "one", a="1")
    other = folder.with_name("other")
    other.mkdir()
    path.rename(other / path.name)
    index = StageIndex(other)
    assert index.find("a", "1") is None
    assert index.damage("a") == "manifest.json: belongs to evaluation f"


def test_the_last_of_an_item_is_found_whatever_its_outcome(folder: Path) -> None:
    ok = write(folder, "ok", a="1")
    failed = ItemRecord("a", "failed", "3", reason="broken")
    manifest = ShardManifest("evaluation", "f", "failed", (failed,), 0.0, 0, {})
    write_shard(folder / "failed.zarr", manifest, [None])
    os.utime(ok / "manifest.json", (10, 10))
    index = StageIndex(folder)
    found = index.last("a")
    assert found is not None
    assert found.record.status == "failed"
    assert index.last("b") is None
    assert set(index.shards) == {ok, folder / "failed.zarr"}


def test_looking_alone_leaves_a_shard_put_aside_where_it_is(folder: Path) -> None:
    path = write(folder, "one", a="1")
    aside = path.with_name(f"wip-elsewhere-1-0123456789ab-replaced-{path.name}")
    path.rename(aside)
    assert "a" in StageIndex(folder, restore=False)
    assert aside.exists()
    assert "a" in StageIndex(folder)
    assert path.exists()


@pytest.mark.slow
def test_a_shard_that_is_replaced_meanwhile_is_not_taken_for_damaged(folder: Path) -> None:
    write(folder, "one", a="1", b="1")
    done = threading.Event()

    def replace_it() -> None:
        for k in range(15):  # of one item and of two, so that the lengths of the files differ
            write(folder, "one", **({"a": str(k)} if k % 2 else {"a": str(k), "b": str(k)}))
        done.set()

    writer = threading.Thread(target=replace_it)
    writer.start()
    found = set()
    while not done.is_set():
        found.add(StageIndex(folder, restore=False).damage("a"))
    writer.join()
    assert found == {None}
    assert "a" in StageIndex(folder)


def test_shards_without_items_of_interest_are_not_carried_about(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(stage_index, "OTHER_SHARDS", 2)
    paths = [write(folder, f"s{k}", **{f"item{k}": "1", f"beside{k}": "1"}) for k in range(6)]
    index = StageIndex(folder, items={"item3"})
    assert index.find("item3", "1") is not None
    assert index.shard(paths[3]) is not None
    assert len(index.shards) == 3
    assert all(f"item{k}" not in index for k in (0, 1, 2, 4, 5))
    path = write(folder, "s5", item3="2", item5="1")
    index.refresh(path)
    assert index.find("item3", "2") is not None
