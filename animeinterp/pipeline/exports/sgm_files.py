"""The files of an exported folder, written by a worker."""

from __future__ import annotations

import shutil
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path

import numpy as np

from animeinterp.data.images import encode_image
from animeinterp.data.sgm_folders import FLOW_PICTURES, FLOWS, LABEL_MAPS, MATCH_PICTURES
from animeinterp.pipeline.compute.item_source import ItemSource
from animeinterp.pipeline.exports.export_journal import FileStates, file_states, foreign_content
from animeinterp.pipeline.results.pictures import draw_moves, flow_to_color
from animeinterp.pipeline.store.array_specs import Array
from animeinterp.pipeline.store.commits import HIDDEN_WIP_PREFIX, commit_folder, sync_tree, unfinished_folder
from animeinterp.stages.coarse_flow import PieceFate


@dataclass(frozen=True, slots=True)
class FolderJob:
    """A folder of a pair to write; sent to a worker."""

    id: str
    """Of the pair."""
    item: ItemSource
    path: Path
    kind: str
    """`flows` or `labels`."""
    dtype: str
    """Of the flows."""
    source: str
    """Digest of its sources."""
    may_replace: bool
    """Whether an existing folder was written by an export."""


@dataclass(frozen=True, slots=True)
class FolderOutcome:
    """A worker's report on a folder."""

    states: FileStates | str
    """Its files, or why it is not written."""
    written: bool
    """Whether it did not already have exactly this content."""
    seconds: float


def flow_files(item: ItemSource, dtype: str) -> dict[str, bytes]:
    """The six files of a pair: flows, their pictures, and pictures of the matches."""
    coarse, matched = item.read("coarse_flow"), item.read("matching", names=("match01", "match10"))
    maps = _label_maps(item)
    files: dict[str, bytes] = {}
    for k, way in enumerate(("01", "10")):
        flow = coarse[f"coarse_flow{way}"]
        moved = coarse[f"fate{way}"] == PieceFate.MOVED
        files[FLOWS[k]] = _npy(flow.astype(dtype))
        files[FLOW_PICTURES[k]] = encode_image(FLOW_PICTURES[k], flow_to_color(flow))
        moves = draw_moves(maps[k], maps[1 - k], matched[f"match{way}"], moved)
        files[MATCH_PICTURES[k]] = encode_image(MATCH_PICTURES[k], moves)
    return files


def label_files(item: ItemSource, dtype: str) -> dict[str, bytes]:  # noqa: ARG001 - as `flow_files`
    """The label maps of a pair: int64, as the released program saves them."""
    maps = _label_maps(item)
    return {name: _npy(label_map.astype(np.int64)) for name, label_map in zip(LABEL_MAPS, maps, strict=True)}


def _label_maps(item: ItemSource) -> list[Array]:
    return [item.read("segmentation", k, ("label_map",))["label_map"] for k in (0, 1)]


def _npy(array: Array) -> bytes:
    content = BytesIO()
    np.save(content, np.ascontiguousarray(array), allow_pickle=False)
    return content.getvalue()


MAKERS: Mapping[str, Callable[[ItemSource, str], dict[str, bytes]]] = {
    "flows": flow_files,
    "labels": label_files,
}

FILE_NAMES = {"flows": (*FLOWS, *FLOW_PICTURES, *MATCH_PICTURES), "labels": LABEL_MAPS}


def export_folder(job: FolderJob) -> FolderOutcome:
    """Write a folder atomically.

    Raises
    ------
    CacheError
        Its sources are damaged or gone.
    OSError
        Disk full, no permission.
    """
    started = time.monotonic()
    files = MAKERS[job.kind](job.item, job.dtype)
    held = _holds(job.path, files)
    foreign = None if held else foreign_content(job.path, files)
    if foreign is None and not held and not job.may_replace:
        foreign = "was written by another program, or with another cache"
    if foreign is None and not held:
        _write(job.path, files)
    states = file_states(job.path, files) if foreign is None else foreign
    return FolderOutcome(states, not held and foreign is None, time.monotonic() - started)


def _holds(folder: Path, files: Mapping[str, bytes]) -> bool:
    """Whether a folder holds exactly these files already."""
    try:
        return {path.name for path in folder.iterdir()} == files.keys() and all(
            (folder / name).read_bytes() == content for name, content in files.items()
        )
    except OSError:
        return False


def _write(folder: Path, files: Mapping[str, bytes]) -> None:
    unfinished = unfinished_folder(folder, HIDDEN_WIP_PREFIX)
    try:
        unfinished.mkdir(parents=True)
        for name, content in files.items():
            (unfinished / name).write_bytes(content)
        sync_tree(unfinished)
        commit_folder(unfinished, folder)
    finally:
        shutil.rmtree(unfinished, ignore_errors=True)
