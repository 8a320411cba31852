"""Exports that are killed, find files in their way, or whose cache or record is damaged."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from rich.console import Console

from animeinterp.configs.errors import CacheError, DataError
from animeinterp.configs.loading import load_config
from animeinterp.pipeline.exports import sgm_files
from animeinterp.pipeline.exports.export_journal import ExportRecord
from animeinterp.pipeline.exports.sgm_export import ExportReport, export_sgm
from animeinterp.pipeline.planning.session import Session
from tests.pipeline.exported_folders import SIX, Export, changed, files, ids, names_in
from tests.pipeline.small_runs import PAIRS, Command, Opener, set_options
from tests.project import ROOT

KILLED = """
import os, signal, sys
from animeinterp.pipeline.exports import sgm_files
commit, count = sgm_files.commit_folder, 0
def killed(*paths):
    global count
    count += 1
    if count == 3:
        os.kill(os.getpid(), signal.SIGKILL)
    commit(*paths)
sgm_files.commit_folder = killed
from animeinterp.pipeline.cli.app import main
main()
"""


@pytest.mark.slow
def test_a_killed_export_goes_on(
    export: Export, settings: list[str], out: Path, open_session: Opener
) -> None:
    arguments = ["export-sgm", "demo", str(out), *set_options(settings)]
    killed = subprocess.run(
        [sys.executable, "-c", KILLED, *arguments], cwd=ROOT, capture_output=True, check=False
    )
    assert killed.returncode == -signal.SIGKILL
    names = names_in(out)
    assert len([name for name in names if name.startswith(".wip-")]) == 1
    whole = names & set(ids(open_session()))
    assert len(whole) == 2
    assert all(names_in(out / name) == SIX for name in whole)
    before = files(out)
    assert export() == ExportReport(exported=PAIRS - 2, current=2)
    assert names_in(out) == set(ids(open_session()))
    assert changed(before, files(out)).isdisjoint(whole)


def test_a_kill_before_the_note_costs_no_folder(
    export: Export, out: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def killed(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(ExportRecord, "finish", killed)
        with pytest.raises(KeyboardInterrupt):
            export()
    (name,) = names_in(out)
    before = files(out)
    assert export() == ExportReport(exported=PAIRS - 1, current=1)
    assert changed(before, files(out)).isdisjoint({name})


def test_a_full_disk_stops_the_export_and_leaves_nothing_half(
    export: Export, out: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    sync, calls = sgm_files.sync_tree, []

    def disk_full(folder: Path) -> int:
        calls.append(folder)
        if len(calls) == 2:
            raise OSError(28, "No space left on device", str(folder))
        return sync(folder)

    with monkeypatch.context() as patch:
        patch.setattr(sgm_files, "sync_tree", disk_full)
        with pytest.raises(DataError, match=f"^{out}: cannot be written .No space left.*make room"):
            export()
    assert len(calls) == 2
    assert [names_in(path) for path in out.iterdir()] == [SIX]
    assert export() == ExportReport(exported=PAIRS - 1, current=1)


@pytest.mark.parametrize("inside", ["", "deeper"])
def test_a_file_in_the_way_is_refused_by_name(
    command: Command, finished: None, settings: list[str], out: Path, inside: str
) -> None:
    out.write_text("in the way")
    code, printed = command("export-sgm", "demo", str(out / inside), *set_options(settings))
    assert code == 2
    assert f"{out / inside}: cannot be written (" in printed
    assert "Traceback" not in printed


def test_an_unwritable_cache_is_named(export: Export, tmp_path: Path) -> None:
    (tmp_path / "cache" / "exports").write_text("in the way")
    with pytest.raises(CacheError, match="exports.*cannot be written .*records what was exported"):
        export()


def test_damaged_results_concern_their_pair_alone(export: Export, open_session: Opener) -> None:
    session = open_session()
    victim = next(
        p for p in (session.shard_path("coarse_flow", 0) / "coarse_flow01" / "c").rglob("*") if p.is_file()
    )
    victim.write_bytes(b"\0" * victim.stat().st_size)
    report = export()
    assert report.exported == PAIRS - len(session.layout.items("coarse_flow", 0))
    assert all("array 'coarse_flow01'" in reason for reason in report.left_out)


def test_a_torn_line_of_the_record_costs_one_pair_at_most(export: Export, out: Path, tmp_path: Path) -> None:
    export()
    (record,) = (tmp_path / "cache" / "exports").iterdir()
    lines = record.read_text().splitlines()
    assert json.loads(lines[0]) == {"folder": str(out)}
    record.write_text("\n".join(lines)[:-20])
    before = files(out)
    assert export() == ExportReport(current=PAIRS)  # the one without a line is found to be whole
    assert files(out) == before
    assert len(record.read_text().splitlines()) == len(lines) + 1


def test_records_are_kept_by_place(export: Export, out: Path, settings: list[str], tmp_path: Path) -> None:
    export()
    session = Session.open(load_config("demo", settings), look_only=True)
    other = tmp_path / "link" / ".." / "other"
    report = export_sgm(session, other, console=Console(quiet=True), quiet=True)
    assert report.exported == PAIRS
    assert len(list((tmp_path / "cache" / "exports").iterdir())) == 2
    (tmp_path / "linked").symlink_to(out)
    report = export_sgm(session, tmp_path / "linked", console=Console(quiet=True), quiet=True)
    assert report.current == PAIRS
