"""Folders of SGM results in the layout of ATD-12K and the authors' program: file names, reading a flow.

The names number frames as in ATD-12K: 1 is frame 0 of the pair, 3 is frame 1.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from animeinterp.configs.errors import DataError
from animeinterp.configs.names import name_of
from animeinterp.data.file_facts import FileFacts

FLOWS = ("guide_flo13.npy", "guide_flo31.npy")
"""Flow from frame 0 to frame 1, and back: (2, height, width), dx first, pixels."""
FLOW_PICTURES = ("guide_flo13.jpg", "guide_flo31.jpg")
MATCH_PICTURES = ("matching_color_1to3.jpg", "matching_color_3to1.jpg")
LABEL_MAPS = ("labelmap_1.npy", "labelmap_3.npy")
"""Label maps of frame 0 and frame 1: (height, width). They have a root of their own."""


@dataclass(frozen=True, slots=True)
class FlowFiles:
    """The two flow files of a pair."""

    paths: tuple[Path, Path]
    """0 -> 1 and 1 -> 0."""
    digests: tuple[str, str]
    """Digest of their content, or of the absence of one that cannot be read."""
    present: bool
    """Whether both can be read."""


def find_flow_files(root: Path, pair_ids: Sequence[str], facts: FileFacts) -> list[FlowFiles]:
    """Read the facts of the flow files of pairs, if they have changed since the last time.

    Parameters
    ----------
    root
        Folder of folders named as the pairs.
    pair_ids
        The pairs.
    facts
        Digests, saved between runs.
    """
    folders = [root / name_of(pair_id) for pair_id in pair_ids]
    paths = [(folder / FLOWS[0], folder / FLOWS[1]) for folder in folders]
    facts.learn(path for both in paths for path in both)
    return [
        FlowFiles(both, (facts[both[0]].digest, facts[both[1]].digest), all(facts[p].readable for p in both))
        for both in paths
    ]


def read_flow(path: Path) -> npt.NDArray[Any]:
    """Read the array of a `.npy` file; pickled objects are refused.

    Raises
    ------
    DataError
        The file is missing, truncated, or not such a file.
    """
    try:
        with path.open("rb") as file:
            return np.asarray(np.lib.format.read_array(file, allow_pickle=False))
    except OSError as error:
        raise DataError(
            f"{path}: cannot be read ({error.strerror}); expected {FLOWS[0]} and {FLOWS[1]} in a folder "
            "named as the pair; check coarse_flow.imported_from"
        ) from None
    except (ValueError, EOFError, MemoryError) as error:  # a damaged header may claim any size
        found = "empty file" if path.stat().st_size == 0 else str(error).splitlines()[0]
        raise DataError(
            f"{path}: not a .npy file of numbers ({found}); expected a float array of shape "
            "(2, height, width); replace the file"
        ) from None
