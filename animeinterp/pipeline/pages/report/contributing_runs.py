"""Runs in a report: those with its settings, their machines, and library versions."""

from __future__ import annotations

from collections import Counter, defaultdict
from dataclasses import dataclass
from typing import Any

from animeinterp.pipeline.pages.report.tables import run_shards
from animeinterp.pipeline.planning.session import Session
from animeinterp.pipeline.results.past_runs import PastRun, past_runs


@dataclass(frozen=True, slots=True)
class ContributingRun:
    """A run with the settings of the report's stages, or of some of them."""

    run: PastRun
    stages: tuple[str, ...]
    """The stages, under the report's fingerprints, for which it computed something."""

    @property
    def computed(self) -> int:
        """Items that it computed of these stages."""
        return sum(self.run.stages[stage].computed for stage in self.stages)

    @property
    def failed(self) -> int:
        """Items of these stages that failed in it."""
        return sum(self.run.stages[stage].failed for stage in self.stages)


def contributing_runs(session: Session) -> list[ContributingRun]:
    """Runs with the settings of a session, the latest first.

    Notes
    -----
    A run counts when it committed shards of a stage under the same fingerprint, or had all fingerprints in
    common. Other datasets in the same cache have the same fingerprints, so their runs are among them.
    """
    found = []
    for run in past_runs(session.config.store.cache):
        shared = [s for s in session.stages if run.info.fingerprints.get(s) == session.fingerprints[s]]
        stages = tuple(stage for stage in shared if stage in run.stages and run.stages[stage].done)
        if stages or len(shared) == len(session.stages):
            found.append(ContributingRun(run, stages))
    return found


def machines(runs: list[ContributingRun]) -> dict[str, dict[str, Any]]:
    """Machines that runs were started on, by host, each as its latest run has it."""
    return {each.run.info.host: each.run.info.machine for each in reversed(runs)}


def versions(session: Session) -> dict[str, Counter[str]]:
    """Versions of Python and libraries that the results were computed with: shards by version, by name."""
    found: dict[str, Counter[str]] = defaultdict(Counter)
    for stage in session.stages:
        for manifest in run_shards(session, stage):
            for name, version in manifest.versions.items():
                found[name][version] += 1
    return dict(found)
