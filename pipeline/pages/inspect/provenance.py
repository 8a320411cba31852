"""How a pair's results came to be: settings, fingerprints, times and versions of each stage."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

from pipeline.compute.registry import STAGES, binding_of
from pipeline.planning.session import Session
from pipeline.results.pair_results import Found, PairResults
from pipeline.store.fingerprints import flat_settings, resolved_section
from pipeline.store.shard_manifest import MANIFEST_NAME


def stage_record(view: PairResults, stage: str) -> dict[str, Any]:
    """What is known of a stage's results: of both frames, or of the pair."""
    session = view.session
    numbers = (0, 1) if STAGES[stage].unit == "frame" else (0,)
    return {
        "stage": stage,
        "fingerprint": session.fingerprints[stage],
        "folder": str(session.folder(stage)),
        "version": binding_of(stage, session.config).version,
        "settings": flat_settings(resolved_section(stage, session.config)),
        "weights": _description(session, stage).get("weights"),
        "items": [_item(view.found(stage, number)) for number in numbers],
    }


def _description(session: Session, stage: str) -> dict[str, Any]:
    """The fingerprint's `stage.json`, empty where there is none that can be read."""
    try:
        content = json.loads((session.folder(stage) / "stage.json").read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return content if isinstance(content, dict) else {}


def _item(found: Found) -> dict[str, Any]:
    if found.location is None:
        return {"state": found.state, "note": found.note}
    record, manifest = found.location.record, found.location.manifest
    return {
        "state": found.state,
        "note": found.note,
        "id": record.id,
        "seconds": round(record.seconds, 3),
        "shard": manifest.shard,
        "shardItems": len(manifest.items),
        "shardSeconds": round(manifest.seconds, 3),
        "peakMemory": manifest.peak_memory,
        "committed": _committed(found),
        "versions": manifest.versions,
    }


def _committed(found: Found) -> str | None:
    """When the shard was written, UTC."""
    if found.location is None:
        return None
    try:
        when = (found.location.path / MANIFEST_NAME).stat().st_mtime
    except OSError:
        return None
    return datetime.fromtimestamp(when, UTC).strftime("%Y-%m-%d %H:%M:%S UTC")
