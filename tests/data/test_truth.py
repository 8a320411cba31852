from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from animeinterp.configs.errors import DataError
from animeinterp.data.cartoon import draw_triplet
from animeinterp.data.truth import TRUTH_ARRAYS, read_truth

SIZE = (32, 56)


def save(path: Path, **changes: Any) -> Path:
    arrays = {
        name: np.zeros((2, *SIZE) if name.startswith("flow") else SIZE, np.int32) for name in TRUTH_ARRAYS
    }
    np.savez(path, **(arrays | changes))
    return path


def test_arrays_are_those_saved(tmp_path: Path) -> None:
    triplet = draw_triplet(3, SIZE)
    saved = {name: getattr(triplet, name) for name in TRUTH_ARRAYS}
    read = read_truth(save(tmp_path / "truth.npz", **saved, other=np.zeros(1)))
    assert read.keys() == saved.keys()
    for name, array in saved.items():
        np.testing.assert_array_equal(read[name], array)
        assert read[name].dtype == array.dtype


def test_unreadable_files_are_named(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="not a readable truth file"):
        read_truth(tmp_path / "truth.npz")
    np.savez(tmp_path / "other.npz", flow01=np.zeros(3))
    with pytest.raises(DataError, match=r"other\.npz"):
        read_truth(tmp_path / "other.npz")
    (tmp_path / "noise.npz").write_bytes(b"noise")
    with pytest.raises(DataError, match=r"noise\.npz"):
        read_truth(tmp_path / "noise.npz")


@pytest.mark.parametrize(
    ("name", "shape"),
    [("flow10", (2, 32, 55)), ("flow01", SIZE), ("occluded01", (1, *SIZE)), ("pieces1", (3,))],
)
def test_arrays_that_do_not_fit_each_other_are_named(
    tmp_path: Path, name: str, shape: tuple[int, ...]
) -> None:
    path = save(tmp_path / "truth.npz", **{name: np.zeros(shape)})
    with pytest.raises(DataError, match=f"truth.npz: {name} has shape"):
        read_truth(path)
