"""The command `history`: past runs, or one of them in detail."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path
from typing import Annotated, Any

import typer

from animeinterp.configs.errors import ConfigError
from animeinterp.pipeline.cli.as_json import Json, print_json, run_content
from animeinterp.pipeline.cli.cache import CacheFolder, find_cache
from animeinterp.pipeline.cli.chosen_config import ConfigOption, Settings
from animeinterp.pipeline.cli.fitting_table import FittingTable
from animeinterp.pipeline.cli.terminal import OUTPUT, console, narrow_table, say, say_cache
from animeinterp.pipeline.results.cache_contents import check_cache
from animeinterp.pipeline.results.past_runs import PastRun, changed_settings, failures_of, find_run, past_runs
from animeinterp.pipeline.store.run_records import FAILURES_NAME
from animeinterp.pipeline.store.sizes import in_bytes

LISTED = 20  # failures shown; the file beside has them all
RUN_ID = re.compile(r"\d{8}(-\d{0,6}(-[0-9a-f]{0,4})?)?")


def history(
    run: Annotated[
        str | None, typer.Argument(metavar="ID", help="Id of a run, or its first characters.")
    ] = None,
    config: ConfigOption = None,
    settings: Settings = None,
    folder: CacheFolder = None,
    limit: Annotated[
        int, typer.Option("--limit", metavar="N", min=1, help="Only the last N runs.", rich_help_panel=OUTPUT)
    ] = 20,
    as_json: Json = False,
) -> None:
    """List past runs, the latest first; with an ID, show one in detail."""
    if run is not None and not RUN_ID.fullmatch(run):
        raise ConfigError(f"{run!r} is not a run id such as 20260131-235959-0a1b; see 'history'")
    place, _ = find_cache(config, settings, None, folder)
    check_cache(place)
    if as_json:
        runs = past_runs(place)[:limit]
        print_json(_content(place, [find_run(place, run)] if run else runs, in_detail=run is not None))
        return
    say_cache(place)
    if run is not None:
        _show(find_run(place, run))
        return
    runs = past_runs(place)
    if not runs:
        say("no recorded runs")
        return
    _list(runs[:limit])
    if len(runs) > limit:
        say(f"{len(runs) - limit} earlier ones: --limit {len(runs)}")


def _content(place: Path, runs: Sequence[PastRun], *, in_detail: bool) -> dict[str, Any]:
    """What --json prints."""
    told = [run_content(run) | (_details(run) if in_detail else {}) for run in runs]
    return {"cache": place.absolute(), "runs": told}


def _details(run: PastRun) -> dict[str, Any]:
    return {
        "settings": {key: value for key, (value, _) in changed_settings(run.info.config).items()},
        "fingerprints": run.info.fingerprints,
        "versions": run.info.versions,
        "machine": run.info.machine,
        "events": [event for event in run.events if event.get("event") in ("trouble", "repair")],
        "failures": failures_of(run.folder),
    }


def _list(runs: Sequence[PastRun]) -> None:
    table = narrow_table(3, "id", "started", "state", "time", "done", "failed", "command", last="room")
    for run in runs:
        command = run.command.removeprefix("animeinterp ")
        table.add_row(
            run.info.id,
            f"{run.started:%m-%d %H:%M}",
            run.state,
            _time(run.duration),
            str(run.sum("computed")),
            str(run.sum("failed")),
            command,
        )
    console.print(table)


def _show(run: PastRun) -> None:
    info = run.info
    code = "" if info.exit_code is None else f", exit code {info.exit_code}"
    say(f"run {info.id}: {run.state}{code}")
    moment = f"{run.started:%Y-%m-%d %H:%M:%S}"
    say(f"started {moment}, took {_time(run.duration)}, process {info.process} on {info.host}")
    say(f"command: {run.command}")
    say("settings other than the default:")
    for key, (value, default) in changed_settings(info.config).items():
        say(f"    {key} = {_text(value)} (default {_text(default)})")
    if run.stages:
        console.print(_stages(run))
    for event in run.events:
        if event.get("event") in ("trouble", "repair"):
            details = {key: value for key, value in event.items() if key not in ("time", "event")}
            say(f"{event['event']}: {', '.join(f'{key} {_text(value)}' for key, value in details.items())}")
    _show_failures(run.folder / FAILURES_NAME)
    say(f"files: {run.folder}")


def _stages(run: PastRun) -> FittingTable:
    columns = ("planned", "computed", "failed", "skipped", "work s", "written", "memory")
    table = narrow_table(1, "stage", *columns)
    for stage, found in run.stages.items():
        numbers = (found.planned, found.computed, found.failed, found.skipped)
        sizes = in_bytes(found.size), in_bytes(found.peak_memory)
        table.add_row(stage, *map(str, numbers), f"{found.seconds:.1f}", *sizes)
    return table


def _show_failures(path: Path) -> None:
    try:
        lines = path.read_text(encoding="utf-8").splitlines()[1:]
    except OSError:
        return  # none was written: the run is active, or has died
    for line in lines[:LISTED]:
        say(f"failed: {line}", style="red")
    if len(lines) > LISTED:
        say(f"{len(lines) - LISTED} more in {path}")


def _time(duration: timedelta) -> str:
    seconds = duration.total_seconds()
    return f"{seconds:.0f} s" if seconds < 100 else str(timedelta(seconds=round(seconds)))


def _text(value: Any) -> str:
    return "none" if value is None else value if isinstance(value, str) else json.dumps(value)
