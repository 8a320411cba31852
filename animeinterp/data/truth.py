"""The exact truth of a drawn pair's motion: flows, occlusions and pieces.

It has a root of its own beside the split's frames: `<root>/<id>/truth.npz`.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any
from zipfile import BadZipFile

import numpy as np
from numpy.typing import NDArray

from animeinterp.configs.errors import DataError

TRUTH_FOLDERS = {"test": "test_2k_truth", "train": "train_10k_truth"}
TRUTH_TIME = 0.5
"""Time of a triplet's ground truth: it is the middle frame."""
TRUTH_FILE = "truth.npz"
TRUTH_ARRAYS = ("flow01", "flow10", "occluded01", "occluded10", "pieces0", "pieces1")


def read_truth(path: Path) -> dict[str, NDArray[Any]]:
    """Read one `truth.npz`.

    Returns
    -------
    dict
        `flow01`, `flow10` float32 (2, H, W); `occluded01`, `occluded10` bool (H, W); `pieces0`,
        `pieces1` int32 (H, W). Meanings as in `data.cartoon.CartoonTriplet`.

    Raises
    ------
    configs.errors.DataError
        If the file is missing, damaged or lacks an array, or the arrays do not fit each other.
    """
    try:
        with path.open("rb") as stream, np.load(stream, allow_pickle=False) as archive:
            truth = {name: archive[name] for name in TRUTH_ARRAYS}
    except (OSError, KeyError, ValueError, EOFError, BadZipFile) as error:
        raise DataError(
            f"{path}: not a readable truth file ({error}); expected arrays {', '.join(TRUTH_ARRAYS)}; "
            "remove it and write the dataset again"
        ) from error
    size = truth["pieces0"].shape
    for name, array in truth.items():
        expected = (2, *size) if name.startswith("flow") else size
        if array.shape != expected or len(size) != 2:
            raise DataError(
                f"{path}: {name} has shape {array.shape}, expected {expected} as pieces0 is {size}; "
                "remove the file and write the dataset again"
            )
    return truth
