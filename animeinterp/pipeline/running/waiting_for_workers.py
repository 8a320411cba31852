"""Waiting for workers: report it, say for what, and give up if none joins in time."""

from __future__ import annotations

import logging
import time
from collections.abc import Mapping, Set
from typing import Any

from animeinterp.configs.sections import ExecutorSection

GRACE_SECONDS = 15.0
"""Time without workers before anything is reported: one that died is being restarted."""
REPEAT_SECONDS = 600.0
"""Between reminders."""

logger = logging.getLogger(__name__)


class WorkerWait:
    """Checks whether a cluster has workers for the present jobs.

    Parameters
    ----------
    section
        Which cluster, and how long to wait.
    setting, resource
        Name of the setting that says which resource the jobs need, and its value; empty = none.
    """

    def __init__(self, section: ExecutorSection, setting: str, resource: str) -> None:
        self._section, self._setting, self._resource = section, setting, resource
        self._since: float | None = None
        self._said: float | None = None

    def reset(self) -> None:
        """Record that work continues."""
        if self._said is not None:
            logger.warning("the cluster has a worker for these jobs again")
        self._since = self._said = None

    def look(self, workers: Mapping[str, Any], unfit: Set[str]) -> str | None:
        """Check the cluster's workers; report if none can do the jobs.

        Parameters
        ----------
        workers
            The scheduler's record of each, by address.
        unfit
            Addresses of those that cannot take part.

        Returns
        -------
        str or None
            Why to give up, once `executor.wait_minutes` have passed.
        """
        fit = [worker for address, worker in workers.items() if address not in unfit]
        if any(offers(worker, self._resource) for worker in fit):
            self.reset()
            return None
        now = time.monotonic()
        self._since = now if self._since is None else self._since
        lack = self._lack(workers, fit)
        minutes = self._section.wait_minutes
        if now - self._since > 60 * minutes:
            return f"{lack}; none joined within executor.wait_minutes = {minutes:g}"
        due = now - self._since >= (0 if workers else GRACE_SECONDS)
        if due and (self._said is None or now - self._said > REPEAT_SECONDS):
            self._said = now
            logger.warning("%s; waiting for one, at most executor.wait_minutes = %g", lack, minutes)
        return None

    def _lack(self, workers: Mapping[str, Any], fit: list[Any]) -> str:
        kind = self._section.kind
        if not workers:
            return f"executor.kind = {kind!r}: there is no worker"
        if not fit:
            return f"executor.kind = {kind!r}: none of its {len(workers)} workers can take part in this run"
        found = sorted({f"{name}={n:g}" for worker in fit for name, n in worker["resources"].items()})
        return (
            f"executor.{self._setting} = {self._resource!r}: no worker of {kind} offers this resource "
            f"(offered: {', '.join(found) or 'none'}); start one with: dask worker {kind} --nthreads 1 "
            f'--resources "{self._resource}=1"'
        )


def offers(worker: Mapping[str, Any], resource: str) -> bool:
    """Whether a worker, as the scheduler describes it, has a resource; empty = none is needed."""
    return not resource or bool(worker["resources"].get(resource, 0) >= 1)
