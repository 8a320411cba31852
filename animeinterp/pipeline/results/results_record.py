"""The record of a results folder, which says what its frames and scores were made by.

`<results>/results.json` describes the stages and the dataset. A folder holds the results of one config: runs
with another are refused, so that frames and scores of two never lie side by side unnoticed.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from animeinterp.configs.errors import ConfigError
from animeinterp.configs.files import replace_file
from animeinterp.configs.loading import set_options, text_setting
from animeinterp.configs.names import command_line
from animeinterp.pipeline.compute.registry import needed_for
from animeinterp.pipeline.planning.session import Session
from animeinterp.pipeline.store.stage_descriptions import (
    DIGITS_SHOWN,
    StageDescription,
    description_content,
    description_of,
    own_differences,
)
from animeinterp.pipeline.store.versions import library_versions
from animeinterp.pipeline.store.written_results import INDEX_NAME, SCORES_CSV, WrittenResults

RECORD_NAME = "results.json"
FORMAT = 1
WRITTEN_STAGES = ("synthesis", "evaluation")
"""Stages whose results are written: as frames, and as scores."""
REPLACE = "--replace-results"


@dataclass(frozen=True, slots=True)
class ResultsRecord:
    """What the results in a folder were made by."""

    data: Mapping[str, Any]
    """Settings of the dataset, with its root as an absolute path."""
    root_from_here: str
    """The dataset's root, relative to the folder: both may be moved together."""
    stages: Mapping[str, StageDescription]
    """The stages that the results depend on."""


def read_record(folder: Path) -> ResultsRecord | None:
    """The record in a folder; None if there is no readable one, as in folders of version 0.1."""
    try:
        content = json.loads((folder / RECORD_NAME).read_text(encoding="utf-8"))
        if content["format"] != FORMAT:
            return None
        stages = {name: description_of(found) for name, found in content["stages"].items()}
        return ResultsRecord(dict(content["data"]), str(content["root_from_here"]), stages)
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return None


def write_record(folder: Path, session: Session) -> None:
    """Record a session's config as that of a folder's results.

    Scores of the same frames stay described if the session does not evaluate.

    Raises
    ------
    OSError
        The folder cannot be written.
    """
    former = read_record(folder)
    needed = needed_for(session.selection.last, session.config)
    stages = {stage: session.descriptions[stage] for stage in needed}
    if former is not None and not differences(session, former):
        stages = {**former.stages, **stages}
    content = {
        "format": FORMAT,
        "data": _data_settings(session),
        "root_from_here": os.path.relpath(session.manifest.root.resolve(), folder.resolve()),
        "stages": {stage: description_content(found) for stage, found in stages.items()},
        "cache": str(session.config.store.cache.resolve()),
        "versions": dict(library_versions()),
    }
    text = json.dumps(content, indent=1, ensure_ascii=False)
    replace_file(folder / RECORD_NAME, text.encode(errors="backslashreplace"), flush=True)


def differences(session: Session, record: ResultsRecord) -> list[str]:
    """How a record differs from a session, `there -> here`; empty if they are of the same config."""
    needed = needed_for(session.selection.last, session.config)
    changed = [
        stage
        for stage in WRITTEN_STAGES
        if stage in needed
        and stage in record.stages
        and record.stages[stage].fingerprint != session.fingerprints[stage]
    ]
    found = _data_differences(session, record)
    for stage in needed if changed else ():
        former = record.stages.get(stage)
        if former is not None and former.fingerprint != session.fingerprints[stage]:
            found += [str(one) for one in own_differences(session.descriptions[stage], former)]
    if changed and not found:  # the same settings under another fingerprint: results that were accepted
        stage = changed[0]
        here, there = session.fingerprints[stage], record.stages[stage].fingerprint
        found.append(f"fingerprint of {stage}: {there[:DIGITS_SHOWN]} -> {here[:DIGITS_SHOWN]}")
    return found


def _data_settings(session: Session) -> dict[str, Any]:
    return session.config.data.model_dump(mode="json") | {"root": str(session.manifest.root.resolve())}


def _data_differences(session: Session, record: ResultsRecord) -> list[str]:
    here, there = _data_settings(session), dict(record.data)
    results = session.config.store.results
    if results is not None and (results / record.root_from_here).resolve() == Path(here["root"]):
        there["root"] = here["root"]
    return [
        f"data.{key}: {there[key]} -> {value}"
        for key, value in here.items()
        if key in there and there[key] != value
    ]


def check_owner(session: Session) -> None:
    """Refuse to write results beside those of another config.

    Raises
    ------
    ConfigError
        `store.results` holds results of another config, and these are not to be replaced.
    """
    folder, found = session.config.store.results, foreign(session)
    if found and not session.selection.replace_results:
        other = command_line(set_options([text_setting("store.results", f"{folder}-2")]))
        listed = "\n  ".join(found)
        raise ConfigError(
            f"store.results = {str(folder)!r}: holds results of another config (there -> here):\n  {listed}"
            f"\n  to keep both, name another folder: {other}"
            f"\n  to replace those that are there: {REPLACE}"
        )


def foreign(session: Session) -> list[str]:
    """How another config, whose results are in `store.results`, differs; empty if the folder may be used.

    Only sessions that write frames or scores are compared.
    """
    folder = session.config.store.results
    record = read_record(folder) if folder is not None and writes_results(session) else None
    return [] if record is None else differences(session, record)


def writes_results(session: Session) -> bool:
    """Whether the selected stages lead to frames or scores."""
    return not set(needed_for(session.selection.last, session.config)).isdisjoint(WRITTEN_STAGES)


def results_notes(session: Session) -> list[str]:
    """A note if the results in `store.results` are not, or not surely, those of the session's config."""
    folder = session.config.store.results
    if folder is None:
        return []
    found = foreign(session)
    if found:
        outcome = "they are replaced"
        if not session.selection.replace_results:
            outcome = f"runs are refused without {REPLACE}"
        return [f"{folder} holds results of another config ({'; '.join(found)}): {outcome}"]
    written = (folder / INDEX_NAME).exists() or (folder / SCORES_CSV).exists()
    if written and read_record(folder) is None:
        return [
            f"{folder} holds results without {RECORD_NAME}, as version 0.1 wrote them: they are taken for "
            "results of this config"
        ]
    return []


def results_line(session: Session) -> str:
    """What `store.results` holds; empty if it is not set, or holds results of another config."""
    folder = session.config.store.results
    if folder is None or foreign(session):
        return ""
    written = WrittenResults(folder.absolute())
    frames, pairs = sum("/" in name for name in written.names), len(written.folders)
    there = f"{frames} frames of {pairs} pairs" if pairs else "none yet"
    return f"results: {folder} ({there})"
