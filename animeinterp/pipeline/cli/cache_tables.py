"""Printing the contents of a cache: tables for terminals of 80 columns, and differences."""

from __future__ import annotations

import time
from collections.abc import Collection, Mapping, Sequence
from itertools import groupby
from pathlib import Path
from types import MappingProxyType
from typing import Any

from animeinterp.pipeline.cli.as_json import moment
from animeinterp.pipeline.cli.fitting_table import FittingTable
from animeinterp.pipeline.cli.terminal import console, narrow_table, say
from animeinterp.pipeline.results.cache_check import CheckReport
from animeinterp.pipeline.results.cache_contents import CLIPS_FOLDER, Contents, Key, Users, last_use, occupied
from animeinterp.pipeline.results.cache_gc import GcPlan, Kind
from animeinterp.pipeline.results.results_record import WRITTEN_STAGES, read_record
from animeinterp.pipeline.store.sizes import in_bytes
from animeinterp.pipeline.store.stage_descriptions import DIGITS_SHOWN, StageDescription, own_differences
from animeinterp.pipeline.store.written_results import WrittenResults

MARK = " *"
MOST_NAMED = 2
NARROW = 80  # columns of a terminal
UNITS = ((86400.0, "d"), (3600.0, "h"), (60.0, "min"))


def print_contents(
    cache: Path,
    found: Sequence[Contents],
    users: Users,
    current: Collection[Key],
    config: str,
) -> None:
    """Print the contents of a cache.

    Parameters
    ----------
    cache
        Its folder.
    found
        Its fingerprints, grouped by stage.
    users
        Who uses them.
    current, config
        Fingerprints to mark, and the config that has them.
    """
    if not found:
        say("empty")
        return
    console.print(_table(found, users, current))
    if current:
        say(f"{MARK.strip()} used by config {config}")
    for stage, contents in groupby(found, key=lambda one: one.stage):
        _print_differences(stage, list(contents), users, current)
    for one in found:
        if one.trouble:
            say(f"{one.trouble}; its results are not affected", style="yellow")
        if one.damaged or one.unreadable:
            counts = f"{one.damaged} damaged items, {one.unreadable} shards without a readable manifest"
            say(f"{label(one.key)}: {counts}; runs recompute them", style="yellow")
    total = sum(one.size for one in found)
    clips = [folder for folder in (cache / CLIPS_FOLDER).glob("*") if folder.is_dir()]
    if clips:
        taken = in_bytes(occupied(cache / CLIPS_FOLDER))
        said = "frames of videos; you may delete the folder, they are written again when needed"
        say(f"{CLIPS_FOLDER}: {len(clips)}, {taken}; {said}")
    say(f"{len(found)} fingerprints, {in_bytes(total)}")


def cache_content(
    cache: Path, found: Sequence[Contents], users: Users, current: Collection[Key]
) -> dict[str, Any]:
    """The contents of a cache, for `cache ls --json`."""
    clips = [folder for folder in (cache / CLIPS_FOLDER).glob("*") if folder.is_dir()]
    return {
        "cache": cache.absolute(),
        "fingerprints": [
            {
                "stage": one.stage,
                "fingerprint": one.fingerprint,
                "current": one.key in current,
                "used_by": users.live.get(one.key),
                "items": {status: one.items.get(status, 0) for status in ("ok", "failed", "skipped")},
                "damaged_items": one.damaged,
                "shards": one.shards,
                "unreadable_shards": one.unreadable,
                "bytes": one.size,
                "made": moment(one.made),
                "used": moment(last_use(one, users)),
                "settings": None if one.description is None else one.description.section,
                "trouble": one.trouble or None,
            }
            for one in found
        ],
        "clips": {"count": len(clips), "bytes": occupied(cache / CLIPS_FOLDER) if clips else 0},
    }


def print_check(cache: Path, report: CheckReport, seconds: float, *, quiet: bool = False) -> None:
    """Print the result of a check of a cache."""
    for path in sorted(report.damaged):
        state = report.damaged[path]
        say(f"{path.relative_to(cache)}:", style="red")
        for name, why in sorted(state.files.items()):
            say(f"    file {name}: {why}")
        for why in dict.fromkeys(state.items.values()):
            items = [item for item, reason in state.items.items() if reason == why]
            say(f"    {', '.join(items)}: {why}")
        if not state.readable:
            say("    not used; runs recompute its items")
        if not state.noted:
            say("    cannot be recorded beside it; runs detect it when reading")
    for line in report.descriptions:
        say(f"{line}; its results are not affected, and the next run rewrites it", "yellow")
    if quiet:
        return
    for path in report.left_over:
        say(f"{path.relative_to(cache)}: leftover of a dead writer; 'cache gc --left-over' deletes it")
    read = f"{report.shards} shards read, {in_bytes(report.size)} in {seconds:.1f} s"
    say(f"{read}: {_verdict(report)}")


def print_results_check(written: WrittenResults, damaged: Mapping[str, str], *, quiet: bool = False) -> None:
    """Print the result of a check of a results folder."""
    for name, why in damaged.items():
        say(f"{written.root / name}: {why}", style="red")
    if not quiet:
        record = read_record(written.root)
        stages = {} if record is None else record.stages
        made_by = [label((name, stages[name].fingerprint)) for name in WRITTEN_STAGES if name in stages]
        if made_by:
            say(f"{written.root}: results of {' and '.join(made_by)}")
        again = "; runs write them again" if damaged else ""
        count = f"{len(damaged)} damaged{again}" if damaged else "no damage"
        say(f"{len(written.names) + len(damaged)} files in {written.root} read: {count}")


def _verdict(report: CheckReport) -> str:
    if not report.damaged:
        return "no damage"
    items = sum(len(state.items) for state in report.damaged.values())
    return f"{len(report.damaged)} damaged, {items} known items; runs that use them recompute them"


def print_plan(plan: GcPlan, *, delete: bool) -> None:
    """Print what is or would be deleted from a cache."""
    for user, keys in groupby(sorted(plan.spared, key=plan.spared.__getitem__), key=plan.spared.__getitem__):
        named = [label(key) for key in keys]
        which = ", ".join(named) if len(named) <= MOST_NAMED else f"{len(named)} fingerprints"
        say(f"kept for {user}: {which}")
    if not plan.candidates:
        say("nothing to delete")
        return
    table = narrow_table(2, "stage", "what", "items", "size", "used", "why", last="text")
    for one in plan.candidates:
        name = "/".join(
            filter(None, (one.key[1][:DIGITS_SHOWN], "" if one.kind == "results" else one.path.name))
        )
        items = str(one.items) if one.items else ""
        table.add_row(one.key[0], name, items, in_bytes(one.size), ago(one.used), one.why)
    console.print(table)
    hint = "" if delete else "; nothing deleted yet, add --delete"
    say(f"{len(plan.candidates)} to delete, {in_bytes(plan.size)}{hint}")


OFFERS: Mapping[Kind, str] = MappingProxyType(
    {"results": "--unused", "superseded": "--superseded", "left over": "--left-over"}
)


def print_offers(plan: GcPlan) -> None:
    """Print what else could be deleted, one line per kind."""
    for kind, option in OFFERS.items():
        found = [one for one in plan.candidates if one.kind == kind]
        if found:
            size = in_bytes(sum(one.size for one in found))
            say(f"{option} would delete {len(found)} more, {size}")


def label(key: Key) -> str:
    """Stage and beginning of the fingerprint."""
    return f"{key[0]} {key[1][:DIGITS_SHOWN]}"


def ago(moment: float) -> str:
    """How long ago a moment was, in at most ten characters."""
    seconds = time.time() - moment
    for length, unit in UNITS:
        if seconds >= length:
            return f"{int(seconds // length)} {unit} ago"
    return "just now"


def _table(found: Sequence[Contents], users: Users, current: Collection[Key]) -> FittingTable:
    table = narrow_table(2, "stage", "fingerprint", "items", "failed", "shards", "size", "made", "used")
    before = ""
    for one in found:
        table.add_row(
            one.stage if one.stage != before else "",
            one.fingerprint[:DIGITS_SHOWN] + (MARK if one.key in current else ""),
            str(sum(one.items.values())),
            str(one.items.get("failed", 0)),
            str(one.shards),
            in_bytes(one.size),
            ago(one.made),
            "now" if one.key in users.live else ago(last_use(one, users)),
        )
        before = one.stage
    return table


def _print_differences(stage: str, found: Sequence[Contents], users: Users, current: Collection[Key]) -> None:
    """Print how the fingerprints of a stage differ from the one in use, or from the one used last."""
    known = [one for one in found if one.description is not None]
    known.sort(key=lambda one: (one.key in current, last_use(one, users)))
    if len(known) < 2:
        return
    reference = known.pop()
    for one in reversed(known):
        if one.description is None or reference.description is None:
            continue
        said = _differences(one.description, reference.description)
        heading = f"{stage} {one.fingerprint[:DIGITS_SHOWN]} -> {reference.fingerprint[:DIGITS_SHOWN]}:"
        short = f"{heading} {'; '.join(said)}"
        lines = [short] if len(short) <= NARROW else [heading, *(f"    {line}" for line in said)]
        for line in lines:
            say(line)


def _differences(old: StageDescription, new: StageDescription) -> list[str]:
    """Differences of the stage itself, and of the stages it reads."""
    own = [str(found).removeprefix(f"{old.stage}.") for found in own_differences(new, old)]
    read = [name for name in new.reads if new.reads[name] != old.reads.get(name)]
    return own + [f"{name}: {_begin(old.reads.get(name))} -> {_begin(new.reads[name])}" for name in read]


def _begin(fingerprint: str | None) -> str:
    return "not read" if fingerprint is None else fingerprint[:DIGITS_SHOWN]
