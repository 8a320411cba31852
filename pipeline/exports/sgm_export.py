"""SGM results of a run as the authors' program lays them out, for training code that reads them so.

Nothing is computed here: what is exported must be in the cache.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path

from rich.console import Console

from configs.errors import AnimeInterpError, ConfigError, DataError
from configs.sections import Config
from pipeline.compute.item_source import ItemSource, UpstreamItem
from pipeline.compute.registry import needed_for
from pipeline.exports.export_journal import ExportRecord, file_states, foreign_content
from pipeline.exports.sgm_files import FILE_NAMES, FolderJob, PairJob, PairOutcome, export_pair
from pipeline.planning.session import Session
from pipeline.running.executors import open_executor
from pipeline.running.progress import RunProgress
from pipeline.running.worker_checks import Surroundings
from pipeline.store.commits import HIDDEN_WIP_PREFIX, sweep_unfinished
from pipeline.store.fingerprints import canonical_digest

EXPORT_VERSION = 1  # raised when the files would differ, so that folders are written again
PROGRESS_NAME = "export"
NOT_CACHED = "not in the cache, or out of date"
FAILED = "failed"


class FlowType(StrEnum):
    """Data type of the exported flows."""

    FLOAT64 = "float64"
    FLOAT32 = "float32"


@dataclass
class ExportReport:
    """What an export did."""

    exported: int = 0
    """Pairs of which something was written."""
    current: int = 0
    """Pairs that were there already."""
    left_out: dict[str, list[str]] = field(default_factory=dict)
    """Pairs that could not be exported, or not wholly, by reason."""

    def leave_out(self, pair_id: str, reason: str) -> None:
        """Take note of a pair that is not exported."""
        self.left_out.setdefault(reason, []).append(pair_id)

    def add(self, pair_id: str, written: int, complaints: Sequence[str]) -> None:
        """Take note of a pair of which so many folders were written, or not, for these reasons."""
        if complaints:
            self.leave_out(pair_id, "; ".join(complaints))
        elif written:
            self.exported += 1
        else:
            self.current += 1


def export_sgm(
    session: Session,
    out: Path,
    labels: Path | None = None,
    *,
    dtype: FlowType = FlowType.FLOAT64,
    console: Console,
    quiet: bool = False,
) -> ExportReport:
    """Write the SGM results of the pairs asked for, those that are in the cache; compute nothing.

    Parameters
    ----------
    session
        Config, dataset and cache.
    out
        Root of the folders with flows and pictures.
    labels
        Root of the folders with label maps; None = not wanted.
    dtype
        Of the flows.
    console, quiet
        Where to show how far it is, and whether not to.

    Raises
    ------
    ConfigError
        The config makes no SGM results, or a folder must not be written to.
    DataError
        A folder cannot be written.
    CacheError
        The cache cannot take note of what was exported.
    """
    roots = {"flows": _resolved(out)} | ({} if labels is None else {"labels": _resolved(labels)})
    check_method(session.config)
    check_places(session, roots)
    cache = session.config.store.cache.expanduser()
    records = {kind: ExportRecord(cache, root) for kind, root in roots.items()}
    report = ExportReport()
    _sweep(records)
    jobs = list(_plan(session, records, dtype, report))
    if jobs:
        try:
            _work(
                session, jobs, records, report, RunProgress(console, {PROGRESS_NAME: len(jobs)}, quiet=quiet)
            )
        except OSError as error:
            culprit = next(
                (r for r in roots.values() if str(error.filename).startswith(str(r))), roots["flows"]
            )
            raise DataError(
                f"{culprit}: cannot be written ({error.strerror or error}); make room or name another "
                "folder, and run the same command again: what is exported already stays"
            ) from None
        finally:
            _sweep(records)  # after the workers
    return report


def check_method(config: Config) -> None:
    """Make sure that a config has SGM results at all.

    Raises
    ------
    ConfigError
        Its coarse flow is made otherwise.
    """
    if "matching" not in needed_for("coarse_flow", config):
        method = config.coarse_flow.method
        why = "imported flows are files already" if method == "imported" else "zero flow comes of no matches"
        raise ConfigError(
            f"coarse_flow.method = {method!r}: {why}, so there are no pieces and matches to export; "
            "use a config with coarse_flow.method = 'sgm'"
        )


def check_places(session: Session, roots: Mapping[str, Path]) -> None:
    """Make sure that exported files do not mix with each other, the dataset's or the cache's.

    Raises
    ------
    ConfigError
        Names the folder and what it would mix with.
    """
    if "labels" in roots and _nested(roots["flows"], roots["labels"]):
        raise ConfigError(
            f"--labels {str(roots['labels'])!r} and OUT {str(roots['flows'])!r} lie in each other; a folder "
            "of flows must hold no other file: name two folders side by side"
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
                f"{str(root)!r} lies in the cache, store.cache = {str(cache)!r}: name another folder"
            )
        if not frames.isdisjoint((root, *root.parents)):
            raise ConfigError(f"{str(root)!r} lies among the frames of {str(dataset)!r}: name another folder")


def _nested(one: Path, other: Path) -> bool:
    return one.is_relative_to(other) or other.is_relative_to(one)


def _resolved(path: Path) -> Path:
    return path.expanduser().resolve()


def _sweep(records: Mapping[str, ExportRecord]) -> None:
    for record in records.values():
        sweep_unfinished(record.root, HIDDEN_WIP_PREFIX)


def _plan(
    session: Session, records: Mapping[str, ExportRecord], dtype: str, report: ExportReport
) -> Iterator[PairJob]:
    """Jobs for the pairs that are not there as they should be; the others go to the report."""
    for pair, location in session.locations("coarse_flow"):
        name = session.manifest.pairs[pair].id
        if location is None or location.record.status != "ok":
            report.leave_out(name, NOT_CACHED if location is None else FAILED)
            continue
        item = _source(session, pair)
        folders, complaints = [], []
        for kind, record in records.items():
            path, source = record.root / name, _digest(item, kind, dtype)
            foreign = foreign_content(path, FILE_NAMES[kind])
            if foreign is not None:
                complaints.append(_complaint(record, foreign))
            elif not record.is_current(name, source):
                ours = record.owns(name) or not file_states(path, FILE_NAMES[kind])
                folders.append(FolderJob(path, kind, source, ours))
        if folders:
            yield PairJob(name, item, dtype, tuple(folders), tuple(complaints))
        else:
            report.add(name, 0, complaints)


def _source(session: Session, pair: int) -> ItemSource:
    """What a pair whose coarse flow is in the cache is exported from; the rest is there too then."""
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
    jobs: list[PairJob],
    records: Mapping[str, ExportRecord],
    report: ExportReport,
    progress: RunProgress,
) -> None:
    for kind, record in records.items():
        record.root.mkdir(parents=True, exist_ok=True)
        record.begin(job.id for job in jobs for f in job.folders if f.kind == kind and f.may_replace)
    executor = open_executor(session.config.executor, Surroundings.of(session))
    trouble: OSError | None = None
    try:
        with progress:
            for job, outcome in executor.map(export_pair, jobs):
                if isinstance(outcome, OSError) and outcome.errno is not None:
                    trouble = outcome  # of the disk: the other pairs would meet it too
                    break
                failed = _take_note(job, outcome, records, report)
                seconds = 0.0 if isinstance(outcome, Exception) else outcome.seconds
                progress.advance(PROGRESS_NAME, 1, failed=failed, seconds=seconds)
    finally:
        executor.close()
    if trouble is not None:
        raise trouble


def _take_note(
    job: PairJob, outcome: PairOutcome | Exception, records: Mapping[str, ExportRecord], report: ExportReport
) -> bool:
    """Note in records and report what became of a pair; return whether there is a complaint."""
    complaints = list(job.complaints)
    if isinstance(outcome, Exception):
        kind = "" if isinstance(outcome, AnimeInterpError) else f"{type(outcome).__name__}: "
        report.add(job.id, 0, [*complaints, f"{kind}{outcome}"])
        return True
    for folder, state in zip(job.folders, outcome.states, strict=True):
        if isinstance(state, str):
            complaints.append(_complaint(records[folder.kind], state))
        else:
            records[folder.kind].finish(job.id, folder.source, state)
    report.add(job.id, outcome.written, complaints)
    return bool(complaints)
