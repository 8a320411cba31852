"""The command `animeinterp explain`."""

from __future__ import annotations

from typing import Annotated

import typer

from animeinterp.pipeline.cli.as_json import Json, item_content, print_json, session_content, stage_content
from animeinterp.pipeline.cli.chosen_config import ChosenConfig, ConfigOption, Settings, WeightsFolder
from animeinterp.pipeline.cli.terminal import say_cache, say_within
from animeinterp.pipeline.compute.registry import STAGES
from animeinterp.pipeline.planning.explanation import (
    ItemExplanation,
    StageExplanation,
    VerdictCount,
    explain_item,
    explain_stage,
    items_named,
)
from animeinterp.pipeline.planning.session import Session
from animeinterp.pipeline.planning.verdicts import SETTLED, Verdicts
from animeinterp.pipeline.store.stage_descriptions import DIGITS_SHOWN

DETAILED = ("input", "damaged", "failed", "skipped", "follows")
"""Verdicts that may have a different detail for each item."""


def explain(
    what: Annotated[
        str | None,
        typer.Argument(metavar="STAGE|ID", help="A stage, or a pair or frame; all stages by default."),
    ] = None,
    config: ConfigOption = None,
    settings: Settings = None,
    weights: WeightsFolder = None,
    as_json: Json = False,
) -> None:
    """Show why each stage, or a single pair or frame, would be computed."""
    session = Session.open(ChosenConfig.of(config, settings, weights).load(), look_only=True)
    verdicts = Verdicts(session)
    stages: list[StageExplanation] = []
    items: list[ItemExplanation] = []
    if what is None or what in session.stages:
        stages = [explain_stage(verdicts, stage) for stage in (session.stages if what is None else (what,))]
    else:
        items = [explain_item(verdicts, stage, item) for stage, item in items_named(session, what)]
    if as_json:
        content = {"stages": list(map(stage_content, stages)), "items": list(map(item_content, items))}
        print_json(session_content(session) | content)
        return
    say_cache(session.config.store.cache)
    for explained in stages:
        _print_stage(explained, brief=what is None)
    for item in items:
        _print_item(item)


def _print_stage(explained: StageExplanation, *, brief: bool) -> None:
    stage, total, todo = explained.stage, explained.items, explained.to_compute
    of_them = f"{todo} of {total} {STAGES[stage].units(total)} would run"
    if not todo:
        of_them = f"nothing would run, {total} {STAGES[stage].units(total)}"
    say_within(f"{stage}: {of_them}", 0, "bold")
    if explained.accepted is not None:
        say_within(f"accepted {explained.accepted}", 2)
    for counted in explained.verdicts:
        _print_verdict(counted, brief=brief)


def _print_verdict(counted: VerdictCount, *, brief: bool) -> None:
    verdict = counted.verdict
    say_within(f"{counted.count:6d}  {verdict.text}", 0, _style(verdict.kind))
    # If all stages are listed, the stage it follows is listed above.
    if verdict.kind in ("current", "new", "forced") or (brief and verdict.kind == "follows"):
        return
    details = {detail for _, detail in counted.examples}
    if len(details) > 1 or (verdict.kind in DETAILED and counted.count == 1 and details != {""}):
        for item, detail in counted.examples:
            say_within(f"{item}: {detail}" if detail else item, 8)
    else:
        for detail in filter(None, details):
            say_within(detail, 8)
        if counted.verdict.kind not in SETTLED:
            say_within(", ".join(item for item, _ in counted.examples), 8, "dim")
            return
    more = counted.count - len(counted.examples)
    if more and len(details) > 1:
        say_within(f"and {more} more", 8, "dim")


def _print_item(explained: ItemExplanation) -> None:
    verdict, kept = explained.verdict, explained.kept
    say_within(f"{explained.stage} of {explained.item}: {verdict.text}", 0, _style(verdict.kind))
    if verdict.detail:
        say_within(verdict.detail, 2)
    if kept is None:
        return
    record = kept.record
    state = record.status if verdict.kind in SETTLED else f"kept, but no longer current: {record.status}"
    time = kept.committed
    when = "gone meanwhile" if time is None else f"{time.astimezone():%Y-%m-%d %H:%M:%S}"
    say_within(f"{state}, {when}, {record.seconds:.2f} s", 2)
    say_within(f"in {kept.shard}", 2)
    if record.output:
        outputs = ", ".join(f"{name} {digest[:DIGITS_SHOWN]}" for name, digest in record.output.items())
        say_within(f"holds {outputs}", 2)


def _style(kind: str) -> str | None:
    return {"damaged": "red", "failed": "red", "current": "green"}.get(kind)
