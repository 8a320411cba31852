"""Every file of a shard, damaged in every way: it is found, and a run repairs it."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from animeinterp.pipeline.compute.registry import STAGES
from animeinterp.pipeline.planning.session import Session
from animeinterp.pipeline.store.shard_manifest import changed_files, note_damage, read_damage, read_manifest
from animeinterp.pipeline.store.stage_descriptions import description_trouble
from animeinterp.pipeline.store.stage_index import StageIndex
from animeinterp.pipeline.store.verification import verify_and_note, verify_shard
from tests.pipeline.small_runs import Opener, Runner

ONE_ROW, TWO = "c/0", "c/0/0"  # where Zarr keeps the only shard file of an array of so many dimensions
MATCHING = ("match01", "match10", "rank_sum01", "rank_sum10", "score01", "score10")
ARRAYS = {
    "segmentation": {"label_map": "c/0/0/0", "area": ONE_ROW, "centroid": TWO, "box": TWO},
    "matching": dict.fromkeys(MATCHING, ONE_ROW),
    "evaluation": {"scores": ONE_ROW},
}
FILES = {
    stage: ["manifest.json", "zarr.json"]
    + [
        f"{name}/{part}"
        for name, chunk in (*arrays.items(), ("id", ONE_ROW))
        for part in ("zarr.json", chunk)
    ]
    for stage, arrays in ARRAYS.items()
}
KINDS = ("flip", "truncate", "delete", "swap")


def shard_of(cache: Path, stage: str, number: int = 0) -> Path:
    return sorted(cache.glob(f"{stage}/*/*.zarr"))[number]


def harm(path: Path, kind: str, other: Path) -> None:
    """Damage a file; `other` is the one it is swapped with."""
    content = path.read_bytes()
    if kind == "flip":
        place = len(content) // 2
        path.write_bytes(content[:place] + bytes([content[place] ^ 4]) + content[place + 1 :])
    elif kind == "truncate":
        path.write_bytes(content[: len(content) // 2])
    elif kind == "delete":
        path.unlink()
    else:
        assert other.read_bytes() != content
        swap(path, other)


def swap(one: Path, other: Path) -> None:
    aside = one.with_name("aside")
    one.rename(aside)
    other.rename(one)
    aside.rename(other)


def other_than(shard: Path, name: str) -> Path:
    """A file to swap with: of the same shard where it has one of that name, else that of another shard."""
    content = (shard / name).read_bytes()
    own = sorted(path for path in shard.rglob(Path(name).name) if path.is_file() and path.parent != shard)
    others = [path / name for path in sorted(shard.parent.glob("*.zarr")) if path != shard]
    candidates = others if name == "manifest.json" else [*own, *others]
    return next(path for path in candidates if path.read_bytes() != content)


@pytest.fixture
def cache(finished_cache: Path, tmp_path: Path, request: pytest.FixtureRequest) -> Path:
    """A cache with the finished shards of one stage: that of the test's parameters."""
    stage = request.node.callspec.params["stage"]
    shutil.copytree(finished_cache / stage, tmp_path / "cache" / stage)
    return tmp_path / "cache"


@pytest.mark.parametrize("stage", FILES)
def test_the_files_are_all_that_a_shard_has(cache: Path, stage: str) -> None:
    shard = shard_of(cache, stage)
    found = {path.relative_to(shard).as_posix() for path in shard.rglob("*") if path.is_file()}
    assert found == set(FILES[stage])
    assert verify_shard(shard).sound
    assert verify_shard(shard).size > 0


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(("stage", "name"), [(stage, name) for stage in FILES for name in FILES[stage]])
def test_damage_of_any_file_is_found_and_counts_as_missing(
    cache: Path, stage: str, name: str, kind: str
) -> None:
    shard = shard_of(cache, stage)
    before = read_manifest(shard)
    assert before is not None
    harm(shard / name, kind, other_than(shard, name))
    state = verify_and_note(shard)
    assert name in state.files
    index = StageIndex(shard.parent)
    if name == "manifest.json" and kind != "swap":
        assert not state.readable
        assert all(record.id not in index for record in before.items)
    else:
        assert state.readable
        assert state.items
        assert all(item not in index for item in state.items)
    for record in before.items:  # whatever still counts as there is as it was
        location = index.find(record.id, record.input)
        if location is not None:
            assert location.record.output == record.output
            location.read()


@pytest.mark.slow
@pytest.mark.parametrize("stage", ["evaluation"])
def test_no_byte_can_flip_unseen(cache: Path, stage: str) -> None:
    shard = shard_of(cache, stage)
    for name in FILES[stage]:
        content = (shard / name).read_bytes()
        for place in range(len(content)):
            changed = bytearray(content)
            changed[place] ^= 1 << place % 8
            (shard / name).write_bytes(changed)
            manifest = read_manifest(shard)
            assert manifest is None or changed_files(shard, manifest, contents=True).keys() == {name}
        (shard / name).write_bytes(content)
    assert verify_shard(shard).sound


@pytest.mark.parametrize("stage", ["matching"])
def test_every_damaged_array_of_an_item_is_named(cache: Path, stage: str) -> None:
    shard = shard_of(cache, stage)
    for name in ("match01", "score10"):
        harm(shard / name / "c" / "0", "truncate", shard)
    state = verify_shard(shard)
    manifest = read_manifest(shard)
    assert manifest is not None
    assert list(state.items) == [record.id for record in manifest.items]
    for why in state.items.values():
        assert [part.partition(":")[0] for part in why.split("; ")] == ["array 'match01'", "array 'score10'"]
    assert not read_damage(shard)


@pytest.mark.parametrize("stage", ["evaluation"])
def test_what_was_noted_stays_damaged_until_it_is_computed_again(cache: Path, stage: str) -> None:
    shard = shard_of(cache, stage)
    manifest = read_manifest(shard)
    assert manifest is not None
    name = manifest.items[0].id
    note_damage(shard, {name: "a reader met it", "of no item": "whatever"})
    assert verify_shard(shard).items == {name: "a reader met it"}
    harm(shard / "scores" / "c/0", "flip", shard)
    for kind in ("flip", "truncate", "delete"):  # a note that has gone is made again
        met = {item for item, why in verify_and_note(shard).items.items() if why.startswith("array 'scores'")}
        assert met
        assert met <= read_damage(shard).keys()
        harm(shard / "damaged.json", kind, shard)
        assert met <= verify_shard(shard).items.keys()


@pytest.mark.parametrize("stage", ["evaluation"])
def test_a_foreign_file_is_named_and_harms_nothing(cache: Path, stage: str) -> None:
    shard = shard_of(cache, stage)
    (shard / "note.txt").write_text("dear diary")
    state = verify_and_note(shard)
    assert state.files == {"note.txt": "does not belong to the shard"}
    assert not state.items
    manifest = read_manifest(shard)
    assert manifest is not None
    assert manifest.items[0].id in StageIndex(shard.parent)


def outputs(session: Session) -> dict[str, list[object]]:
    return {stage: [record and record.output for _, record in session.records(stage)] for stage in STAGES}


@pytest.mark.usefixtures("finished")
@pytest.mark.parametrize(
    ("stage", "name", "kind"),
    [
        ("segmentation", "label_map/c/0/0/0", "flip"),
        ("segmentation", "manifest.json", "swap"),
        ("matching", "match01/zarr.json", "flip"),
        ("matching", "score10/c/0", "swap"),
        ("matching", "manifest.json", "truncate"),
        ("evaluation", "scores/c/0", "delete"),
        ("evaluation", "zarr.json", "flip"),
    ],
)
def test_a_run_repairs_what_was_found(
    open_session: Opener, run: Runner, tmp_path: Path, stage: str, name: str, kind: str
) -> None:
    before = outputs(open_session())
    shard = shard_of(tmp_path / "cache", stage)
    manifest = read_manifest(shard)
    assert manifest is not None
    harm(shard / name, kind, other_than(shard, name))
    states = {path: verify_and_note(path) for path in shard.parent.glob("*.zarr")}
    damaged = {path: state for path, state in states.items() if not state.sound}
    assert shard in damaged
    report = run()
    assert report.succeeded
    known = sum(len(state.items) for state in damaged.values())
    assert report.computed[stage] == (known or len(manifest.items))
    assert set(report.computed) == {stage}  # the same bytes: nothing after it runs
    assert outputs(open_session()) == before
    assert all(verify_shard(path).sound for path in damaged)


@pytest.mark.usefixtures("finished")
def test_shards_that_changed_places_are_found_and_repaired(
    open_session: Opener, run: Runner, tmp_path: Path
) -> None:
    run("matching.area_penalty=7", last="matching")
    before = outputs(open_session())
    first = open_session().folder("matching")
    second = open_session("matching.area_penalty=7").folder("matching")
    name = sorted(first.glob("*.zarr"))[0].name
    swap(first / name, second / name)
    for place, other in ((first, second), (second, first)):
        state = verify_and_note(place / name)
        assert state.files == {"manifest.json": f"belongs to matching {other.name}"}
        assert not state.readable
    a, b = sorted((tmp_path / "cache" / "synthesis").glob("*/*.zarr"))[:2]
    swap(a, b)
    for place, other in ((a, b), (b, a)):
        state = verify_and_note(place)
        assert state.files == {"manifest.json": f"belongs to shard {other.stem}"}
        assert state.items
    report = run()
    assert report.succeeded
    assert {"matching", "synthesis"} == set(report.computed)
    assert outputs(open_session()) == before
    assert all(verify_shard(path).sound for path in (first / name, a, b))
    assert not verify_shard(second / name).sound  # of settings that this run has not


@pytest.mark.usefixtures("finished")
@pytest.mark.parametrize("kind", KINDS)
def test_damaged_files_beside_the_shards_change_no_result(
    open_session: Opener, run: Runner, tmp_path: Path, kind: str
) -> None:
    before = outputs(open_session())
    cache = tmp_path / "cache"
    stages = [next((cache / stage).iterdir()) / "stage.json" for stage in ("evaluation", "matching")]
    harm(stages[0], kind, stages[1])
    facts = json.loads((cache / "source_files.json").read_text())
    harm(cache / "source_files.json", kind, stages[0] if stages[0].exists() else stages[1])
    report = run(force=frozenset({"evaluation"}))
    assert report.succeeded
    assert set(report.computed) == {"evaluation"}
    assert outputs(open_session()) == before
    assert json.loads((cache / "source_files.json").read_text()) == facts
    assert not description_trouble(stages[0].parent)
