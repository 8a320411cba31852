"""Deletion from a cache.

Nothing that a given config or an active process uses is deleted. This is checked twice for each deletion:
before its folder is renamed, which hides it from all readers at once, and after. If a run has begun in
between, the folder is restored; a run that begins later does not find it and computes its items. Runs are
recorded before they read the cache. Luigi's own command reads it before there is a run: what is deleted in
between is missing to it, and it plans again, as when any other process changes the cache.
"""

from __future__ import annotations

import shutil
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Literal

from animeinterp.pipeline.results.cache_contents import (
    Key,
    Users,
    contents_of,
    fingerprint_folders,
    last_use,
    left_over,
    occupied,
    read_users,
    shard_folders,
)
from animeinterp.pipeline.store.commits import REPLACED, delete, modified, unfinished_folder, unfinished_in
from animeinterp.pipeline.store.run_records import INFO_NAME, is_alive, read_runs
from animeinterp.pipeline.store.shard_manifest import ItemRecord, changed_files, read_damage

DAY = 86400.0  # seconds

Kind = Literal["results", "superseded", "left over", "run"]


@dataclass(frozen=True, slots=True)
class Scope:
    """What may be deleted: kinds of things, and limits. Limits alone apply to unused results."""

    unused: bool = False
    """Unused results."""
    superseded: bool = False
    """Shards whose items are all in later shards of the same fingerprint."""
    left_over: bool = False
    """Leftover files of dead writers."""
    runs_older_than: float | None = None
    """Records of runs that ended at least so many days ago; the other limits do not apply to them."""
    stage: str | None = None
    fingerprint: str | None = None
    """Its first digits."""
    older_than: float | None = None
    """Days since the last use."""

    @property
    def results(self) -> bool:
        """Whether unused results are included."""
        other = self.superseded or self.left_over or self.runs_older_than is not None
        limits = (self.stage, self.fingerprint, self.older_than)
        return self.unused or (not other and any(limit is not None for limit in limits))

    @property
    def empty(self) -> bool:
        """Whether nothing is included."""
        return self == Scope()

    def names(self, key: Key) -> bool:
        """Whether stage and fingerprint are within the limits."""
        return self.stage in (None, key[0]) and key[1].startswith(self.fingerprint or "")

    def is_old_enough(self, used: float) -> bool:
        """Whether the last use is long enough ago."""
        return self.older_than is None or time.time() - used > self.older_than * DAY


@dataclass(frozen=True, slots=True)
class Candidate:
    """A folder that may be deleted."""

    kind: Kind
    path: Path
    key: Key
    """Stage and fingerprint that it belongs to; empty for a run."""
    items: int
    size: int
    """Bytes that it occupies."""
    used: float
    """Last use, seconds since the epoch."""
    why: str


@dataclass
class GcPlan:
    """What may be deleted, and what is in the scope but in use."""

    candidates: list[Candidate] = field(default_factory=list)
    spared: dict[Key, str] = field(default_factory=dict)
    """Results that are kept, with their users."""

    @property
    def size(self) -> int:
        """Bytes that the candidates occupy."""
        return sum(candidate.size for candidate in self.candidates)


def plan_gc(cache: Path, keep: Mapping[Key, str], scope: Scope) -> GcPlan:
    """Find what may be deleted; nothing is changed.

    Parameters
    ----------
    cache
        Its folder.
    keep
        Results to keep, with their users.
    scope
        What may be deleted.
    """
    plan, users = GcPlan(), read_users(cache)
    folders = [folder for folder in fingerprint_folders(cache) if scope.names(_key(folder))]
    found: list[Candidate] = []
    if scope.results:
        found.extend(_unused(folders, keep, users, plan))
    going = {candidate.path for candidate in found}
    if scope.superseded:
        for folder in folders:
            if folder not in going and _key(folder) not in users.live:
                found.extend(_superseded(folder))
    if scope.left_over:
        found.extend(_left_over(folders))
    plan.candidates = [candidate for candidate in found if scope.is_old_enough(candidate.used)]
    if scope.runs_older_than is not None:
        plan.candidates.extend(_old_runs(cache, scope.runs_older_than))
    return plan


def remove(cache: Path, candidate: Candidate) -> str:
    """Delete a candidate, unless it is in use by now.

    Returns
    -------
    str
        Why it was kept; empty if it was deleted.

    Raises
    ------
    OSError
        It cannot be deleted.
    """
    path = candidate.path
    if not path.exists():
        return "another process has deleted it"
    if candidate.kind == "run":
        (path / INFO_NAME).unlink(missing_ok=True)  # without it there is no run to be seen
        shutil.rmtree(path)
        return ""
    if candidate.kind == "left over":
        if not left_over(path):
            return "its writer is active"
        delete(path)
        return ""
    in_use = _user_of(cache, candidate, path)
    if in_use:
        return in_use
    if candidate.kind == "superseded" and path not in {found.path for found in _superseded(path.parent)}:
        return "no other shard holds its items any more"
    # Beside the fingerprints, not among the shards of one, where it would look like a writer's folder.
    aside = unfinished_folder(cache / candidate.key[0] / candidate.key[1])
    path.rename(aside)
    in_use = _user_of(cache, candidate, aside)
    if in_use:
        _put_back(aside, path)
        return in_use
    shutil.rmtree(aside)
    return ""


def _unused(
    folders: Sequence[Path], keep: Mapping[Key, str], users: Users, plan: GcPlan
) -> Iterator[Candidate]:
    for folder in folders:
        key = _key(folder)
        if key in keep or key in users.live:
            plan.spared[key] = keep.get(key) or users.live[key]
            continue
        contents = contents_of(folder)
        items, used = sum(contents.items.values()), last_use(contents, users)
        yield Candidate("results", folder, key, items, contents.size, used, "unused")


def _superseded(folder: Path) -> Iterator[Candidate]:
    """Shards of a fingerprint from which no run would read anything."""
    held: set[tuple[str, str, bool]] = set()
    for shard in shard_folders(folder):
        if shard.manifest is None:
            continue
        if all(_entry(record) in held for record in shard.manifest.items):
            yield Candidate(
                "superseded",
                shard.path,
                _key(folder),
                len(shard.manifest.items),
                occupied(shard.path),
                shard.committed,
                "its items are in later shards",
            )
        elif not changed_files(shard.path, shard.manifest, contents=False):
            damaged = read_damage(shard.path)
            held.update(_entry(record) for record in shard.manifest.items if record.id not in damaged)


def _entry(record: ItemRecord) -> tuple[str, str, bool]:
    return record.id, record.input, record.status == "ok"


def _left_over(folders: Sequence[Path]) -> Iterator[Candidate]:
    for folder in [*folders, *dict.fromkeys(folder.parent for folder in folders)]:
        key = _key(folder) if folder in folders else (folder.name, "")
        for path in unfinished_in(folder):
            original = path.name.partition(REPLACED)[2]
            if original and not (folder / original).exists():
                continue  # the only copy of a shard: the next reader restores it
            if left_over(path):
                yield Candidate("left over", path, key, 0, occupied(path), modified(path), "its writer died")


def _old_runs(cache: Path, days: float) -> Iterator[Candidate]:
    for folder, info in read_runs(cache):
        last = modified(folder / INFO_NAME)
        with suppress(ValueError):
            last = datetime.fromisoformat(info.ended or info.started).timestamp()
        if not is_alive(info, folder) and time.time() - last > days * DAY:
            yield Candidate("run", folder, ("", ""), 0, occupied(folder), last, "old record")


def _user_of(cache: Path, candidate: Candidate, where: Path) -> str:
    """Who uses a candidate, or has used it since the plan was made; empty if nobody."""
    users = read_users(cache, since=candidate.used)
    if candidate.key in users.live:
        return f"{users.live[candidate.key]} uses it"
    if users.last.get(candidate.key, 0.0) > candidate.used and candidate.kind == "results":
        return "a run has used it since"
    if any(not left_over(path) for path in unfinished_in(where)):
        return "a process is writing there"
    return ""


def _put_back(aside: Path, path: Path) -> None:
    """Undo a rename; if the folder exists again, move back what it lacks."""
    with suppress(OSError):
        aside.rename(path)
        return
    for child in list(aside.iterdir()):
        with suppress(OSError):  # there is a newer one
            child.rename(path / child.name)
    shutil.rmtree(aside, ignore_errors=True)


def _key(folder: Path) -> Key:
    return folder.parent.name, folder.name
