"""The command `status`, and the output of `run --dry-run`."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Any, get_args

from animeinterp.pipeline.cli.as_json import Json, failures_content, print_json, run_content, session_content
from animeinterp.pipeline.cli.chosen_config import ChosenConfig, ConfigOption, Settings, WeightsFolder
from animeinterp.pipeline.cli.fitting_table import FittingTable
from animeinterp.pipeline.cli.outcomes import print_accepted, print_failures, print_methods, print_skipped
from animeinterp.pipeline.cli.terminal import NARROW, console, say, say_cache, table
from animeinterp.pipeline.compute.registry import STAGES
from animeinterp.pipeline.planning.estimates import Estimate, PastRates, StageEstimate
from animeinterp.pipeline.planning.session import Session
from animeinterp.pipeline.planning.stage_counts import ItemState, stage_state
from animeinterp.pipeline.planning.verdicts import Verdicts, plan
from animeinterp.pipeline.results.past_runs import DIED, PastRun, runs_of
from animeinterp.pipeline.results.results_record import foreign, results_line, results_notes
from animeinterp.pipeline.store.sizes import in_bytes


def status(
    config: ConfigOption = None,
    settings: Settings = None,
    weights: WeightsFolder = None,
    as_json: Json = False,
) -> None:
    """Show the progress of each stage and of the active run, if any; works from another shell."""
    session = Session.open(ChosenConfig.of(config, settings, weights).load(), look_only=True)
    verdicts = Verdicts(session)
    if as_json:
        print_json(_content(session, verdicts))
        return
    print_methods(session.config)
    say_cache(session.config.store.cache)
    console.print(_state_table(verdicts))
    print_accepted(console, session)
    print_skipped(console, session)
    print_failures(console, session, [])
    print_plan(session, verdicts)
    _print_runs(session)
    if line := results_line(session):
        say(line)


def _content(session: Session, verdicts: Verdicts) -> dict[str, Any]:
    """What --json prints."""
    same, others = runs_of(session)
    folder = session.config.store.results
    stages = []
    for stage in session.stages:
        found = stage_state(verdicts, stage)
        counts = {name: found.counts[name] for name in get_args(ItemState)}
        stages.append({"stage": stage, "items": found.items, **counts, "bytes": found.size})
    return session_content(session) | {
        "stages": stages,
        "failures": failures_content(session),
        "plan": [
            {"stage": stage, "items": reasons.total(), "reasons": dict(reasons)}
            for stage, reasons in plan(session, verdicts).items()
            if reasons
        ],
        "results": None if folder is None else {"folder": folder, "differences": foreign(session)},
        "runs": [run_content(run) for run in same if run.state == "running"],
        "other_runs": [run_content(run) for run in others],
        "last_run": run_content(same[-1]) if same else None,
    }


def print_plan(session: Session, verdicts: Verdicts | None = None) -> None:
    """Print what would be computed and why, and what is to be said of the dataset."""
    for note in (*session.manifest.notes, *results_notes(session)):
        say(f"note: {note}", "yellow")
    reasons = plan(session, verdicts)
    if not any(reasons.values()):
        say("nothing to do: everything requested is done")
    for stage, counts in reasons.items():
        if counts:
            why = ", ".join(f"{count} {reason}" for reason, count in counts.most_common())
            why = next(iter(counts)) if len(counts) == 1 else why
            total = counts.total()
            say(f"{stage} would compute {total} {STAGES[stage].units(total)}: {why}")


def print_estimate(found: Estimate, cache: Path) -> None:
    """Print the time and space that a run would take."""
    if not found.stages:
        return
    if len(found.unknown) == len(found.stages):
        say("time and space are unknown: nothing like it has been computed in this cache")
        return
    estimates = table(1, "stage", "items", "s each", "work", "space", "based on", last="text", **NARROW)
    for stage in found.stages:
        estimates.add_row(*_estimate_row(stage))
    console.print(estimates)
    say(_estimate_in_words(found))
    if found.size > found.free:
        say(f"warning: {in_bytes(found.free)} free in {cache}, less than that", "yellow")


def _estimate_row(found: StageEstimate) -> tuple[str, ...]:
    if found.rate is None:
        return found.stage, str(found.items), "", "", "", "no past rate"
    scaled = f", frames {found.scale:.2g} times as large" if abs(found.scale - 1) > 0.01 else ""
    units = STAGES[found.stage].units(found.rate.items) if found.stage in STAGES else "frames"
    measured = f"{found.rate.items} {units}, {found.rate.source}{scaled}"
    each = f"{found.rate.seconds * found.scale:.3g}"
    work = str(timedelta(seconds=round(found.seconds)))
    return found.stage, str(found.items), each, work, in_bytes(found.size), measured


def _estimate_in_words(found: Estimate) -> str:
    time = timedelta(seconds=round(found.seconds))
    count = found.workers
    where = "of work, divided by the cluster's workers"
    if count is not None:
        where = f"on {count} worker{'' if count == 1 else 's'}"
    needed = in_bytes(found.size) + ("" if found.at_a_time is None else " at a time")
    line = f"about {time} {where}, and {needed} ({in_bytes(found.free)} free)"
    return line + (f"; without {', '.join(found.unknown)}, no past rate" if found.unknown else "")


def _state_table(verdicts: Verdicts) -> FittingTable:
    names = get_args(ItemState)
    states = table(1, "stage", "items", *names, "size", **NARROW)
    for stage in verdicts.session.stages:
        found = stage_state(verdicts, stage)
        counts = (str(found.counts[name]) for name in names)
        states.add_row(stage, str(found.items), *counts, in_bytes(found.size) if found.size else "-")
    return states


def _print_runs(session: Session) -> None:
    same, others = runs_of(session)
    going = [run for run in same if run.state == "running"]
    for run in going:
        _print_going(session, run)
    for run in others:
        say(f"another run, with other settings or data, is active in this cache: {_run_line(run)}")
    if not going and same:
        say(_end_line(same[-1]))


def _print_going(session: Session, run: PastRun) -> None:
    say(f"active run: {_run_line(run)}")
    stages = table(1, "stage", "done", "of", "failed", "rate", "written")
    for stage, found in run.stages.items():
        rate = "" if found.rate is None else f"{found.rate:.2f}/s"
        failed, written = str(found.failed), in_bytes(found.size) if found.size else "-"
        stages.add_row(stage, str(found.done), str(found.total), failed, rate, written)
    console.print(stages)
    rates = PastRates(session)

    def past(stage: str) -> float | None:
        rate = rates.rate(stage)
        return None if rate is None else rate.seconds

    left, unknown = run.time_left(past)
    if left is None:
        say("nothing is done yet, so the time left is unknown")
        return
    without = f", without {', '.join(unknown)}, whose rate is unknown" if unknown else ""
    say(f"about {timedelta(seconds=round(left))} left{without}")


def _run_line(run: PastRun) -> str:
    info = run.info
    return f"{info.id}, since {run.started:%Y-%m-%d %H:%M:%S}, process {info.process} on {info.host}"


def _end_line(run: PastRun) -> str:
    info = run.info
    began = f"last run {info.id}, begun {run.started:%Y-%m-%d %H:%M:%S}"
    if run.state == DIED:
        return f"{began}, died (process {info.process} on {info.host})"
    took = timedelta(seconds=round(run.duration.total_seconds()))
    return f"{began}, {info.state} after {took} (exit code {info.exit_code}); details in {run.folder}"
