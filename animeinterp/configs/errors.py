"""The errors a user can meet; each message names what was found, what was expected and what to do."""

from __future__ import annotations

from collections.abc import Sequence
from difflib import get_close_matches

from animeinterp.configs.names import shown_lines

SUGGESTIONS = 3  # similar names in a message


class MovedPathWarning(UserWarning):
    """A relative path of a config file was another path before version 0.2."""


class AnimeInterpError(Exception):
    """Base of every error that is the input's or the environment's fault, not the program's.

    Its message can be printed and kept, whatever characters the names in it have.
    """

    def __str__(self) -> str:
        return shown_lines(super().__str__())


class ConfigError(AnimeInterpError):
    """A setting is unknown, of the wrong type, out of range, or contradicts another one."""


class DataError(AnimeInterpError):
    """A frame, folder or annotation is missing, unreadable or does not match its layout."""


class WeightsError(AnimeInterpError):
    """A weights file is missing, is not a weights file, or does not fit the network."""


class CacheError(AnimeInterpError):
    """The cache cannot be written, lacks a requested result, or holds damaged data."""


class TrainingError(AnimeInterpError):
    """Training cannot continue: its losses or weights have become NaN or infinite."""


class ClusterError(AnimeInterpError):
    """The Dask cluster of a run was lost, or has no worker that can do the work."""


def similar(name: str, known: Sequence[str]) -> str:
    """Known names similar to an unknown one; without any, the first known names."""
    return ", ".join(get_close_matches(name, known, SUGGESTIONS, 0.4) or known[:SUGGESTIONS])
