"""Results outside the cache: in-between frames as PNG, scores as CSV and, with PyArrow, Parquet."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

from configs.errors import CacheError
from configs.files import replace_file
from data.images import to_uint8, write_image
from pipeline.planning.session import Session
from pipeline.results.scores import score_table, write_scores
from pipeline.running.run import Run
from pipeline.store.shard_manifest import read_manifest
from pipeline.store.shards import ChangedCacheError, read_item

INDEX_NAME = ".written.json"  # which frame each PNG was written from, so that a second run writes none


@dataclass(frozen=True, slots=True)
class FrameJob:
    """In-between frames of one shard to write."""

    shard: Path
    folders: tuple[tuple[str, Path, tuple[float, ...]], ...]
    """Item id, the folder for its frames, and their times."""


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
    root = root.expanduser().absolute()
    written = _read_index(root)
    jobs, digests = _frames_to_write(session, root, written)
    try:
        root.mkdir(parents=True, exist_ok=True)
        _withdraw(session, root, written)
        count = 0
        for job, outcome in run.start_workers().map(write_frames, jobs) if jobs else ():
            if isinstance(outcome, Exception):
                raise outcome
            count += outcome
            written.update({item: digests[item] for item, _, _ in job.folders})
        replace_file(root / INDEX_NAME, json.dumps(written, indent=0).encode())
        scores = score_table(session)
        if len(scores):
            write_scores(root, scores)
    except OSError as error:
        raise CacheError(
            f"store.results = {str(root)!r}: cannot be written ({error.strerror or error}); "
            "name another folder, or none"
        ) from None
    return count


def _frames_to_write(
    session: Session, root: Path, written: dict[str, str]
) -> tuple[list[FrameJob], dict[str, str]]:
    """Jobs for frames that are missing or out of date, and the sources of each pair's frames."""
    folders: dict[Path, list[tuple[str, Path, tuple[float, ...]]]] = {}
    digests: dict[str, str] = {}
    for pair, location in session.locations("synthesis"):
        if location is None or location.record.status != "ok":
            continue
        name, times = location.record.id, session.layout.times(pair)
        digests[name] = f"{location.record.output_digest} {times}"
        present = all((root / name / frame_name(t)).is_file() for t in times)
        if not present or written.get(name) != digests[name]:
            folders.setdefault(location.path, []).append((name, root / name, times))
    return [FrameJob(shard, tuple(found)) for shard, found in folders.items()], digests


def _withdraw(session: Session, root: Path, written: dict[str, str]) -> None:
    """Remove frames of earlier runs for pairs that fail now; they would be mistaken for this run's."""
    for _, record in session.records("synthesis"):
        if record is not None and record.status != "ok" and written.pop(record.id, None) is not None:
            for path in (root / record.id).glob("frame_t*.png"):
                path.unlink(missing_ok=True)


def write_frames(job: FrameJob) -> int:
    """Write the frames of one shard; return how many."""
    manifest = read_manifest(job.shard)
    if manifest is None:
        raise ChangedCacheError(f"{job.shard}: disappeared while its frames were being written; run again")
    for item, folder, times in job.folders:
        row = manifest.row(item)
        if row is None:
            raise ChangedCacheError(
                f"{job.shard}: item {item!r} disappeared while its frames were being written; run again"
            )
        frames = read_item(job.shard, manifest, row)["frames"]
        for time, frame in zip(times, frames, strict=True):
            write_image(folder / frame_name(time), to_uint8(frame))
    return sum(len(times) for _, _, times in job.folders)


def _read_index(root: Path) -> dict[str, str]:
    try:
        content = json.loads((root / INDEX_NAME).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return content if isinstance(content, dict) else {}
