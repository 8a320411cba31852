"""Results outside the cache: in-between frames as PNG, scores as CSV and, with PyArrow, Parquet."""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Mapping, Set
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from animeinterp.configs.errors import CacheError, DataError
from animeinterp.configs.files import obstacle, sha256_of
from animeinterp.configs.names import name_of, set_apart
from animeinterp.data.images import encode_image, to_uint8, write_file
from animeinterp.pipeline.planning.session import Session
from animeinterp.pipeline.results.merged_scores import merge_scores, read_written_scores
from animeinterp.pipeline.results.results_record import (
    RECORD_NAME,
    check_owner,
    foreign,
    write_record,
    writes_results,
)
from animeinterp.pipeline.results.scores import SCORE_COLUMNS, score_table, write_scores
from animeinterp.pipeline.running.run import Run
from animeinterp.pipeline.store.commits import HIDDEN_WIP_PREFIX, locked, sweep_unfinished
from animeinterp.pipeline.store.shard_manifest import read_manifest
from animeinterp.pipeline.store.shards import ChangedCacheError, read_item
from animeinterp.pipeline.store.written_results import (
    INDEX_NAME,
    OTHER,
    SCORES_CSV,
    SCORES_PARQUET,
    WrittenResults,
)

logger = logging.getLogger(__name__)

SCORES = "scores"  # what tables and the record are made from, and written anew by every run
OWN_FILES = (INDEX_NAME, RECORD_NAME, SCORES_CSV, SCORES_PARQUET)


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

    Frames and scores of other pairs stay. Frames of pairs that have failed since an earlier run wrote them
    are removed, as are those of another config if they are to be replaced.

    Returns
    -------
    int
        How many frames were written now.

    Raises
    ------
    ConfigError
        The folder holds results of another config.
    CacheError
        The folder cannot be written; `ChangedCacheError` if a result to write is damaged or gone.
    """
    session = run.session
    if session.config.store.results is None or not writes_results(session):
        return 0
    root = session.config.store.results.absolute()
    check_owner(session)  # again: hours may have passed
    wanted = _frames_wanted(session)
    jobs = _frames_to_write(session, root, wanted)
    digests: dict[str, str] = {}
    try:
        root.mkdir(parents=True, exist_ok=True)
        sweep_unfinished(root, HIDDEN_WIP_PREFIX)
        for _, outcome in run.start_workers().map(write_frames, jobs) if jobs else ():
            if isinstance(outcome, Exception):
                raise outcome
            digests |= outcome
        with locked(root):  # runs on other pairs may be writing
            _take_note(session, root, wanted, digests)
    except OSError as error:
        raise CacheError(
            f"store.results = {str(root)!r}: cannot be written ({obstacle(error)}); "
            "name another folder, or none"
        ) from None
    return len(digests)


def _frames_wanted(session: Session) -> dict[str, str]:
    """Files of the selected pairs' frames, with what each is made from."""
    return {
        f"{results_folder(location.record.id)}/{frame_name(t)}": f"{location.record.output_digest} {t!r}"
        for pair, location in session.locations("synthesis")
        if location is not None and location.record.status == "ok"
        for t in session.layout.times(pair)
    }


def _frames_to_write(session: Session, root: Path, wanted: Mapping[str, str]) -> list[FrameJob]:
    """Jobs for frames that are missing, damaged or out of date."""
    written, again = WrittenResults(root), session.selection.rehash
    folders: dict[Path, list[tuple[str, Path, tuple[float, ...]]]] = {}
    for pair, location in session.locations("synthesis"):
        if location is None or location.record.status != "ok":
            continue
        name, times = location.record.id, session.layout.times(pair)
        folder = results_folder(name)
        files = [f"{folder}/{frame_name(t)}" for t in times]
        if not all(written.is_current(file, wanted[file], contents=again) for file in files):
            folders.setdefault(location.path, []).append((name, root / folder, times))
    return [FrameJob(shard, tuple(found)) for shard, found in folders.items()]


def _take_note(session: Session, root: Path, wanted: Mapping[str, str], digests: Mapping[str, str]) -> None:
    """Remove what no longer holds; write scores, record and index."""
    written = WrittenResults(root)
    if foreign(session):
        _withdraw_others(root, written, wanted)
        kept = pd.DataFrame(columns=list(SCORE_COLUMNS))
    else:
        kept = _scores_there(session, root, written)
    _withdraw_failed(session, root, written)
    for name, digest in digests.items():
        written.note(name, wanted[name], digest)
    scores = _all_scores(session, kept, {name.partition("/")[0] for name in digests})
    if len(scores) or len(kept):
        for name in write_scores(root, scores):
            written.note(name, SCORES, sha256_of(root / name))
    if not written.is_empty:
        write_record(root, session)
        written.note(RECORD_NAME, SCORES, sha256_of(root / RECORD_NAME))
    written.save()


def _scores_there(session: Session, root: Path, written: WrittenResults) -> pd.DataFrame:
    """The scores of earlier runs; none if they are damaged or were changed by others."""
    path = root / SCORES_CSV
    try:
        if written.knows_files:
            why = written.trouble(SCORES_CSV) if SCORES_CSV in written.names else OTHER
            if why:
                raise DataError(f"{path}: {why}")
        return read_written_scores(path)
    except DataError as error:
        if path.exists() and len(session.layout.wanted_pairs) < len(session.manifest.pairs):
            logger.warning(
                "%s; it is written anew with the scores of this run's pairs: a run on all pairs restores the "
                "others, and computes nothing that the cache has",
                error,
            )
        return pd.DataFrame(columns=list(SCORE_COLUMNS))


def _all_scores(session: Session, kept: pd.DataFrame, rewritten: Set[str]) -> pd.DataFrame:
    """The scores of the selected pairs, and those of earlier runs for all others that are in the dataset.

    Without an evaluation, earlier scores stay unless their frames have been rewritten.
    """
    pairs = session.manifest.pairs
    scores, selected = kept[:0], set[str]()
    if "evaluation" in session.stages:
        scores = score_table(session)
        selected = {pairs[pair].id for pair in session.layout.wanted_pairs}
    known = {pair.id for pair in pairs}

    def keeps(name: str, fingerprint: str) -> bool:
        return (
            name not in selected
            and results_folder(name) not in rewritten
            and (name in known or not fingerprint)  # older rows may be of another dataset
        )

    return merge_scores(scores, kept, keeps, [pair.id for pair in pairs])


def _withdraw_failed(session: Session, root: Path, written: WrittenResults) -> None:
    """Remove frames of earlier runs for pairs that fail now; they would be mistaken for this run's."""
    for _, record in session.records("synthesis"):
        folder = results_folder(record.id) if record is not None and record.status != "ok" else ""
        if folder:
            _withdraw(folder, root, written)


def _withdraw_others(root: Path, written: WrittenResults, wanted: Mapping[str, str]) -> None:
    """Remove everything of another config that this run does not replace."""
    own = {name.partition("/")[0] for name in wanted}
    for folder in written.folders - own:
        _withdraw(folder, root, written)
    for name in written.names:
        if name not in wanted:  # tables, and frames of other times
            (root / name).unlink(missing_ok=True)
            written.forget(name)


def _withdraw(folder: str, root: Path, written: WrittenResults) -> None:
    """Remove the frames that runs have written for a pair, and its folder if nothing else is in it."""
    if not written.forget_folder(folder):
        return
    for path in (root / folder).glob("frame_t*.png"):
        path.unlink(missing_ok=True)
    with suppress(OSError):
        (root / folder).rmdir()


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
