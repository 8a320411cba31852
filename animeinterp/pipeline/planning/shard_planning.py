"""The remaining work of a shard, as a job for a worker."""

from __future__ import annotations

from animeinterp.configs.errors import CacheError
from animeinterp.configs.sections import Config
from animeinterp.pipeline.compute.networks import weights_paths
from animeinterp.pipeline.compute.registry import STAGES
from animeinterp.pipeline.compute.shard_jobs import ItemJob, ShardJob
from animeinterp.pipeline.planning.item_inputs import ItemInputs
from animeinterp.pipeline.planning.session import Session
from animeinterp.pipeline.store.shard_manifest import ShardManifest


def shard_job(session: Session, stage: str, group: int) -> ShardJob:
    """Make a job of the remaining work of a shard and of its current items.

    Raises
    ------
    CacheError
        An earlier stage has not done its part.
    """
    path = session.shard_path(stage, group)
    todo = set(session.to_compute(stage, group))
    present = session.current.index(stage).shard(path)
    items: list[ItemJob] = []
    for item in session.layout.items(stage, group):
        need, location = session.current.inputs_of(stage, item), session.current.locate(stage, item)
        if item in todo:
            items.append(_item_job(session, stage, item, need, present))
        elif need is not None and location is not None and location.path == path:
            # The source is needed in case the kept item turns out to be damaged.
            record = location.record
            items.append(ItemJob(record.id, need.input, need.inputs, need.source, kept=record))
    name, config = session.layout.groups[group].name, _worker_config(session.config)
    fingerprint = session.fingerprints[stage]
    return ShardJob(stage, fingerprint, name, path, tuple(items), config, present is not None)


def _item_job(
    session: Session, stage: str, item: int, need: ItemInputs | None, present: ShardManifest | None
) -> ItemJob:
    name = session.layout.item_id(stage, item)
    if need is None:
        missing = " and ".join(session.current.missing_stages(stage, item))
        raise CacheError(
            f"{stage} of {name!r} needs {missing}, which is not in the cache; "
            "run without --from and --only, or run those stages first"
        )
    row = None if present is None else present.row(name)
    former = None if present is None or row is None else present.items[row]
    return ItemJob(name, need.input, need.inputs, need.source, need.status, need.reason, former=former)


def _worker_config(config: Config) -> Config:
    """The config with absolute paths of weights."""
    update = {}
    for stage in STAGES:
        paths = {name: path.absolute() for name, path in weights_paths(stage, config).items()}
        if paths:
            update[stage] = getattr(config, stage).model_copy(update=paths)
    return config.model_copy(update=update)
