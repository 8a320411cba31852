"""What one user may and another may not, so that the same tests run for both.

A test marked `privileged` mounts disks or makes networks. Who may not do so runs it in a user namespace, in
which everyone is root. A test of what is forbidden runs in a thread that has given up the rights of root.
"""

from __future__ import annotations

import ctypes
import os
import shutil
import struct
import subprocess
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from typing import Any, TypeVar

import pytest

Value = TypeVar("Value")

ALONE = ("unshare", "--mount", "--net")
SET_UP = 'mount -t tmpfs none /run && ip link set lo up && exec "$@"'
AS_ROOT = (*ALONE, "--map-root-user", "sh", "-c", SET_UP, "sh")
"""Command around one that is to run as root, with networks and mounted disks of its own."""
CAPABILITY_VERSION = 0x20080522  # _LINUX_CAPABILITY_VERSION_3


@cache
def is_privileged() -> bool:
    """Whether this process may mount disks and make networks."""
    return shutil.which("unshare") is not None and _complaint(ALONE) == ""


class TestAsRoot(pytest.Item):
    """A test that runs in a child process, as root of a user namespace.

    Parameters
    ----------
    test
        The test as it was collected.
    """

    __test__ = False

    def __init__(self, *, test: pytest.Item, **options: Any) -> None:
        super().__init__(**options)
        self.own_markers = test.own_markers
        self.keywords.update(test.keywords)

    def runtest(self) -> None:
        """Skip where it cannot be."""
        for program in ("unshare", "ip"):
            if shutil.which(program) is None:
                pytest.skip(f"needs root, or the program {program} to make a namespace of its own")
        complaint = _complaint(AS_ROOT)
        if complaint:
            pytest.skip(f"needs root, or user namespaces, which are not permitted here ({complaint})")
        options = ("-q", "-rs", "-m", "", "-p", "no:cacheprovider")
        done = subprocess.run(
            [*AS_ROOT, sys.executable, "-m", "pytest", *options, self.nodeid],
            cwd=self.config.rootpath,
            env={name: value for name, value in os.environ.items() if not name.startswith("PYTEST")},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
        )
        if done.returncode:
            pytest.fail(done.stdout, pytrace=False)
        if "1 passed" not in done.stdout:
            pytest.skip(done.stdout)

    def reportinfo(self) -> tuple[os.PathLike[str], None, str]:
        return self.path, None, self.nodeid


def without_privileges(call: Callable[[], Value]) -> Value:
    """Value of a call to which files and folders are closed as their permissions say, even as root."""
    with ThreadPoolExecutor(1, initializer=_give_up_capabilities) as thread:
        return thread.submit(call).result()


def _give_up_capabilities() -> None:
    # capset(2) is for the calling thread alone.
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.capset(struct.pack("=Ii", CAPABILITY_VERSION, 0), bytes(24)):
        raise OSError(ctypes.get_errno(), "capset")


def _complaint(command: tuple[str, ...]) -> str:
    """What a command around another one says when it does not work, otherwise nothing."""
    done = subprocess.run([*command, "true"], capture_output=True, text=True, check=False)
    return done.stderr.strip() or "it failed" if done.returncode else ""
