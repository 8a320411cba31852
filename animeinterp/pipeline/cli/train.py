"""The command `train`."""

from __future__ import annotations

import math
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

from animeinterp.pipeline.cli.chosen_config import ChosenConfig, ConfigOption, Settings
from animeinterp.pipeline.cli.terminal import Quiet, console, interruptible, say
from animeinterp.pipeline.pages.training.training_page import write_training_page
from animeinterp.pipeline.training.checkpoints import BEST, LAST
from animeinterp.pipeline.training.loop import train as train_networks
from animeinterp.pipeline.training.phases import phases_of
from animeinterp.pipeline.training.plan import Plan, make_plan
from animeinterp.pipeline.training.processes import first_process

REPORTED_STEPS = 100
"""Steps between lines on the terminal; the log has more."""


def train(
    config: ConfigOption = None,
    settings: Settings = None,
    minutes: Annotated[
        float,
        typer.Option("--minutes", min=0, help="Stop after this time, with a checkpoint; 0 = run to the end."),
    ] = 0.0,
    quiet: Quiet = False,
) -> None:
    """Train networks on scenes with exact flows, or on a dataset; the same command resumes."""
    plan = make_plan(ChosenConfig.of(config, settings).load())
    end = phases_of(plan.section)[-1].last
    quiet = quiet or not first_process()
    if not quiet:
        say(f"training {plan.fingerprint}: {len(plan.scenes)} scenes, {end} steps; {plan.folder}")
    with interruptible():
        if first_process():
            _prepare(plan, quiet=quiet)
        done = train_networks(
            plan,
            minutes=minutes or math.inf,
            report=None if quiet else Lines(plan.folder, end, plan.section.log_steps),
        )
    if not quiet:
        what = (
            "trained" if done == end else f"{done} of {end} steps done: run the same command again to resume"
        )
        say(f"{what}; weights: {plan.folder / BEST}, {plan.folder / LAST}")
        say(f"page: {write_training_page(plan.folder)}")


def _prepare(plan: Plan, *, quiet: bool) -> None:
    """Compute what refinement starts from in each scene, where an earlier training has not."""
    wanted = [(plan.starts, len(plan.scenes))]
    if plan.held_out is not None:
        wanted.append((plan.held_out, plan.section.validation_count))
    columns = TextColumn("{task.description}"), BarColumn(), TimeRemainingColumn()
    with Progress(*columns, console=console, disable=quiet or not console.is_terminal) as bar:
        for starts, count in wanted:
            task = bar.add_task("flows to start from", total=None)
            for done, end in starts.prepare(count, plan.threads):
                bar.update(task, completed=done, total=end)


class Lines:
    """Prints some of the log's entries to the terminal, and keeps the page up to date."""

    def __init__(self, folder: Path, end: int, log_steps: int) -> None:
        self._folder, self._end = folder, end
        self._every = max(1, REPORTED_STEPS // log_steps)
        self._count = 0

    def __call__(self, entry: Mapping[str, Any]) -> None:
        """Print an entry, if it is its turn."""
        where = f"step {entry['step']}/{self._end} {entry['phase']}"
        if entry["kind"] == "validation":
            write_training_page(self._folder)
            best = ", best so far" if entry["best"] else ""
            say(
                f"{where}: held-out scenes: end-point error {entry['error']:.3f} px (start: "
                f"{entry['start_error']:.3f}), frame {entry['psnr']:.2f} dB{best}"
            )
            return
        self._count += 1
        if self._count % self._every == 0:
            hours = (self._end - entry["step"]) * entry["seconds"] / 3600
            flow = f", end-point error {entry['error']:.2f} px" if "error" in entry else ""
            say(
                f"{where}: loss {entry['loss']:.4f}{flow}, "
                f"{entry['seconds']:.2f} s per step, {hours:.1f} h left"
            )
