from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from tests.pipeline.small_runs import PAIRS, Command, Opener, set_options

CHANGE = ["--set", "matching.area_penalty=7"]


def test_all_stages_the_root_cause_first_and_followers_marked(
    finished: None, command: Command, settings: list[str]
) -> None:
    options = set_options(settings)
    code, printed = command("explain", "demo", *options)
    assert code == 0
    assert f"evaluation: nothing would run, {PAIRS} pairs" in printed
    code, printed = command("explain", "demo", *options, *CHANGE)
    assert code == 0
    lines = printed.splitlines()
    root = lines.index(f"     {PAIRS}  matching.area_penalty: 20.0 -> 7.0")
    assert lines[root - 1] == f"matching: {PAIRS} of {PAIRS} pairs would run"
    assert lines[root + 1].startswith("        compared with ")
    assert printed.count("matching.area_penalty") == 1
    assert lines.count(f"     {PAIRS}  follows matching") == 4


def test_one_stage_tells_what_it_follows(finished: None, command: Command, settings: list[str]) -> None:
    code, printed = command("explain", "demo", "coarse_flow", *set_options(settings), *CHANGE)
    assert code == 0
    assert printed.splitlines()[1:4] == [
        f"coarse_flow: {PAIRS} of {PAIRS} pairs would run",
        f"     {PAIRS}  follows matching",
        "        matching.area_penalty: 20.0 -> 7.0",
    ]


def test_a_pair_tells_of_every_stage(
    finished: None, command: Command, settings: list[str], open_session: Opener
) -> None:
    session = open_session()
    pair = session.manifest.pairs[0].id
    code, printed = command("explain", "demo", pair, *set_options(settings))
    assert code == 0
    assert f"segmentation of {pair}/frame1: current" in printed
    assert f"segmentation of {pair}/frame3: current" in printed
    assert f"evaluation of {pair}: current" in printed
    assert f"in {session.shard_path('matching', session.layout.group_of('matching', 0))}" in printed
    record = session.current.record("matching", 0)
    assert record is not None
    assert f"match01 {record.output['match01'][:8]}" in printed
    code, printed = command("explain", "demo", f"{pair}/frame1", *set_options(settings))
    assert code == 0
    assert "matching" not in printed
    code, printed = command("explain", "demo", pair, *set_options(settings), *CHANGE)
    assert f"coarse_flow of {pair}: follows matching\n  matching.area_penalty: 20.0 -> 7.0" in printed
    assert "kept, but no longer current: ok" in printed


def test_a_failure_is_told_with_its_reason(
    command: Command, settings: list[str], cartoons: Path, tmp_path: Path
) -> None:
    shutil.copytree(cartoons, tmp_path / "copy")
    victim = sorted((tmp_path / "copy" / "test_2k_540p").iterdir())[0]
    (victim / "frame1.png").write_bytes(b"")
    options = set_options([*settings, f"data.root='{tmp_path / 'copy'}'"])
    assert command("run", "demo", "-q", *options)[0] == 1
    _, printed = command("explain", "demo", *options)
    assert "1  failed before, not retried without --retry-failed" in printed
    assert f"{victim.name}/frame1: {victim / 'frame1.png'}: empty file" in printed
    assert f"{victim.name}: segmentation of {victim.name}/frame1 failed" in printed


def test_a_stage_may_come_without_a_config(
    finished: None, command: Command, settings: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ANIMEINTERP_CONFIG", "demo")
    code, printed = command("explain", "matching", *set_options(settings))
    assert code == 0
    assert "matching: nothing would run" in printed


def test_an_unknown_id_is_refused(command: Command, settings: list[str]) -> None:
    code, printed = command("explain", "demo", "nobody", *set_options(settings))
    assert code == 2
    assert "'nobody' is neither a stage nor a pair or frame of" in printed
