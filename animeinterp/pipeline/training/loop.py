"""The training loop: steps, log, validations and checkpoints."""

from __future__ import annotations

import json
import logging
import math
import shutil
import time
from collections import defaultdict
from collections.abc import Callable, Mapping
from contextlib import nullcontext, suppress
from typing import Any

import torch

from animeinterp.configs.errors import CacheError, ConfigError, TrainingError, WeightsError
from animeinterp.pipeline.running.interruption import deferred
from animeinterp.pipeline.training.batches import Batches
from animeinterp.pipeline.training.checkpoints import (
    BEST,
    LAST,
    PICTURES,
    SETTINGS,
    Log,
    own_folder,
    read_checkpoint,
    write_checkpoint,
    write_whole,
)
from animeinterp.pipeline.training.learner import Learner
from animeinterp.pipeline.training.networks import save
from animeinterp.pipeline.training.phases import learning_rate, phases_of
from animeinterp.pipeline.training.plan import Plan
from animeinterp.pipeline.training.processes import Group, joined
from animeinterp.pipeline.training.validation import validate
from animeinterp.pipeline.training.validation_pictures import picture_scenes

logger = logging.getLogger(__name__)

Report = Callable[[Mapping[str, Any]], None]
"""Called with every entry of the log."""
CRITERIA = {"flow": "error", "synthesis": "frame", "joint": "frame"}
"""Criterion for the best weights of a phase; lower is better. Phases with the same criterion compete."""


def train(plan: Plan, *, minutes: float = math.inf, report: Report | None = None) -> int:
    """Train, from the last checkpoint if there is one.

    Parameters
    ----------
    plan
        What to do.
    minutes
        Time after which it stops, with a checkpoint to resume from.
    report
        Called with every entry of the log.

    Returns
    -------
    int
        Steps done in all.

    Raises
    ------
    TrainingError
        A loss is not finite. The last good weights are kept.
    CacheError
        The folder cannot be written, holds a damaged checkpoint, or another process trains there.
    ConfigError
        The checkpoint there belongs to another training.
    KeyboardInterrupt
        Ctrl-C or SIGTERM, once a checkpoint is written.
    """
    threads = torch.get_num_threads()
    try:
        with joined(plan.device) as group:
            if group.size > plan.section.batch:
                raise ConfigError(
                    f"training.batch = {plan.section.batch}: fewer scenes than processes ({group.size}); "
                    "enlarge the batch, or start fewer processes"
                )
            with own_folder(plan.folder) if group.leads else nullcontext():
                return _Training(plan, report, group).run(minutes)
    finally:
        torch.set_num_threads(threads)


class _Training:
    def __init__(self, plan: Plan, report: Report | None, group: Group) -> None:
        self._plan, self._report, self._group, self._log = plan, report, group, Log(plan.folder)
        state = read_checkpoint(plan.folder, plan.settings)
        self._learner = Learner(plan.networks(), plan.section, plan.device, plan.threads, group)
        self._sums: dict[str, float] = defaultdict(float)
        self._best: dict[str, Any] = {"criterion": "", "score": math.inf}
        self._seconds = 0.0
        if state is not None:
            self._go_on(state)
        group.decided(True)  # all have read the checkpoint before it is replaced
        if not group.leads:
            return
        self._log.cut(self._learner.step)
        text = json.dumps(plan.settings | {"threads": plan.threads}, indent=1)
        write_whole(plan.folder / SETTINGS, text.encode())

    def run(self, minutes: float) -> int:
        section, learner = self._plan.section, self._learner
        end = phases_of(section)[-1].last
        borders = {phase.last for phase in phases_of(section)}
        started = self._saved = self._validated = time.monotonic()
        try:
            with Batches(self._plan.starts, section).ahead(learner.step, end) as batches:
                for batch in batches:
                    with deferred():  # a step and its counts belong together
                        begun = time.monotonic()
                        self._count(learner.learn(batch), begun)
                    now = time.monotonic()
                    over = minutes < math.inf and self._group.decided(now - started > 60 * minutes)
                    if self._group.leads:
                        self._keep(now, due=over or learner.step in borders)
                    if over:
                        break
        except KeyboardInterrupt:
            if self._group.leads:
                self._save()
            raise
        except TrainingError as error:
            raise TrainingError(f"{error}. {self._keep_good()}") from None
        return learner.step

    def _keep(self, now: float, *, due: bool) -> None:
        """Validate and write a checkpoint when it is time."""
        section = self._plan.section
        with deferred():
            if due or now - self._validated > 60 * section.validation_minutes:
                self._validate()
            if due or now - self._saved > 60 * section.checkpoint_minutes:
                self._save()

    def _go_on(self, state: dict[str, Any]) -> None:
        try:
            self._learner.restore(state["learner"])
            self._sums.update(state["sums"])
            self._best, self._seconds = state["best"], state["seconds"]
        except (KeyError, RuntimeError, ValueError, TypeError) as error:
            raise CacheError(
                f"{self._plan.folder}: its checkpoint does not fit ({type(error).__name__}); "
                "remove it to restart"
            ) from None
        if state["threads"] != self._plan.threads:
            logger.warning(
                "the checkpoint was made with %d threads, not %d: the last digits of losses may differ",
                state["threads"],
                self._plan.threads,
            )

    def _count(self, values: Mapping[str, float], begun: float) -> None:
        step = self._learner.step
        self._sums["count"] += 1
        for name, value in values.items():
            self._sums[name] += value
        passed = time.monotonic() - begun
        self._seconds += passed
        self._sums["seconds"] += passed
        if step % self._plan.section.log_steps == 0:
            count = self._sums.pop("count")
            means = {name: total / count for name, total in self._sums.items()}
            self._sums.clear()
            rate = learning_rate(self._plan.section, step - 1)
            self._add({"kind": "steps", "step": step, "phase": self._learner.phase, "rate": rate} | means)

    def _validate(self) -> None:
        plan, learner = self._plan, self._learner
        self._validated = time.monotonic()
        if plan.held_out is None:
            return
        found = validate(
            learner.averaged,
            plan.held_out,
            plan.section.validation_count,
            learner.autocast,
            plan.device,
            plan.threads if plan.device.type == "cpu" else 1,
            plan.section.validation_shrink,
        )
        criterion = CRITERIA[learner.phase]
        score = found[criterion]
        best = self._best["criterion"] != criterion or score < self._best["score"]
        if plan.section.pictured_scenes:
            made = picture_scenes(
                learner.averaged,
                plan.held_out,
                plan.section.pictured_scenes,
                learner.autocast,
                plan.device,
                plan.section.validation_shrink,
            )
            write_whole(plan.folder / PICTURES / f"{learner.step:07d}.jpg", made)
        entry = {"kind": "validation", "step": learner.step, "phase": learner.phase, "best": best}
        self._add(entry | {"hours": self._seconds / 3600} | found)
        if best:
            self._best = {"criterion": criterion, "score": score}
            self._save_weights(BEST)

    def _save(self) -> None:
        write_checkpoint(
            self._plan.folder,
            self._plan.settings,
            {
                "learner": self._learner.state(),
                "sums": dict(self._sums),
                "best": self._best,
                "seconds": self._seconds,
                "threads": self._plan.threads,
            },
        )
        self._save_weights(LAST)
        if self._plan.held_out is None:
            shutil.copyfile(self._plan.folder / LAST, self._plan.folder / BEST)
        self._saved = time.monotonic()

    def _save_weights(self, name: str) -> None:
        learner = self._learner
        save(self._plan.folder / name, learner.averaged, self._plan.origin(learner.step))

    def _keep_good(self) -> str:
        """Write the weights from before the failure if they are finite; return a message about them."""
        with suppress(WeightsError):
            if self._group.leads:
                self._save_weights(LAST)
        last = self._plan.folder / LAST
        return (
            f"The last good weights are in {last}" if last.exists() else "No weights were good enough to keep"
        )

    def _add(self, entry: Mapping[str, Any]) -> None:
        if not self._group.leads:
            return
        self._log.add(entry)
        if self._report is not None:
            self._report(entry)
