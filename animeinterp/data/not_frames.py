"""Recognises what is not a frame: files that systems leave in folders, and what this program writes."""

from __future__ import annotations

import re
from collections.abc import Collection
from pathlib import Path

from animeinterp.data.sgm_folders import FLOW_PICTURES, FLOWS, LABEL_MAPS, MATCH_PICTURES

PICTURE_MARK = "animeinterp-state"
"""Keyword of a PNG text chunk in every contact sheet."""
PAGE_MARK = re.compile(rb'<meta name="(?:animeinterp-state"|generator" content="animeinterp")')
HEAD_LENGTH = 4096
"""Bytes at the start of a page or picture in which the mark is found."""

_OF_SYSTEMS = frozenset(
    {
        # macOS
        "__macosx", ".ds_store", ".spotlight-v100", ".fseventsd", ".trashes", ".appledouble", "icon\r",
        ".temporaryitems", ".documentrevisions-v100", "network trash folder", "temporary items",
        # Windows
        "thumbs.db", "ehthumbs.db", "desktop.ini", "$recycle.bin", "system volume information", "msocache",
        # Linux
        "lost+found", ".directory", ".thumbnails", ".trash",
        # storage and synchronisation: Synology, QNAP, NetApp, Syncthing, Dropbox
        "@eadir", "#recycle", "#snapshot", "@recycle", "@recently-snapshot", ".@__thumb", ".snapshot",
        ".stfolder", ".stversions", ".dropbox", ".dropbox.cache",
        # other programs
        ".ipynb_checkpoints", "__pycache__", ".git", ".svn", ".hg", ".idea", ".vscode", ".picasa.ini",
        "picasa.ini", "dask-scratch-space", "dask-worker-space",
    }
)  # fmt: skip
"""In lower case."""
_LIKE_SYSTEMS = re.compile(r"\._.*|\.trash-.*|\.nfs.*|\.fuse_hidden.*|found\.\d{3}", re.DOTALL)
_OF_CACHE = frozenset(
    {
        "segmentation", "features", "matching", "coarse_flow", "refinement", "synthesis", "evaluation",
        "runs", "clips", "exports", "training",
    }
)  # fmt: skip
_CACHE_INDEX, _RESULTS_INDEX = "source_files.json", ".written.json"
_REPORT = {"report.html", "items.csv"}
_WEIGHTS = (".safetensors", ".pth", ".pt", ".part", ".tag")
_RESULT_FRAME = re.compile(r"frame_t0\.\d+(?:e-\d+)?\.png")


def is_of_system(name: str) -> bool:
    """Whether a name is one that operating systems and other programs give to their own files."""
    lower = name.casefold()
    return lower in _OF_SYSTEMS or _LIKE_SYSTEMS.fullmatch(lower) is not None


def kind_of_output(folder: Path, names: Collection[str]) -> str:
    """What this program has written to a folder, going by the names in it; empty for other folders."""
    if _CACHE_INDEX in names:
        return "cache"
    if _RESULTS_INDEX in names:
        return "results"
    if not {*FLOWS, *LABEL_MAPS}.isdisjoint(names):
        return "exported flows"
    if set(names) >= _REPORT:
        return "report"
    visible = [name for name in sorted(names) if not name.startswith(".")]
    if visible and all(name.endswith(_WEIGHTS) for name in visible):
        return "weights"
    pages = (folder / name for name in visible if name.endswith(".html"))
    return "pages" if any(PAGE_MARK.search(_head(path)) for path in pages) else ""


def is_of_cache(name: str) -> bool:
    """Whether a folder of a cache has this name."""
    return name in _OF_CACHE


def is_contact_sheet(path: Path) -> bool:
    """Whether an image is a contact sheet, of a pair or of a clip."""
    return path.suffix.lower() == ".png" and PICTURE_MARK.encode() in _head(path)


def is_of_export(path: Path, names: Collection[str]) -> bool:
    """Whether an image belongs to exported flows, going by its name and the names beside it."""
    return path.name in (*FLOW_PICTURES, *MATCH_PICTURES) and not set(FLOWS).isdisjoint(names)


def is_result_frame(path: Path) -> bool:
    """Whether an image is named like a frame that a run writes: `frame_t0.5.png`."""
    return _RESULT_FRAME.fullmatch(path.name) is not None


def _head(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            return file.read(HEAD_LENGTH)
    except OSError:
        return b""
