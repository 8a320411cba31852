from __future__ import annotations

import os
import platform
import re
import shutil
from pathlib import Path

import pytest

from animeinterp.pipeline.store.shard_manifest import note_damage
from tests.pipeline.mounts import remount
from tests.pipeline.run_folders import make_run
from tests.pipeline.small_runs import Command, Opener, Runner, set_options


@pytest.fixture
def options(settings: list[str]) -> list[str]:
    return set_options(settings)


def harm(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)


@pytest.mark.usefixtures("finished")
def test_ls_marks_what_the_config_uses_and_says_what_differs(
    command: Command, options: list[str], open_session: Opener, run: Runner
) -> None:
    run("matching.area_penalty=7", last="matching")
    plain, other = open_session(), open_session("matching.area_penalty=7")
    code, text = command("cache", "ls", "-c", "demo", *options)
    assert code == 0
    rows = [line.split() for line in text.splitlines()]
    new, old = (session.fingerprints["matching"][:8] for session in (plain, other))
    marked = [row[1] for row in rows if row[2:3] == ["*"]]
    marked += [row[0] for row in rows if row[1:2] == ["*"] and row[0] != "*"]
    assert sorted(marked) == sorted(fingerprint[:8] for fingerprint in plain.fingerprints.values())
    assert f"matching {old} -> {new}: area_penalty: 7.0 -> 20.0" in text
    assert "8 fingerprints" in text
    assert all(len(line) <= 80 for line in text.splitlines() if str(plain.config.store.cache) not in line)


@pytest.mark.usefixtures("finished")
def test_ls_of_a_folder_says_what_is_damaged_and_in_use(
    command: Command, open_session: Opener, tmp_path: Path
) -> None:
    session = open_session()
    folder = session.folder("matching")
    shard = next(folder.glob("*.zarr"))
    note_damage(shard, {session.manifest.pairs[0].id: "why", session.manifest.pairs[1].id: "why"})
    (folder / "stage.json").unlink()
    make_run(open_session())
    code, text = command("cache", "ls", "--cache", str(tmp_path / "cache"), "--stage", "matching")
    assert code == 0
    assert "*" not in text
    assert text.count(" now\n") == 1
    assert "damaged items" in text
    assert "stage.json: cannot be read (No such file or directory); its results are not affected" in text
    assert "1 fingerprints" in text


def test_ls_of_nothing(command: Command, tmp_path: Path) -> None:
    (tmp_path / "cache").mkdir()
    code, text = command("cache", "ls", "--cache", str(tmp_path / "cache"))
    assert (code, text) == (0, f"cache: {tmp_path / 'cache'}\nempty\n")
    code, text = command("cache", "ls", "--cache", str(tmp_path / "absent"))
    assert code == 2
    assert "not a cache; name its folder with --cache" in text


@pytest.mark.usefixtures("finished")
def test_verify_names_damage_and_runs_repair_it(
    command: Command, options: list[str], open_session: Opener, tmp_path: Path
) -> None:
    code, text = command("cache", "verify", "-c", "demo", *options)
    assert code == 0
    assert text.endswith(": no damage\n")
    folder = open_session().folder("matching")
    shard = next(folder.glob("*.zarr"))
    harm(shard / "match01" / "c" / "0")
    (folder / "stage.json").write_text("{")
    for quiet in ([], ["--quiet"]):
        code, text = command("cache", "verify", "-c", "demo", *options, *quiet)
        assert code == 1
        assert f"matching/{folder.name}/{shard.name}:" in text
        assert "file match01/c/0: its checksum differs" in text
        assert "array 'match01'" in text
        assert "stage.json: damaged" in text
    assert command("cache", "verify", "-c", "demo", *options, "--stage", "features")[0] == 0
    assert command("run", "demo", *options, "--quiet")[0] == 0
    assert command("cache", "verify", "--cache", str(tmp_path / "cache"))[0] == 0


@pytest.mark.usefixtures("finished")
def test_verify_reads_what_the_config_does_not_use_when_asked(
    command: Command, options: list[str], run: Runner, open_session: Opener
) -> None:
    run("matching.area_penalty=7", last="matching")
    shard = next(open_session("matching.area_penalty=7").folder("matching").glob("*.zarr"))
    harm(shard / "zarr.json")
    assert command("cache", "verify", "-c", "demo", *options)[0] == 0
    code, text = command("cache", "verify", "-c", "demo", *options, "--all")
    assert code == 1
    assert "file zarr.json: its checksum differs" in text


@pytest.mark.privileged
def test_verify_of_a_cache_that_cannot_be_written(
    command: Command, finished_cache: Path, small_disk: Path
) -> None:
    remount(small_disk, "size=50m")
    shutil.copytree(finished_cache / "matching", small_disk / "matching")
    harm(next(small_disk.glob("matching/*/*.zarr")) / "match01" / "c" / "0")
    remount(small_disk, "ro")
    code, text = command("cache", "verify", "--cache", str(small_disk))
    remount(small_disk, "rw")
    assert code == 1
    assert "array 'match01'" in text
    assert "cannot be recorded beside it" in text


def test_gc_needs_configs_and_a_scope(command: Command, options: list[str], tmp_path: Path) -> None:
    (tmp_path / "cache").mkdir()
    code, text = command("cache", "gc", "--unused", *options)
    assert code == 2
    assert "without any, everything in the cache would count as unused" in text
    code, text = command("cache", "gc", "demo", *options)
    assert code == 2
    assert "say what may be deleted: --unused" in text
    code, text = command("cache", "gc", "demo", "atd12k_test", "--unused")
    assert code == 2
    assert "give configs of the same cache, or choose one with --cache" in text
    code, text = command("cache", "gc", "demo", "--fingerprint", "abc", *options)
    assert code == 2
    assert "starts with it; see 'cache ls'" in text
    assert "nothing to delete" in command("cache", "gc", "demo", "--unused", *options)[1]
    (tmp_path / "cache" / "matching").mkdir()
    (tmp_path / "cache" / "matching" / "accepted.json").write_text("{")
    code, text = command("cache", "gc", "demo", "--unused", *options)
    assert code == 2
    assert "accepted.json: damaged" in text


@pytest.mark.usefixtures("finished")
def test_gc_previews_and_deletes_when_told_to(
    command: Command, options: list[str], open_session: Opener, run: Runner
) -> None:
    run("matching.area_penalty=7", last="matching")
    folder = open_session("matching.area_penalty=7").folder("matching")
    dead = folder / f"wip-{platform.node()}-999999999-abcdef012345"
    dead.mkdir()
    unused = ("cache", "gc", "demo", "--unused", *options)
    code, text = command(*unused)
    assert code == 0
    assert "kept for config demo: 7 fingerprints" in text
    assert f"matching {folder.name[:8]}" in text
    assert "nothing deleted yet, add --delete" in text
    assert "--left-over would delete 1 more" in text
    assert folder.exists()
    code, text = command(*unused, "--delete")
    assert code == 0
    assert text.splitlines()[-1].startswith("freed ")
    assert not folder.exists()
    assert "nothing to do" in command("run", "demo", "--dry-run", *options)[1]


@pytest.mark.usefixtures("finished")
def test_gc_leaves_what_a_run_uses(
    command: Command, options: list[str], open_session: Opener, run: Runner, tmp_path: Path
) -> None:
    run("matching.area_penalty=7", last="matching")
    session = open_session("matching.area_penalty=7")
    going = make_run(session)
    code, text = command("cache", "gc", "demo", "--stage", "matching", "--delete", *options)
    assert code == 0
    assert f"kept for run {going.name}" in text
    assert f"cache: {tmp_path / 'cache'}" in text
    assert "nothing to delete" in text
    assert session.folder("matching").exists()


@pytest.mark.privileged
def test_gc_of_a_cache_that_cannot_be_written(
    command: Command, finished_cache: Path, small_disk: Path
) -> None:
    remount(small_disk, "size=50m")
    shutil.copytree(finished_cache / "matching", small_disk / "matching")
    remount(small_disk, "ro")
    other = "matching.area_penalty=7"
    code, text = command(
        "cache", "gc", "paper", "--unused", "--delete", "--cache", str(small_disk), "--set", other
    )
    remount(small_disk, "rw")
    assert code == 1
    assert "cannot be deleted (Read-only file system)" in text
    assert "freed 0 B" in text


def test_results_are_checked_when_asked_and_written_again(
    command: Command, finished: None, settings: list[str], tmp_path: Path
) -> None:
    options = set_options([*settings, f"store.results={tmp_path / 'results'}"])
    assert command("run", "demo", *options, "-q")[0] == 0
    frames = sorted((tmp_path / "results").glob("*/*.png"))
    code, said = command("cache", "verify", "demo", "--results", *options)
    assert code == 0
    assert f"files in {tmp_path / 'results'} read: no damage" in said
    assert re.search(r"results: results of synthesis [0-9a-f]{8} and evaluation [0-9a-f]{8}$", said, re.M)
    whole = frames[0].read_bytes()
    before = frames[0].stat()
    frames[0].write_bytes(whole[:-1] + b"!")
    os.utime(frames[0], ns=(before.st_atime_ns, before.st_mtime_ns))
    frames[1].unlink()
    (tmp_path / "results" / "scores.csv").write_text("")
    assert command("cache", "verify", "demo", *options)[0] == 0  # the cache alone is sound
    code, said = command("cache", "verify", "demo", "--results", *options)
    assert code == 1
    assert f"{frames[0]}: its digest differs" in said
    assert f"{frames[1]}: is missing" in said
    assert "scores.csv: its digest differs" in said
    assert "3 damaged; runs write them again" in said
    (tmp_path / "results" / "scores.csv").write_text("id,psnr\nmade up,99\n")
    assert command("run", "demo", *options, "--limit", "1", "-q")[0] == 0
    assert "made up" not in (tmp_path / "results" / "scores.csv").read_text()
    assert command("run", "demo", *options, "-q")[0] == 0
    assert frames[0].read_bytes() == whole
    assert command("cache", "verify", "demo", "--results", *options)[0] == 0


def test_results_cannot_be_checked_without_a_folder(command: Command, finished: None, tmp_path: Path) -> None:
    code, said = command("cache", "verify", "--cache", str(tmp_path / "cache"), "--results")
    assert code == 2
    assert "--results needs a config with store.results" in said
