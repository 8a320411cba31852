"""Importing what a command needs when it is called, so that `--help` comes at once."""

from __future__ import annotations

import gc
from importlib import import_module
from typing import Any


class CannotStartError(Exception):
    """Something that a command needs cannot be imported, such as a library with settings that it rejects."""


def imported(module: str, name: str) -> Any:
    """Something of a module, which is imported now.

    Raises
    ------
    CannotStartError
        The module, or a library that it uses, cannot be imported.
    """
    try:
        found = import_module(module)
    except Exception as error:
        raise CannotStartError(f"{type(error).__name__}: {error}".rstrip()) from error
    # The million objects of the libraries are never freed, so the collector need not traverse them.
    gc.freeze()
    return getattr(found, name)
