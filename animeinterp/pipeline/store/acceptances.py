"""Results kept after a change that a person has declared harmless: `<cache>/<stage>/accepted.json`.

It maps a fingerprint to the one whose results are valid for it. A session applies it before it computes the
fingerprints of later stages, so that these stay unchanged too. An entry names existing results and is not
followed further, so that one acceptance never changes another.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from animeinterp.configs.errors import CacheError
from animeinterp.configs.files import replace_file
from animeinterp.pipeline.store.commits import locked
from animeinterp.pipeline.store.stage_descriptions import DIGITS_SHOWN, read_description

ACCEPTED_NAME = "accepted.json"

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Acceptance:
    """Results of a stage that are valid instead of those it would compute now."""

    stage: str
    fingerprint: str
    """Fingerprint of the stage as it is now."""
    kept: str
    """Fingerprint of the accepted results."""
    changes: tuple[str, ...]
    """The changes declared harmless."""
    time: str
    """ISO 8601, UTC."""

    def __str__(self) -> str:
        return (
            f"{self.stage}: results from {self.kept[:DIGITS_SHOWN]} accepted on {self.time[:10]} in spite of "
            f"{', '.join(self.changes)}"
        )


class Acceptances:
    """The accepted results of a cache.

    Parameters
    ----------
    accepted
        For a stage and fingerprint the last one counts.
    """

    def __init__(self, accepted: Iterable[Acceptance] = ()) -> None:
        self._accepted = {(found.stage, found.fingerprint): found for found in accepted}

    def find(self, stage: str, fingerprint: str) -> Acceptance | None:
        """The acceptance for a stage as it is now."""
        return self._accepted.get((stage, fingerprint))

    def resolve(self, stage: str, fingerprint: str) -> str:
        """Fingerprint under which a stage's results are kept."""
        found = self.find(stage, fingerprint)
        return fingerprint if found is None else found.kept

    def with_change(self, accepted: Acceptance, *, keep: bool) -> Acceptances:
        """A copy with one more or without one; nothing is written."""
        rest = [found for found in self._accepted.values() if found != accepted]
        return Acceptances([*rest, accepted] if keep else rest)


def read_acceptances(cache: Path, stages: Iterable[str]) -> Acceptances:
    """The accepted results of a cache.

    Notes
    -----
    A damaged file is ignored with a warning: results that should be kept are then computed, but no wrong ones
    are kept. An entry counts as long as the results it names exist.
    """
    found: list[Acceptance] = []
    for stage in stages:
        try:
            entries = stage_acceptances(cache, stage)
        except CacheError as error:
            logger.warning("ignored: %s", error)
            continue
        found += [entry for entry in entries if read_description(cache / stage / entry.kept)]
    return Acceptances(found)


def stage_acceptances(cache: Path, stage: str) -> list[Acceptance]:
    """The acceptances of a stage, whether or not the results still exist.

    Raises
    ------
    CacheError
        The file is damaged.
    """
    path = cache / stage / ACCEPTED_NAME
    try:
        return [
            Acceptance(stage, now, str(entry["kept"]), tuple(map(str, entry["changes"])), entry["time"])
            for now, entry in json.loads(path.read_text(encoding="utf-8")).items()
        ]
    except FileNotFoundError:
        return []
    except (ValueError, TypeError, KeyError, AttributeError, OSError) as error:
        raise CacheError(f"{path}: damaged ({error}); repair or delete it") from None


def write_acceptance(cache: Path, accepted: Acceptance, *, keep: bool = True) -> Path:
    """Record that results are kept or no longer kept; return the file.

    Raises
    ------
    CacheError
        The file is damaged or cannot be written.
    """
    path = cache / accepted.stage / ACCEPTED_NAME
    try:
        with locked(path.parent):
            entries = {entry.fingerprint: entry for entry in stage_acceptances(cache, accepted.stage)}
            entries.pop(accepted.fingerprint, None)
            if keep:
                entries[accepted.fingerprint] = accepted
            content = {
                now: {"kept": entry.kept, "changes": entry.changes, "time": entry.time}
                for now, entry in entries.items()
            }
            replace_file(
                path,
                json.dumps(content, indent=1, ensure_ascii=False).encode(errors="backslashreplace"),
                flush=True,
            )
    except OSError as error:
        raise CacheError(f"{path}: cannot be written ({error.strerror or error})") from None
    return path
