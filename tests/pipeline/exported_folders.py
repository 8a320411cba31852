"""What tests of exports look at: files and their times, and what is in the cache."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np

from animeinterp.pipeline.exports.sgm_export import ExportReport
from animeinterp.pipeline.planning.session import Session

SIX = {
    "guide_flo13.npy",
    "guide_flo31.npy",
    "guide_flo13.jpg",
    "guide_flo31.jpg",
    "matching_color_1to3.jpg",
    "matching_color_3to1.jpg",
}

Export = Callable[..., ExportReport]


def ids(session: Session) -> list[str]:
    return [pair.id for pair in session.manifest.pairs]


def names_in(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir()}


def files(folder: Path) -> dict[Path, tuple[int, int]]:
    """Inode and modification time of every file below: both are new when a folder is written again."""
    return {
        path: (path.stat().st_ino, path.stat().st_mtime_ns) for path in folder.rglob("*") if path.is_file()
    }


def changed(before: dict[Path, tuple[int, int]], after: dict[Path, tuple[int, int]]) -> set[str]:
    """Pairs of which a file has come, gone or been written again."""
    return {path.parent.name for path in before.keys() | after.keys() if before.get(path) != after.get(path)}


def cached(session: Session) -> Iterator[tuple[str, dict[str, np.ndarray], list[np.ndarray]]]:
    """Id, coarse flow and label maps of each pair as they are in the cache."""
    for item, pair in enumerate(session.manifest.pairs):
        coarse = session.current.locate("coarse_flow", item)
        frames = [session.current.locate("segmentation", frame) for frame in pair.frames]
        assert coarse is not None
        yield pair.id, coarse.read(), [frame.read()["label_map"] for frame in frames if frame is not None]
