"""Processes that begin with the libraries loaded.

A server that has loaded them already, and the stages' compiled code, forks each process: in milliseconds
instead of seconds.
"""

from __future__ import annotations

import multiprocessing
import os
import sys
from collections.abc import Sequence
from multiprocessing.connection import Connection
from subprocess import TimeoutExpired

import dask
from distributed.utils import get_mp_context

from tests.project import PATIENCE

PRELOADED = ["tests.pipeline.preloaded"]
FORKED = {"distributed.worker.multiprocessing-method": "forkserver"}

context = multiprocessing.get_context("forkserver")
context.set_forkserver_preload(PRELOADED)


def fork_workers() -> None:
    """Let Dask fork the workers of this process's local clusters as well."""
    dask.config.set(FORKED)
    get_mp_context()  # has a list of what to load of its own, which is replaced here
    context.set_forkserver_preload(PRELOADED)


class CommandProcess:
    """`animeinterp ...` in a process of its own, with what `subprocess.Popen` offers of it.

    Parameters
    ----------
    words
        The arguments.
    """

    def __init__(self, words: Sequence[str]) -> None:
        self._printed, output = context.Pipe(duplex=False)
        self._process = context.Process(target=_command, args=(list(words), dict(os.environ), output))
        self._process.start()
        output.close()
        self.stdout = os.fdopen(self._printed.fileno(), closefd=False)
        self.pid = self._process.pid

    @property
    def returncode(self) -> int | None:
        """Exit code, or the signal below zero; None while it runs."""
        return self._process.exitcode

    def poll(self) -> int | None:
        """As `returncode`."""
        return self.returncode

    def wait(self, timeout: float = PATIENCE) -> int:
        """Exit code in the end."""
        self._process.join(timeout)
        if self.returncode is None:
            raise TimeoutExpired("animeinterp", timeout)
        return self.returncode

    def communicate(self, timeout: float = PATIENCE) -> tuple[str, None]:
        """What it has printed in the end, errors included."""
        printed = self.stdout.read()
        self.wait(timeout)
        return printed, None

    def kill(self) -> None:
        """Kill it if it still runs."""
        self._process.kill()


def _command(words: list[str], environment: dict[str, str], output: Connection) -> None:
    from animeinterp.pipeline.cli.app import main

    os.environ.clear()
    os.environ.update(environment)
    os.setsid()
    for stream in (1, 2):
        os.dup2(output.fileno(), stream)
    output.close()
    sys.argv = ["animeinterp", *words]
    main()
