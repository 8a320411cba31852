"""Results outside the cache: in-between frames as PNG, scores as CSV and, with PyArrow, Parquet."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path

from configs.errors import CacheError
from configs.files import obstacle, sha256_of
from configs.names import name_of, set_apart
from data.images import encode_image, to_uint8, write_file
from pipeline.planning.session import Session
from pipeline.results.scores import SCORES_CSV, SCORES_PARQUET, score_table, write_scores
from pipeline.running.run import Run
from pipeline.store.commits import HIDDEN_WIP_PREFIX, sweep_unfinished
from pipeline.store.shard_manifest import read_manifest
from pipeline.store.shards import ChangedCacheError, read_item
from pipeline.store.written_results import INDEX_NAME, WrittenResults

SCORES = "scores"  # what tables are made from, and written anew by every run
OWN_FILES = (INDEX_NAME, SCORES_CSV, SCORES_PARQUET)


@dataclass(frozen=True, slots=True)
class FrameJob:
    """In-between frames of one shard to write."""

    shard: Path
    folders: tuple[tuple[str, Path, tuple[float, ...]], ...]
    """Item id, the folder for its frames, and their times."""


def results_folder(pair_id: str) -> str:
    """Name of the folder of a pair's frames: that of the pair, unless a file of the results has it."""
    name = name_of(pair_id)
    return set_apart(name) if name.casefold() in OWN_FILES else name


def frame_name(time: float) -> str:
    """File name of the frame at a time: `frame_t0.5.png`."""
    return f"frame_t{time!r}.png"


def write_results(run: Run) -> int:
    """Write the frames and scores of a run to `store.results`, except those already there.

    Frames of pairs that have failed since an earlier run wrote them are removed.

    Returns
    -------
    int
        How many frames were written now.

    Raises
    ------
    CacheError
        The folder cannot be written; `ChangedCacheError` if a result to write is damaged or gone.
    """
    session = run.session
    root = session.config.store.results
    if root is None:
        return 0
    root = root.absolute()
    written = WrittenResults(root)
    jobs, sources = _frames_to_write(session, root, written)
    try:
        root.mkdir(parents=True, exist_ok=True)
        sweep_unfinished(root, HIDDEN_WIP_PREFIX)
        _withdraw(session, root, written)
        count = 0
        for _, outcome in run.start_workers().map(write_frames, jobs) if jobs else ():
            if isinstance(outcome, Exception):
                raise outcome
            for name, digest in outcome.items():
                written.note(name, sources[name], digest)
            count += len(outcome)
        scores = score_table(session)
        if len(scores):
            for name in write_scores(root, scores):
                written.note(name, SCORES, sha256_of(root / name))
        written.save()
    except OSError as error:
        raise CacheError(
            f"store.results = {str(root)!r}: cannot be written ({obstacle(error)}); "
            "name another folder, or none"
        ) from None
    return count


def _frames_to_write(
    session: Session, root: Path, written: WrittenResults
) -> tuple[list[FrameJob], dict[str, str]]:
    """Jobs for frames that are missing, damaged or out of date, and what each file is made from."""
    folders: dict[Path, list[tuple[str, Path, tuple[float, ...]]]] = {}
    sources: dict[str, str] = {}
    again = session.selection.rehash
    for pair, location in session.locations("synthesis"):
        if location is None or location.record.status != "ok":
            continue
        record, times = location.record, session.layout.times(pair)
        folder = results_folder(record.id)
        own = {f"{folder}/{frame_name(t)}": f"{record.output_digest} {t!r}" for t in times}
        if not all(written.is_current(name, source, contents=again) for name, source in own.items()):
            folders.setdefault(location.path, []).append((record.id, root / folder, times))
            sources |= own
    return [FrameJob(shard, tuple(found)) for shard, found in folders.items()], sources


def _withdraw(session: Session, root: Path, written: WrittenResults) -> None:
    """Remove frames of earlier runs for pairs that fail now; they would be mistaken for this run's."""
    for _, record in session.records("synthesis"):
        folder = results_folder(record.id) if record is not None and record.status != "ok" else ""
        if folder and written.forget_folder(folder):
            for path in (root / folder).glob("frame_t*.png"):
                path.unlink(missing_ok=True)


def write_frames(job: FrameJob) -> dict[str, str]:
    """Write the frames of one shard, flushed to disk; return their digests by path in the results folder."""
    manifest = read_manifest(job.shard)
    if manifest is None:
        raise ChangedCacheError(f"{job.shard}: disappeared while its frames were being written; run again")
    digests = {}
    for item, folder, times in job.folders:
        row = manifest.row(item)
        if row is None:
            raise ChangedCacheError(
                f"{job.shard}: item {item!r} disappeared while its frames were being written; run again"
            )
        sweep_unfinished(folder, HIDDEN_WIP_PREFIX)
        frames = read_item(job.shard, manifest, row)["frames"]
        for time, frame in zip(times, frames, strict=True):
            name = frame_name(time)
            content = encode_image(name, to_uint8(frame))
            write_file(folder / name, content, flush=True)
            digests[f"{folder.name}/{name}"] = hashlib.sha256(content).hexdigest()
    return digests
