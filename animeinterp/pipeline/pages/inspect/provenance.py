"""Provenance of a pair's results: settings, fingerprints, times and versions of each stage."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from animeinterp.pipeline.compute.registry import STAGES, binding_of
from animeinterp.pipeline.results.pair_results import Found, PairResults
from animeinterp.pipeline.store.commits import modified
from animeinterp.pipeline.store.fingerprints import flat_settings, resolved_section
from animeinterp.pipeline.store.shard_manifest import MANIFEST_NAME
from animeinterp.pipeline.store.stage_descriptions import read_description


def stage_record(view: PairResults, stage: str) -> dict[str, Any]:
    """The provenance of a stage's results, for both frames or for the pair."""
    session = view.session
    numbers = (0, 1) if STAGES[stage].unit == "frame" else (0,)
    described = read_description(session.folder(stage))
    return {
        "stage": stage,
        "fingerprint": session.fingerprints[stage],
        "folder": str(session.folder(stage)),
        "version": binding_of(stage, session.config).version,
        "settings": flat_settings(resolved_section(stage, session.config)),
        "weights": described.weights if described else None,
        "items": [_item(view.found(stage, number)) for number in numbers],
    }


def _item(found: Found) -> dict[str, Any]:
    if found.location is None:
        return {"state": found.state, "note": found.note}
    record, manifest = found.location.record, found.location.manifest
    written = modified(found.location.path / MANIFEST_NAME)
    return {
        "state": found.state,
        "note": found.note,
        "id": record.id,
        "seconds": round(record.seconds, 3),
        "shard": manifest.shard,
        "shardItems": len(manifest.items),
        "shardSeconds": round(manifest.seconds, 3),
        "peakMemory": manifest.peak_memory,
        "committed": f"{datetime.fromtimestamp(written, UTC):%Y-%m-%d %H:%M:%S UTC}" if written else None,
        "versions": manifest.versions,
    }
