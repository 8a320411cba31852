"""Folders of runs, as runs at other times and in other processes leave them."""

from __future__ import annotations

import json
import os
import platform
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import psutil

from animeinterp.pipeline.planning.session import Session
from animeinterp.pipeline.store.run_records import INFO_NAME, LOG_NAME, RUNS_FOLDER, RunInfo, RunState


def make_run(
    session: Session,
    *,
    started: float | None = None,
    ended: float | None = None,
    state: RunState | None = None,
    exit_code: int = 0,
    process: int | None = None,
    events: Sequence[Mapping[str, Any]] = (),
) -> Path:
    """Write the folder of a run of a session: by default one that this process has under way.

    Parameters
    ----------
    session
        What it is of.
    started, ended
        Seconds since the epoch; with an end it is over.
    state, exit_code
        How it ended.
    process
        Number of its process.
    events
        Lines of its log.
    """
    begun = started if started is not None else (ended or datetime.now(UTC).timestamp()) - 60
    moment = datetime.fromtimestamp(begun, UTC)
    selection = asdict(session.selection) | {"force": sorted(session.selection.force)}
    info = RunInfo(
        f"{moment:%Y%m%d-%H%M%S}-{uuid.uuid4().hex[:4]}",
        state or ("running" if ended is None else "finished"),
        moment.isoformat(timespec="milliseconds"),
        platform.node(),
        process or os.getpid(),
        psutil.Process().create_time(),
        ["animeinterp", "run", "demo"],
        session.config.model_dump(mode="json"),
        selection,
        dict(session.fingerprints),
        {"python": "3"},
        {"cores": 2},
        "" if ended is None else datetime.fromtimestamp(ended, UTC).isoformat(timespec="milliseconds"),
        None if ended is None else exit_code,
    )
    folder = session.config.store.cache / RUNS_FOLDER / info.id
    folder.mkdir(parents=True)
    (folder / INFO_NAME).write_text(json.dumps(asdict(info), default=str))
    lines = [json.dumps({"time": info.started, **event}) + "\n" for event in events]
    (folder / LOG_NAME).write_text("".join(lines))
    return folder
