"""Finds a dataset that lies some folders below or above the folder named."""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Iterator
from itertools import islice
from pathlib import Path

from animeinterp.configs.names import command_line
from animeinterp.data.folder_content import list_folder
from animeinterp.data.listed_pairs import PAIRS_FILE
from animeinterp.data.not_frames import kind_of_output

SPLIT_FOLDERS = {"test": "test_2k_540p", "train": "train_10k"}
"""Folders of the splits of ATD-12K."""
PAIR_SIZES = (2, 3)
"""Images in a pair folder: with three, the middle one is the ground truth."""
SHOWN = 3
"""Folders named in a message."""
_DEPTH_BELOW, _DEPTH_ABOVE = 3, 2
_MOST_FOLDERS = 300
_CHILDREN = 20
"""Children looked at in each folder: a large dataset is recognised by some of its pairs."""


def find_datasets(root: Path) -> list[Path]:
    """Folders below `root` that hold a dataset; if there are none, folders above with ATD-12K or a list."""
    below = [folder for folder in _below(root) if _is_known(folder) or _has_pairs(folder)]
    # The outer one of two: the folder of a split is in the root of its dataset.
    outer = [folder for folder in below if not any(other in folder.parents for other in below)]
    return outer or [folder for folder in list(root.parents)[:_DEPTH_ABOVE] if _is_known(folder)]


def suggestion(places: list[Path]) -> str:
    """Where datasets were found, with the settings that select them."""
    settings = (command_line(["--set", f"data.root={place}"]) for place in places[:SHOWN])
    return f"pairs were found in {', '.join(map(str, places[:SHOWN]))}: use {', or '.join(settings)}"


def _below(root: Path) -> Iterator[Path]:
    """Folders below `root`, level by level."""
    waiting = deque([(root, 0)])
    seen = 0
    while waiting and seen < _MOST_FOLDERS:
        folder, depth = waiting.popleft()
        seen += 1
        if depth:
            yield folder
        if depth < _DEPTH_BELOW:
            waiting.extend((child, depth + 1) for child in islice(_folders(folder), _CHILDREN))


def _is_known(folder: Path) -> bool:
    """Whether a folder is the root of ATD-12K or of listed pairs."""
    splits = (folder / name for name in SPLIT_FOLDERS.values())
    return os.path.isfile(folder / PAIRS_FILE) or any(map(os.path.isdir, splits))  # noqa: PTH113


def _has_pairs(folder: Path) -> bool:
    return any(_image_count(child) in PAIR_SIZES for child in islice(_folders(folder), _CHILDREN))


def _folders(folder: Path) -> Iterator[Path]:
    try:
        content = list_folder(folder)
    except OSError:
        return
    if not kind_of_output(folder, content.names):
        yield from content.folders


def _image_count(folder: Path) -> int:
    try:
        return len(list_folder(folder).images)
    except OSError:
        return 0
