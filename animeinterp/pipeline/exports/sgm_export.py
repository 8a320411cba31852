"""Export of SGM results in the layout of the authors' program, for training code.

Nothing is computed here: what is exported must be in the cache.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from rich.console import Console

from animeinterp.configs.errors import AnimeInterpError, ConfigError, DataError
from animeinterp.configs.names import name_of
from animeinterp.configs.sections import Config
from animeinterp.pipeline.compute.item_source import ItemSource, UpstreamItem
from animeinterp.pipeline.compute.registry import needed_for
from animeinterp.pipeline.exports.export_journal import ExportRecord, file_states, foreign_content
from animeinterp.pipeline.exports.sgm_files import FILE_NAMES, FolderJob, export_folder
from animeinterp.pipeline.planning.session import Session
from animeinterp.pipeline.running.executors import open_executor
from animeinterp.pipeline.running.progress import RunProgress
from animeinterp.pipeline.running.worker_checks import Surroundings
from animeinterp.pipeline.store.commits import HIDDEN_WIP_PREFIX, sweep_unfinished
from animeinterp.pipeline.store.fingerprints import canonical_digest

EXPORT_VERSION = 1  # increased when the files would differ, so that folders are rewritten
PROGRESS_NAME = "export"
NOT_CACHED = "not in the cache, or out of date"
FAILED = "failed"


FlowType = Literal["float64", "float32"]
"""Data type of the exported flows."""


@dataclass
class ExportReport:
    """The outcome of an export."""

    exported: int = 0
    """Pairs with newly written folders."""
    current: int = 0
    """Pairs that were up to date."""
    left_out: dict[str, list[str]] = field(default_factory=dict)
    """Pairs that could not be exported, or only partly, by reason."""


@dataclass
class _PairNotes:
    """The outcome of a pair's folders."""

    written: bool = False
    complaints: list[str] = field(default_factory=list)


def export_sgm(
    session: Session,
    out: Path,
    labels: Path | None = None,
    *,
    dtype: FlowType = "float64",
    console: Console,
    quiet: bool = False,
) -> ExportReport:
    """Write the SGM results of the selected pairs that are in the cache; compute nothing.

    Parameters
    ----------
    session
        Config, dataset and cache.
    out
        Root of the folders with flows and pictures.
    labels
        Root of the folders with label maps; None = do not write them.
    dtype
        Of the flows.
    console, quiet
        Where to show progress, and whether to show none.

    Raises
    ------
    ConfigError
        The config makes no SGM results, or a folder must not be written to.
    DataError
        A folder cannot be written.
    CacheError
        The record of the export cannot be written to the cache.
    """
    roots = {"flows": _resolved(out)} | ({} if labels is None else {"labels": _resolved(labels)})
    check_method(session.config)
    check_places(session, roots)
    cache = session.config.store.cache
    records = {kind: ExportRecord(cache, root) for kind, root in roots.items()}
    notes = {session.manifest.pairs[pair].id: _PairNotes() for pair, _ in session.locations("coarse_flow")}
    _sweep(roots)
    jobs = list(_plan(session, records, dtype, notes))
    if jobs:
        try:
            for root in roots.values():
                root.mkdir(parents=True, exist_ok=True)
            with RunProgress(console, {PROGRESS_NAME: len(jobs)}, quiet=quiet) as progress:
                _work(session, jobs, records, notes, progress)
        except OSError as error:
            culprit = next((r for r in roots.values() if str(error.filename).startswith(str(r))), out)
            raise DataError(
                f"{culprit}: cannot be written ({error.strerror or error}); make room or name another "
                "folder, and run the same command again: exported folders are kept"
            ) from None
        finally:
            _sweep(roots)  # after the workers
    report = ExportReport()
    for pair, found in notes.items():
        if found.complaints:
            report.left_out.setdefault("; ".join(found.complaints), []).append(pair)
        else:
            report.exported += found.written
            report.current += not found.written
    return report


def check_method(config: Config) -> None:
    """Make sure that a config has SGM results.

    Raises
    ------
    ConfigError
        Its coarse flow is made by another method.
    """
    if "matching" not in needed_for("coarse_flow", config):
        method = config.coarse_flow.method
        why = "imported flows are files already" if method == "imported" else "zero flow uses no matches"
        raise ConfigError(
            f"coarse_flow.method = {method!r}: {why}, so there are no pieces and matches to export; "
            "use a config with coarse_flow.method = 'sgm'"
        )


def check_places(session: Session, roots: Mapping[str, Path]) -> None:
    """Make sure that exported files do not mix with each other, the dataset or the cache.

    Raises
    ------
    ConfigError
        A folder lies in another; the message names both.
    """
    if "labels" in roots and _nested(roots["flows"], roots["labels"]):
        raise ConfigError(
            f"--labels {str(roots['labels'])!r} and OUT {str(roots['flows'])!r} overlap; a folder "
            "of flows must contain no other files: name two separate folders"
        )
    cache = _resolved(session.config.store.cache)
    dataset = session.manifest.root.resolve()
    taken = {
        path for frame in session.manifest.frames for path in (frame.path.parent, frame.path.parent.parent)
    }
    frames = {path for path in (folder.resolve() for folder in taken) if path.is_relative_to(dataset)}
    for root in roots.values():
        if root.is_relative_to(cache):
            raise ConfigError(
                f"{str(root)!r} is in the cache, store.cache = {str(cache)!r}: name another folder"
            )
        if not frames.isdisjoint((root, *root.parents)):
            raise ConfigError(f"{str(root)!r} is among the frames of {str(dataset)!r}: name another folder")


def _nested(one: Path, other: Path) -> bool:
    return one.is_relative_to(other) or other.is_relative_to(one)


def _resolved(path: Path) -> Path:
    return path.resolve()


def _sweep(roots: Mapping[str, Path]) -> None:
    for root in roots.values():
        sweep_unfinished(root, HIDDEN_WIP_PREFIX)


def _plan(
    session: Session, records: Mapping[str, ExportRecord], dtype: str, notes: Mapping[str, _PairNotes]
) -> Iterator[FolderJob]:
    """Jobs for the folders that are missing or out of date."""
    for pair, location in session.locations("coarse_flow"):
        name = session.manifest.pairs[pair].id
        complaints = notes[name].complaints
        if location is None or location.record.status != "ok":
            complaints.append(NOT_CACHED if location is None else FAILED)
            continue
        item = _source(session, pair)
        for kind, record in records.items():
            path, source = record.root / name_of(name), _digest(item, kind, dtype)
            foreign = foreign_content(path, FILE_NAMES[kind])
            if foreign is not None:
                complaints.append(_complaint(record, foreign))
            elif not record.is_current(name, source):
                ours = record.owns(name) or not file_states(path, FILE_NAMES[kind])
                yield FolderJob(name, item, path, kind, dtype, source, ours)


def _source(session: Session, pair: int) -> ItemSource:
    """The source of a pair whose coarse flow is in the cache; then the rest is there too."""
    items = [("coarse_flow", pair), ("matching", pair)]
    items += [("segmentation", frame) for frame in session.manifest.pairs[pair].frames]
    found = [(stage, session.current.locate(stage, item)) for stage, item in items]
    return ItemSource(
        upstream=tuple(
            UpstreamItem(stage, location.path, location.record.id, location.record.output_digest)
            for stage, location in found
            if location is not None
        )
    )


def _digest(item: ItemSource, kind: str, dtype: str) -> str:
    stages = ("segmentation",) if kind == "labels" else ("coarse_flow", "matching", "segmentation")
    made_from = [upstream.output_digest for upstream in item.upstream if upstream.stage in stages]
    return canonical_digest([EXPORT_VERSION, kind, dtype if kind == "flows" else "", *made_from])


def _complaint(record: ExportRecord, why: str) -> str:
    return f"the folder in {record.root} {why}; move it away, or name another one"


def _work(
    session: Session,
    jobs: list[FolderJob],
    records: Mapping[str, ExportRecord],
    notes: Mapping[str, _PairNotes],
    progress: RunProgress,
) -> None:
    executor = open_executor(session.config.executor, Surroundings.of(session))
    try:
        for job, outcome in executor.map(export_folder, jobs):
            if isinstance(outcome, OSError) and outcome.errno is not None:
                raise outcome  # of the disk: the other pairs would have it too
            pair, record, seconds = notes[job.id], records[job.kind], 0.0
            if isinstance(outcome, Exception):
                kind = "" if isinstance(outcome, AnimeInterpError) else f"{type(outcome).__name__}: "
                pair.complaints.append(f"{kind}{outcome}")
            else:
                seconds = outcome.seconds
                pair.written |= outcome.written
                if isinstance(outcome.states, str):
                    pair.complaints.append(_complaint(record, outcome.states))
                else:
                    record.finish(job.id, job.source, outcome.states)
            progress.advance(PROGRESS_NAME, 1, failed=bool(pair.complaints), seconds=seconds)
    finally:
        executor.close()
