"""Executors compute shards in this process, in local processes, or on a Dask cluster."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Generator, Sequence
from functools import partial
from typing import Protocol, TypeVar

from pydantic import TypeAdapter

from animeinterp.configs.errors import ClusterError
from animeinterp.configs.sections import ExecutorSection
from animeinterp.models.precision import Precision, native_precision
from animeinterp.pipeline.running.dask_cluster import DaskExecutor, ask_cluster
from animeinterp.pipeline.running.worker_checks import Surroundings

Job = TypeVar("Job")
Outcome = TypeVar("Outcome")


class Executor(Protocol):
    """Runs jobs and yields their outcomes in the order they finish."""

    @property
    def dashboard(self) -> str | None:
        """Address of a page that shows the workers, if there is one."""
        ...

    @property
    def lost(self) -> ClusterError | None:
        """Why no worker is left; None while there are workers."""
        ...

    def map(
        self, function: Callable[[Job], Outcome], jobs: Sequence[Job], stage: str = ""
    ) -> Generator[tuple[Job, Outcome | Exception], None, None]:
        """Run `function` on each job; if it fails, the outcome is the exception.

        Parameters
        ----------
        function
            What to run; of a module that workers can import.
        jobs
            What to run it on.
        stage
            Stage that the jobs belong to, if any; it may need particular workers.

        Raises
        ------
        ClusterError
            The cluster was lost, or has no worker for these jobs.
        """
        ...

    def close(self) -> None:
        """Stop or release the workers."""
        ...


class InlineExecutor:
    """Runs jobs in this process, one after the other."""

    dashboard: str | None = None
    lost: ClusterError | None = None

    def __init__(self, section: ExecutorSection) -> None:
        from animeinterp.pipeline.compute.warm_up import prepare_process  # late: imports all stages

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
        """Nothing to stop."""


def precision_of_workers(section: ExecutorSection) -> Callable[[str], Precision]:
    """A function that returns the precision in which all workers compute fast on a device."""
    if section.kind == "inline" or (section.kind == "local" and "torch" in sys.modules):
        return native_precision
    return ask_process if section.kind == "local" else partial(ask_cluster, section.kind)


def ask_process(device: str) -> Precision:
    """The answer of a process such as the workers of this machine are; this one then needs no Torch."""
    name = native_precision.__name__
    question = f"from {native_precision.__module__} import {name}; print({name}({device!r}))"
    asked = subprocess.run(
        [sys.executable, "-c", question],
        env=os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)},
        capture_output=True,
        text=True,
        check=False,
    )
    if asked.returncode:  # what is wrong shows here, too
        return native_precision(device)
    return TypeAdapter[Precision](Precision).validate_python(asked.stdout.strip())


def open_executor(section: ExecutorSection, surroundings: Surroundings | None = None) -> Executor:
    """The executor of a config.

    Parameters
    ----------
    section
        The executor's settings.
    surroundings
        What workers of a cluster must find; None = not checked.

    Raises
    ------
    ConfigError
        No scheduler answers at the address given, or its workers cannot take part.
    """
    return InlineExecutor(section) if section.kind == "inline" else DaskExecutor(section, surroundings)
