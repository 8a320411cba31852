"""What commands print with --json: plain objects, whose keys docs/json.md describes."""

from __future__ import annotations

import json
import math
import sys
from collections.abc import Mapping, Sequence, Set
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any

import typer

from animeinterp.configs.sections import MethodSection
from animeinterp.pipeline.cli.terminal import OUTPUT
from animeinterp.pipeline.compute.networks import weights_paths
from animeinterp.pipeline.compute.registry import needed_for
from animeinterp.pipeline.planning.explanation import ItemExplanation, StageExplanation
from animeinterp.pipeline.planning.session import Session
from animeinterp.pipeline.results.past_runs import PastRun

Json = Annotated[
    bool, typer.Option("--json", help="Print one JSON object, for programs.", rich_help_panel=OUTPUT)
]


def print_json(content: Mapping[str, Any]) -> None:
    """Print an object as JSON; unknown numbers are null, infinite ones the text `inf` or `-inf`."""
    sys.stdout.write(json.dumps(_plain(content), ensure_ascii=True, allow_nan=False) + "\n")


def _plain(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {str(key): _plain(inner) for key, inner in value.items()}
    if isinstance(value, Sequence | Set) and not isinstance(value, str):
        return [_plain(inner) for inner in value]
    if isinstance(value, float) and not math.isfinite(value):
        return None if math.isnan(value) else str(value)
    if isinstance(value, Path):
        return str(value)
    return value


def moment(seconds: float) -> str | None:
    """A time as ISO 8601, UTC; None for 0."""
    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="milliseconds") if seconds else None


def session_content(session: Session) -> dict[str, Any]:
    """Cache, dataset, methods and weights of a session."""
    methods: dict[str, Any] = {}
    for stage in needed_for(session.selection.last, session.config):
        section = getattr(session.config, stage)
        methods[stage] = {
            "method": section.chosen_method if isinstance(section, MethodSection) else None,
            "weights": list(weights_paths(stage, session.config).values()),
            "fingerprint": session.fingerprints[stage],
        }
    return {
        "cache": session.config.store.cache.absolute(),
        "data": session.manifest.root,
        "notes": session.manifest.notes,
        "methods": methods,
    }


def failures_content(session: Session) -> list[dict[str, str]]:
    """Failed items."""
    return [
        {"stage": stage, "item": record.id, "reason": record.reason} for stage, record in session.failures()
    ]


def run_content(run: PastRun) -> dict[str, Any]:
    """A run, active or ended."""
    info = run.info
    return {
        "id": info.id,
        "state": run.state,
        "started": info.started,
        "ended": info.ended or None,
        "seconds": run.duration.total_seconds(),
        "exit_code": info.exit_code,
        "host": info.host,
        "process": info.process,
        "command": run.command,
        "folder": run.folder,
        "stages": {
            stage: {
                "planned": found.total,
                "computed": found.computed,
                "failed": found.failed,
                "skipped": found.skipped,
                "work_seconds": found.seconds,
                "bytes": found.size,
                "peak_memory": found.peak_memory,
            }
            for stage, found in run.stages.items()
        },
    }


def stage_content(found: StageExplanation) -> dict[str, Any]:
    """Why a stage would run, or why not."""
    return {
        "stage": found.stage,
        "items": found.items,
        "to_compute": found.to_compute,
        "accepted": None if found.accepted is None else str(found.accepted),
        "verdicts": [
            {
                "kind": counted.verdict.kind,
                "text": counted.verdict.text,
                "origin": counted.verdict.origin,
                "count": counted.count,
                "examples": [{"item": item, "detail": detail} for item, detail in counted.examples],
            }
            for counted in found.verdicts
        ],
    }


def item_content(found: ItemExplanation) -> dict[str, Any]:
    """Why an item would be computed, or why not, and what the cache holds of it."""
    kept = found.kept
    return {
        "stage": found.stage,
        "item": found.item,
        "kind": found.verdict.kind,
        "text": found.verdict.text,
        "detail": found.verdict.detail,
        "kept": None
        if kept is None
        else {
            "status": kept.record.status,
            "reason": kept.record.reason,
            "seconds": kept.record.seconds,
            "committed": None if kept.committed is None else moment(kept.committed.timestamp()),
            "shard": kept.shard,
            "output": dict(kept.record.output),
        },
    }
