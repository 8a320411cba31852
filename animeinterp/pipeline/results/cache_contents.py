"""Contents of a cache: every stage and fingerprint, its description, size and last use.

Nothing is written here, and only the manifests of shards are read; what cannot be read is reported.
"""

from __future__ import annotations

import os
import re
from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from pydantic import ValidationError

from animeinterp.configs.errors import CacheError
from animeinterp.configs.sections import Config
from animeinterp.pipeline.compute.registry import STAGES, needed_for
from animeinterp.pipeline.planning.describe_stages import describe_stages
from animeinterp.pipeline.planning.precision import decide_precision
from animeinterp.pipeline.planning.selection import unknown_stage
from animeinterp.pipeline.store.acceptances import read_acceptances
from animeinterp.pipeline.store.commits import is_abandoned, modified, unfinished_in
from animeinterp.pipeline.store.fingerprints import DIGEST_LENGTH
from animeinterp.pipeline.store.run_records import INFO_NAME, RunInfo, is_alive, read_runs
from animeinterp.pipeline.store.shard_manifest import (
    MANIFEST_NAME,
    ItemStatus,
    ShardManifest,
    foreign_to,
    read_damage,
    read_manifest,
)
from animeinterp.pipeline.store.stage_descriptions import (
    DESCRIPTION_NAME,
    StageDescription,
    description_trouble,
    read_description,
)

CLIPS_FOLDER = "clips"  # frames of videos
BLOCK = 512  # bytes, the unit of `st_blocks`

Key = tuple[str, str]  # stage, fingerprint


@dataclass(frozen=True, slots=True)
class ShardFolder:
    """A shard as described by its manifest."""

    path: Path
    manifest: ShardManifest | None
    """None if it is missing or damaged, or if the shard belongs to another fingerprint."""
    committed: float
    """When its manifest was written, seconds since the epoch; 0 where there is none."""


@dataclass(frozen=True, slots=True)
class Contents:
    """Everything under one fingerprint of a stage."""

    stage: str
    fingerprint: str
    path: Path
    description: StageDescription | None
    trouble: str
    """Why there is no description; empty when there is one."""
    items: Mapping[ItemStatus, int]
    """Items by status, each once; of duplicates the latest counts."""
    damaged: int
    """Items recorded as damaged."""
    shards: int
    unreadable: int
    """Shards without a readable manifest."""
    size: int
    """Bytes that its files occupy."""
    made: float
    """Seconds since the epoch."""
    written: float
    """When its newest shard was committed, seconds since the epoch; `made` where there is none."""

    @property
    def key(self) -> Key:
        """Stage and fingerprint."""
        return self.stage, self.fingerprint


@dataclass
class Users:
    """Past and present users of a cache's fingerprints."""

    last: dict[Key, float] = field(default_factory=dict)
    """Last use of each by a run, seconds since the epoch."""
    live: dict[Key, str] = field(default_factory=dict)
    """Those in use now, each with the process that uses it."""


def fingerprint_folders(cache: Path, stage: str | None = None) -> Iterator[Path]:
    """Folder of each fingerprint, in the order of the stages and by name."""
    for name in STAGES:
        if stage in (None, name):
            yield from sorted(
                path
                for path in (cache / name).glob("*")
                if re.fullmatch(rf"[0-9a-f]{{{DIGEST_LENGTH}}}", path.name) and path.is_dir()
            )


def shard_folders(folder: Path) -> list[ShardFolder]:
    """Shards under a fingerprint, the latest first, as `StageIndex` takes them."""
    found = []
    for path in sorted(folder.glob("*.zarr")):
        manifest = read_manifest(path)
        if manifest is not None and foreign_to(path, manifest):
            manifest = None
        found.append(ShardFolder(path, manifest, modified(path / MANIFEST_NAME)))
    return sorted(found, key=lambda shard: (-shard.committed, shard.path.name))


def contents_of(folder: Path) -> Contents:
    """Look at one fingerprint's folder."""
    trouble = description_trouble(folder)
    shards = shard_folders(folder)
    items: dict[str, ItemStatus] = {}
    damaged: set[str] = set()
    for shard in shards:
        notes = read_damage(shard.path)
        for record in shard.manifest.items if shard.manifest is not None else ():
            if record.id in notes:
                damaged.add(record.id)
            else:
                items.setdefault(record.id, record.status)
    made = modified(folder / DESCRIPTION_NAME) or modified(folder)
    return Contents(
        folder.parent.name,
        folder.name,
        folder,
        None if trouble else read_description(folder),
        trouble,
        Counter(items.values()),
        len(damaged - items.keys()),
        len(shards),
        sum(shard.manifest is None for shard in shards),
        occupied(folder),
        min([made, *(shard.committed for shard in shards if shard.committed)]),
        max([made, *(shard.committed for shard in shards)]),
    )


def current_keys(config: Config, cache: Path) -> set[Key]:
    """Fingerprints that runs of a config use in a cache, including accepted ones.

    Raises
    ------
    WeightsError
        A weights file is missing, or contradicts the settings.
    CacheError
        The cache's record of its precision is damaged.
    """
    config = config.model_copy(update={"store": config.store.model_copy(update={"cache": cache})})
    config = decide_precision(config, record=False)
    described = describe_stages(config, "evaluation", read_acceptances(cache, STAGES).resolve)
    return {(stage, described[stage].fingerprint) for stage in needed_for("evaluation", config)}


def read_users(cache: Path, since: float = 0.0) -> Users:
    """Read the records of runs, and find active writers.

    Parameters
    ----------
    cache
        Its folder.
    since
        Runs that ended before, in seconds since the epoch, are left out.
    """
    users = Users()
    for folder, info in read_runs(cache):
        # A run that died has no end; its record was last touched while it was alive.
        ended = _seconds(info.ended) or modified(folder / INFO_NAME)
        for stage in _stages_needed(info) if ended > since else ():
            key = (stage, info.fingerprints.get(stage, ""))
            users.last[key] = max(users.last.get(key, 0.0), ended)
        if is_alive(info, folder):
            who = f"run {info.id} (process {info.process} on {info.host})"
            users.live.update(dict.fromkeys(info.fingerprints.items(), who))
    for folder in fingerprint_folders(cache):
        for unfinished in unfinished_in(folder):
            if not left_over(unfinished):
                # Of a process without a record; it may read whatever its results rest on.
                used = upstream_of(cache, [(folder.parent.name, folder.name)])
                users.live.update(dict.fromkeys(used - users.live.keys(), f"the writer of {unfinished.name}"))
    return users


def left_over(unfinished: Path) -> bool:
    """Whether the writer of an unfinished folder has died."""
    try:
        return is_abandoned(unfinished)
    except OSError:
        return False  # gone meanwhile


def _stages_needed(info: RunInfo) -> Collection[str]:
    """Stages that a run's results depend on; all if its settings are no longer valid."""
    try:
        return needed_for(info.selection["last"], Config.model_validate(info.config))
    except (ValidationError, KeyError):
        return info.fingerprints.keys()


def upstream_of(cache: Path, keys: Iterable[Key]) -> set[Key]:
    """Fingerprints, and all those they are recorded to read, directly or indirectly."""
    found: set[Key] = set()
    waiting = list(keys)
    while waiting:
        stage, fingerprint = waiting.pop()
        if (stage, fingerprint) in found:
            continue
        found.add((stage, fingerprint))
        described = read_description(cache / stage / fingerprint)
        if described is not None:
            waiting.extend(described.reads.items())
    return found


def last_use(contents: Contents, users: Users) -> float:
    """Last use of results: by a recorded run, or else when the newest was written."""
    return max(contents.written, users.last.get(contents.key, 0.0))


def occupied(folder: Path) -> int:
    """Bytes that the files of a folder occupy on disk."""
    size = 0
    for directory, _, files in os.walk(folder):
        for name in files:
            try:
                size += Path(directory, name).lstat().st_blocks * BLOCK
            except OSError:
                continue  # gone meanwhile
    return size


def check_cache(cache: Path, stages: Collection[str] = ()) -> None:
    """Make sure that the folder is a cache.

    Raises
    ------
    CacheError, ConfigError
        The folder is absent, or a stage is unknown.
    """
    if not cache.is_dir():
        raise CacheError(
            f"{cache}: not a cache; name its folder with --cache, or a config with this store.cache"
        )
    for stage in stages:
        if stage not in STAGES:
            raise unknown_stage(stage)


def _seconds(moment: str) -> float:
    try:
        return datetime.fromisoformat(moment).astimezone(UTC).timestamp() if moment else 0.0
    except ValueError:
        return 0.0
