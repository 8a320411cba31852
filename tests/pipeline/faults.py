"""Runs in processes of their own that can be killed, at a named moment of a commit or at any other."""

from __future__ import annotations

import errno
import itertools
import os
import signal
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import Any, Protocol

import pytest
from rich.console import Console

from animeinterp.configs.errors import AnimeInterpError
from animeinterp.pipeline.planning.selection import Selection
from animeinterp.pipeline.running.execute import execute
from animeinterp.pipeline.store import commits as folder_commits
from animeinterp.pipeline.store import shards
from tests.pipeline.forking import context
from tests.project import PATIENCE

KILLS = (5, pytest.param(50, marks=(pytest.mark.slow, pytest.mark.timeout(1200))))
"""How often tests kill at random: each few, and many when asked for slow ones."""
MOMENTS = ("before write", "after data", "after manifest", "before rename", "put aside", "after rename")


class Injection(Protocol):
    """Something that is to happen in a process of its own."""

    def inject(self) -> None:
        """Prepare it in this process."""
        ...


class Fault:
    """What happens at the Nth coming of a moment: `kill` the process, or from then on the disk is `full`.

    With a file `doom` it happens while there is that file, and to the process that deletes it alone.
    """

    def __init__(self, moment: str, number: int, kind: str, doom: Path | None = None) -> None:
        self.moment, self.number, self.kind, self.doom = moment, number, kind, doom

    def inject(self) -> None:
        """Let it happen in this process."""
        counter = itertools.count(1)

        def fault() -> None:
            count = next(counter)
            if self.doom is not None and not _taken(self.doom):
                return
            if self.kind == "kill" and count >= self.number:
                os.kill(os.getpid(), signal.SIGKILL)
            if self.kind == "full" and count >= self.number:
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

        if self.moment == "put aside":
            _after(fault, folder_commits.Path, "rename", lambda path, target: "-replaced-" in str(target))
            return
        name, early = {
            "before write": ("unfinished_folder", True),
            "after data": ("write_manifest", True),
            "after manifest": ("write_manifest", False),
            "before rename": ("commit_folder", True),
            "after rename": ("commit_folder", False),
        }[self.moment]
        (_before if early else _after)(fault, shards, name)


def _taken(doom: Path) -> bool:
    """Whether this process is the one to die: a file can be deleted once."""
    try:
        doom.unlink()
    except FileNotFoundError:
        return False
    return True


def _before(fault: Callable[[], None], owner: Any, name: str) -> None:
    real = getattr(owner, name)

    def faulty(*arguments: Any, **options: Any) -> Any:
        fault()
        return real(*arguments, **options)

    setattr(owner, name, faulty)


def _after(
    fault: Callable[[], None], owner: Any, name: str, concerns: Callable[..., bool] = lambda *_: True
) -> None:
    real = getattr(owner, name)

    def faulty(*arguments: Any, **options: Any) -> Any:
        result = real(*arguments, **options)
        if concerns(*arguments):
            fault()
        return result

    setattr(owner, name, faulty)


@contextmanager
def running(
    settings: Sequence[str], selection: Selection | None = None, fault: Injection | None = None
) -> Iterator[BaseProcess]:
    """A run in a process of its own; exit code 0 = succeeded, 1 = items failed, 2 = refused."""
    process = context.Process(target=_run, args=(list(settings), selection or Selection(), fault))
    process.start()
    try:
        yield process
    finally:
        process.kill()
        process.join()


def run_to_the_end(
    settings: Sequence[str], selection: Selection | None = None, fault: Injection | None = None
) -> int | None:
    """Exit code of a run in a process of its own; negative = the signal that killed it."""
    with running(settings, selection, fault) as process:
        process.join(PATIENCE)
        return process.exitcode


def _run(settings: list[str], selection: Selection, fault: Injection | None) -> None:
    if fault is not None:
        fault.inject()
    try:
        report = execute("demo", settings, selection, Console(quiet=True))
    except AnimeInterpError:
        os._exit(2)
    os._exit(0 if report.succeeded else 1)
