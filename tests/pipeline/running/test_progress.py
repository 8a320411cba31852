from __future__ import annotations

import io

import pytest
from rich.console import Console

from animeinterp.pipeline.compute.shard_jobs import ShardOutcome
from animeinterp.pipeline.running import progress
from animeinterp.pipeline.running.progress import RunProgress
from animeinterp.pipeline.store.shard_manifest import ItemRecord


def outcome(stage: str = "matching", computed: int = 2, skipped: int = 0, failed: int = 0) -> ShardOutcome:
    failures = tuple(ItemRecord(f"pair {k}", "failed") for k in range(failed))
    return ShardOutcome(stage, "shard", computed, skipped, {"ok": computed}, failures, seconds=0.5, size=9)


def shown(
    totals: dict[str, int], *outcomes: ShardOutcome, terminal: bool = False, quiet: bool = False
) -> str:
    file = io.StringIO()
    with RunProgress(Console(file=file, force_terminal=terminal, width=100), totals, quiet=quiet) as listener:
        for found in outcomes:
            listener(found)
    return file.getvalue()


def test_plain_lines_without_a_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(progress, "PLAIN_INTERVAL", 0)
    first, last = shown({"matching": 4}, outcome(), outcome(failed=1)).splitlines()
    assert first.startswith("matching: 2/4, ")
    assert first.endswith(" left")
    assert last.startswith("matching: 4/4, ")
    assert last.endswith("/s, 1 failed")


def test_plain_lines_come_now_and_then_and_always_at_the_end() -> None:
    lines = shown({"matching": 10}, *[outcome()] * 5).splitlines()
    assert len(lines) == 2
    assert lines[-1].startswith("matching: 10/10")


def test_skipped_items_count_as_done() -> None:
    assert "matching: 5/5" in shown({"matching": 5}, outcome(computed=1, skipped=4))


def test_never_more_done_than_there_is() -> None:
    assert "matching: 3/3" in shown({"matching": 3}, outcome(computed=4))


def test_stages_without_work_are_left_out() -> None:
    assert shown({"matching": 0}, outcome("matching"), outcome("features")) == ""
    assert "features" not in shown({"features": 0, "matching": 2}, outcome(), terminal=True)


def test_bars_on_a_terminal() -> None:
    text = shown({"matching": 4, "synthesis": 3}, outcome(failed=1), outcome(), terminal=True)
    assert "matching" in text
    assert "4/4" in text
    assert "1 failed" in text
    assert "0/3" in text


@pytest.mark.parametrize("terminal", [True, False])
def test_quiet_says_nothing(terminal: bool) -> None:
    assert shown({"matching": 2}, outcome(failed=1), terminal=terminal, quiet=True) == ""


def test_work_that_is_no_shard_is_shown_too() -> None:
    file = io.StringIO()
    with RunProgress(Console(file=file, width=100), {"export": 2}) as listener:
        listener.advance("export", 1, seconds=0.5)
        listener.advance("export", 1, failed=1)
    assert file.getvalue().splitlines()[-1].startswith("export: 2/2, ")
    assert file.getvalue().rstrip().endswith("1 failed")
