"""What must hold of a cache after any fault."""

from __future__ import annotations

from pathlib import Path

from animeinterp.configs.loading import load_config
from animeinterp.pipeline.planning.session import Session
from animeinterp.pipeline.store.shard_manifest import read_manifest
from animeinterp.pipeline.store.verification import verify_shard
from tests.pipeline.small_runs import digests, small_settings

Results = dict[str, list[object]]


def settings_for(root: Path, cache: Path) -> list[str]:
    return [*small_settings(root, cache), "store.pairs_per_shard=1"]


def results(settings: list[str]) -> Results:
    return digests(Session.open(load_config("demo", settings), look_only=True))


def put_back(settings: list[str]) -> None:
    """Let a session that may write put back what was put aside."""
    Session.open(load_config("demo", settings))


def check_before_or_after(cache: Path) -> dict[Path, set[str]]:
    """Make sure that no shard is half there; return what each holds."""
    found = {}
    for path in cache.glob("*/*/*.zarr"):
        if path.name.startswith("wip-"):
            continue
        assert verify_shard(path).sound
        manifest = read_manifest(path)
        assert manifest is not None
        found[path] = {record.id for record in manifest.items if record.status == "ok"}
    return found
