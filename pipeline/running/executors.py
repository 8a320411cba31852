"""Who computes the shards: this process, processes on this machine, or a Dask cluster."""

from __future__ import annotations

from collections.abc import Callable, Generator, Sequence
from typing import Protocol, TypeVar

from configs.errors import ClusterError
from configs.sections import ExecutorSection
from pipeline.compute.warm_up import prepare_process
from pipeline.running.dask_cluster import DaskExecutor
from pipeline.running.worker_checks import Surroundings

Job = TypeVar("Job")
Outcome = TypeVar("Outcome")


class Executor(Protocol):
    """Computes jobs and hands back what they return, in whatever order they finish."""

    @property
    def dashboard(self) -> str | None:
        """Address of a page that shows the workers, if there is one."""
        ...

    @property
    def lost(self) -> ClusterError | None:
        """Why there is nobody left to compute anything; None while there is."""
        ...

    def map(
        self, function: Callable[[Job], Outcome], jobs: Sequence[Job], stage: str = ""
    ) -> Generator[tuple[Job, Outcome | Exception], None, None]:
        """Run `function` on each job; an exception stands in place of the outcome.

        Parameters
        ----------
        function
            What to run; of a module that workers can import.
        jobs
            What to run it on.
        stage
            Stage that the jobs belong to, if any: it may have workers of its own.

        Raises
        ------
        ClusterError
            The cluster has gone, or has no worker for these jobs.
        """
        ...

    def close(self) -> None:
        """Let go of the workers."""
        ...


class InlineExecutor:
    """Works in this process, one job after the other."""

    dashboard: str | None = None
    lost: ClusterError | None = None

    def __init__(self, section: ExecutorSection) -> None:
        prepare_process(section.threads)

    def map(
        self,
        function: Callable[[Job], Outcome],
        jobs: Sequence[Job],
        stage: str = "",  # noqa: ARG002 - there is one worker
    ) -> Generator[tuple[Job, Outcome | Exception], None, None]:
        """Run the jobs in order."""
        for job in jobs:
            try:
                yield job, function(job)
            except Exception as error:  # noqa: BLE001 - handed to the caller in place of the outcome
                yield job, error

    def close(self) -> None:
        """Nothing to let go of."""


def open_executor(section: ExecutorSection, surroundings: Surroundings | None = None) -> Executor:
    """Executor that a config asks for.

    Parameters
    ----------
    section
        Who is to do the work.
    surroundings
        What workers of a cluster given by address must find; None = not checked.

    Raises
    ------
    ConfigError
        No scheduler answers at the address given, or its workers cannot take part.
    """
    return InlineExecutor(section) if section.kind == "inline" else DaskExecutor(section, surroundings)
