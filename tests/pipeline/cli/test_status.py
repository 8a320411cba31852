from __future__ import annotations

import shutil
import time
from dataclasses import replace
from pathlib import Path

from animeinterp.pipeline.results.past_runs import runs_of
from animeinterp.pipeline.running.run_record import RunRecord
from animeinterp.pipeline.store.shard_manifest import FileState, read_manifest, write_manifest
from tests.pipeline.run_processes import start
from tests.pipeline.small_runs import PAIRS, Command, Opener, Runner, set_options
from tests.project import PATIENCE
from tests.users import without_privileges

CHANGE = ["--set", "matching.area_penalty=7"]


def row_of(printed: str, name: str) -> list[str]:
    """Cells of the first table row that begins with a name."""
    return next(line.split()[1:] for line in printed.splitlines() if line.split()[:1] == [name])


def snapshot(folder: Path) -> dict[Path, tuple[int, int]]:
    found = (path.stat() for path in sorted(folder.rglob("*")))
    return dict(zip(sorted(folder.rglob("*")), ((s.st_mtime_ns, s.st_size) for s in found), strict=True))


def test_status_counts_each_stage_and_writes_nothing(
    finished: None, command: Command, settings: list[str], tmp_path: Path
) -> None:
    (tmp_path / "cache" / "source_files.json").unlink()
    before = snapshot(tmp_path / "cache")
    code, printed = command("status", "demo", *set_options(settings))
    assert code == 0
    assert row_of(printed, "matching")[:7] == [str(PAIRS), str(PAIRS), "0", "0", "0", "0", "0"]
    assert "nothing to do" in printed
    assert "finished after" in printed
    code, printed = command("status", "demo", *set_options(settings), *CHANGE)
    assert code == 0
    assert row_of(printed, "matching")[:7] == [str(PAIRS), "0", "0", "0", str(PAIRS), "0", "0"]
    assert f"matching would compute {PAIRS} pairs: matching.area_penalty: 20.0 -> 7.0" in printed
    assert "last run" not in printed
    assert snapshot(tmp_path / "cache") == before


def test_a_cache_that_cannot_be_written_is_looked_at(
    finished: None, command: Command, settings: list[str], tmp_path: Path
) -> None:
    folders = [tmp_path / "cache", *(path for path in (tmp_path / "cache").rglob("*") if path.is_dir())]
    try:
        for path in folders:
            path.chmod(0o555)
        for words in (["status"], ["explain"], ["run", "--dry-run"]):
            arguments = [*words, "demo", *set_options(settings)]
            code, printed = without_privileges(lambda arguments=arguments: command(*arguments))
            assert code == 0, printed
    finally:
        for path in folders:
            path.chmod(0o755)


def test_a_shard_put_aside_while_it_is_replaced_still_counts(
    finished: None, command: Command, settings: list[str], open_session: Opener
) -> None:
    shard = open_session().shard_path("matching", 0)
    aside = shard.with_name(f"wip-elsewhere-1-0123456789ab-replaced-{shard.name}")
    shard.rename(aside)
    _, printed = command("status", "demo", *set_options(settings))
    assert row_of(printed, "matching")[1] == str(PAIRS)
    assert aside.exists()


def test_status_follows_a_run_in_another_process(
    command: Command, settings: list[str], open_session: Opener
) -> None:
    process = start(settings)
    patience = time.monotonic() + PATIENCE
    try:
        # Until it has planned: before that there is nothing to tell of its stages.
        while not (live := [r for r in runs_of(open_session())[0] if r.state == "running" and r.stages]):
            assert process.poll() is None, process.communicate()[0]
            assert time.monotonic() < patience
            time.sleep(0.02)
        code, printed = command("status", "demo", *set_options(settings))
        _, other = command("status", "demo", *set_options(settings), *CHANGE)
        still = process.poll() is None
    finally:
        output, _ = process.communicate()
    assert process.returncode == 0, output
    assert code == 0
    if still:  # the machine may have stalled between the two
        assert f"active run: {live[0].info.id}, since " in printed
        assert f"process {process.pid} on " in printed
        assert row_of(printed.partition("active run")[2], "matching")[1] == str(PAIRS)
        assert (
            f"another run, with other settings or data, is active in this cache: {live[0].info.id}" in other
        )
    _, printed = command("status", "demo", *set_options(settings))
    assert f"last run {live[0].info.id}" in printed


def test_status_names_stages_that_no_rate_is_known_of(
    command: Command, settings: list[str], open_session: Opener, run: Runner
) -> None:
    run(last="segmentation")
    record = RunRecord.begin(open_session(), {"segmentation": 2, "matching": 8})
    _, printed = command("status", "demo", *set_options(settings))
    assert "nothing is done yet, so the time left is unknown" in printed
    record.event("shard", stage="segmentation", computed=1, skipped=0, failed=0, seconds=2.0, bytes=1000)
    _, printed = command("status", "demo", *set_options(settings))
    assert "left, without matching, whose rate is unknown" in printed
    record.end("interrupted", ())
    _, printed = command("status", "demo", *set_options(settings))
    assert "interrupted after" in printed
    assert "(exit code 130)" in printed


def test_dry_run_gives_reasons_time_and_space(
    finished: None, command: Command, settings: list[str], open_session: Opener
) -> None:
    options = set_options(settings)
    code, printed = command("run", "demo", "--dry-run", *options, *CHANGE)
    assert code == 0
    assert f"coarse_flow would compute {PAIRS} pairs: follows matching" in printed
    former = open_session().fingerprints["matching"][:8]
    assert f"{PAIRS} pairs, as {former}" in printed
    assert "on 1 worker, and " in printed
    assert "warning" not in printed
    _, printed = command("run", "demo", "--dry-run", *options)
    assert printed.strip().endswith("nothing to do: everything requested is done")


def test_dry_run_says_where_nothing_is_known(command: Command, settings: list[str], run: Runner) -> None:
    options = set_options(settings)
    _, printed = command("run", "demo", "--dry-run", *options)
    assert "time and space are unknown" in printed
    assert "--limit 2 in place of --dry-run computes two pairs" in printed
    assert "based on" not in printed  # a table of nothing
    run(last="segmentation", limit=1)
    _, printed = command("run", "demo", "--dry-run", *options, "--set", "executor.kind=tcp://localhost:1")
    assert "2 frames, as now" in printed
    assert "of work, divided by the cluster's workers" in printed
    assert "; without features, matching, coarse_flow, refinement, synthesis, evaluation" in printed


def test_a_disk_too_small_is_warned_of(
    finished: None, command: Command, settings: list[str], open_session: Opener
) -> None:
    for shard in open_session().folder("matching").glob("*.zarr"):
        manifest = read_manifest(shard)
        assert manifest is not None
        write_manifest(shard, replace(manifest, files={"vast": FileState(10**16, 0)}))
    options = [*set_options(settings), *CHANGE]
    _, printed = command("run", "demo", "--dry-run", *options)
    assert "warning: " in printed
    assert "less than that" in printed
    code, printed = command("run", "demo", "--to", "matching", *options)
    assert code == 0
    assert "are needed, judging by earlier results" in printed


def test_accepting_by_the_command(
    finished: None, command: Command, settings: list[str], tmp_path: Path
) -> None:
    options = [*set_options(settings), *CHANGE]
    code, printed = command("run", "demo", "--dry-run", "--accept-current", "matching", *options)
    assert code == 0
    assert "would keep" in printed
    assert "nothing to do" in printed
    assert "would compute" in command("run", "demo", "--dry-run", *options)[1]
    code, printed = command("run", "demo", "--accept-current", "matching", *options)
    assert code == 0
    assert str(tmp_path / "cache" / "matching" / "accepted.json") in printed
    assert row_of(printed, "matching")[:6] == [str(PAIRS), str(PAIRS), "0", "0", "0", "0"]
    for name in ("status", "explain"):
        _, printed = command(name, "demo", *options)
        assert "accepted matching: results from " in printed
        assert "matching.area_penalty: 20.0 -> 7.0" in printed
    code, printed = command("run", "demo", "--accept-current", "matching", *options)
    assert code == 2
    assert "already accepted" in printed
    _, printed = command("run", "demo", "--dry-run", "--retract-accepted", "matching", *options)
    assert "would be retracted" in printed
    assert f"matching would compute {PAIRS} pairs" in printed
    (tmp_path / "cache" / "matching" / "accepted.json").write_text("{")
    code, printed = command("status", "demo", *options)
    assert code == 0
    assert "would compute" in printed


def test_another_dataset_in_the_cache_leaves_the_rest_alone(
    finished: None, command: Command, settings: list[str], cartoons: Path, tmp_path: Path
) -> None:
    shutil.copytree(cartoons, tmp_path / "copy")
    options = set_options([*settings, f"data.root='{tmp_path / 'copy'}'"])
    _, printed = command("status", "demo", *options)
    assert row_of(printed, "matching")[1] == str(PAIRS)  # the same frames are the same work
    assert "last run" not in printed
