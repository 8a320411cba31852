"""A training that fits a time, for a GPU that is at hand for some minutes.

`python -m benchmarks.timed_training BOOK OUT --minutes 9` times some steps of each phase of the preset
`train_light`, gives the phases as many steps as the rest of the time allows, in the preset's proportions, and
trains. Scenes are drawn on all processors meanwhile. `OUT/training/<fingerprint>/last.safetensors` is written
every minute. BOOK is the folder `book` that `animeinterp draw-scenes` writes.
"""

from __future__ import annotations

import argparse
import math
import os
import time
from collections.abc import Mapping, Sequence
from itertools import pairwise
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from typing import Any

from animeinterp.configs.loading import load_config
from animeinterp.configs.sections import TrainingSection
from animeinterp.data.cutouts import SetSettings, write_training_set
from animeinterp.pipeline.cli.train import Lines
from animeinterp.pipeline.pages.training.training_page import write_training_page
from animeinterp.pipeline.training.loop import train
from animeinterp.pipeline.training.phases import ORDER
from animeinterp.pipeline.training.plan import Plan, make_plan

VALIDATED = 64
"""Held-out scenes."""
TRIED = 24
"""Steps of each phase that are timed; the first half is for warming up."""
LEAST = 10.0
"""s that are worth training."""
RESERVE = 0.06
"""Share of the time that is left for validations, checkpoints and the end."""


def plan_of(cache: Path, settings: Sequence[str], steps: Mapping[str, int], **others: Any) -> Plan:
    """A plan with steps for each phase."""
    given = {f"{name}.steps": count for name, count in steps.items()} | others
    words = [f"training.{name}={value}" for name, value in given.items()]
    return make_plan(load_config("train_light", [*settings, *words, f"store.cache={cache}"]))


def seconds_per_step(settings: Sequence[str]) -> dict[str, float]:
    """Time that a step of each phase takes, the making of its batch included."""
    times: dict[str, list[float]] = {phase: [] for phase in ORDER}
    with TemporaryDirectory() as folder:
        steps = dict.fromkeys(ORDER, TRIED)
        plan = plan_of(Path(folder), settings, steps, log_steps=1, validation_scenes="")
        train(plan, report=lambda entry: times[entry["phase"]].append(time.monotonic()))
    return {
        phase: median(after - before for before, after in pairwise(found[TRIED // 2 :]))
        for phase, found in times.items()
    }


def fitting_steps(section: TrainingSection, each: Mapping[str, float], seconds: float) -> dict[str, int]:
    """Steps of the phases, in the proportions of a section's, that together take so long."""
    wanted = {phase: getattr(section, phase).steps for phase in ORDER}
    whole = sum(wanted[phase] * each[phase] for phase in ORDER)
    return {phase: math.ceil(wanted[phase] * seconds / whole) for phase in ORDER}


def train_for(book: Path, out: Path, minutes: float, device: str, more: Sequence[str] = ()) -> Path:
    """Train for some minutes; returns the training's folder."""
    end = time.monotonic() + 60 * minutes
    workers = max(1, (os.cpu_count() or 1) - 1)
    with TemporaryDirectory() as folder:
        validation = Path(folder) / "validation"
        write_training_set(book, validation, SetSettings(VALIDATED, split="validation"), workers=workers)
        settings = [
            "training.source=drawings",
            f"training.scenes={book}",
            f"training.validation_scenes={validation}",
            f"training.validation_count={VALIDATED}",
            f"training.workers={workers}",
            "training.checkpoint_minutes=1",
            "training.validation_minutes=2",
            "training.pictured_scenes=0",
            f"executor.device={device}",
            *more,
        ]
        section = load_config("train_light", settings).training
        each = seconds_per_step(settings)
        print(", ".join(f"{phase}: {seconds:.3f} s per step" for phase, seconds in each.items()), flush=True)
        left = (1 - RESERVE) * (end - time.monotonic())
        if left < LEAST:
            raise SystemExit(f"timing took so long that {left:.0f} s are left to train; raise --minutes")
        plan = plan_of(out, settings, fitting_steps(section, each, left))
        steps = sum(getattr(plan.section, phase).steps for phase in ORDER)
        print(f"{steps} steps of {plan.section.batch} crops; {plan.folder}", flush=True)
        remaining = (end - time.monotonic()) / 60
        train(plan, minutes=remaining, report=Lines(plan.folder, steps, plan.section.log_steps))
        write_training_page(plan.folder)
    return plan.folder


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.timed_training")
    parser.add_argument("book", type=Path, help="folder of a book of drawings")
    parser.add_argument("out", type=Path, help="folder for weights, log and page")
    parser.add_argument("--minutes", type=float, default=9.0, help="when it ends")
    parser.add_argument("--device", default="cuda")
    parser.add_argument("--set", action="append", default=[], metavar="KEY=VALUE", help="further settings")
    arguments = parser.parse_args()
    train_for(arguments.book, arguments.out, arguments.minutes, arguments.device, arguments.set)


if __name__ == "__main__":
    main()
