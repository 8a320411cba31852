from __future__ import annotations

import io

import numpy as np
import pandas as pd
import pytest

from animeinterp.pipeline.results.score_files import read_scores
from animeinterp.pipeline.store.csv_tables import as_csv, cell_text

IDS = ["=1+1", "+x", "-x", "@sum", "\tx", "plain", "'quoted", "a,b", 'say "x"', "猫", "'=x", "''-"]


def test_names_are_never_formulas_and_read_as_they_were() -> None:
    table = pd.DataFrame(
        {"id": IDS, "psnr": np.linspace(-3, 30, len(IDS)), "level": [None, *range(1, len(IDS))]}
    )
    read = pd.read_csv(io.BytesIO(as_csv(table)), dtype={"id": str})
    assert not any(str(cell).startswith(("=", "+", "-", "@", "\t", "\r")) for cell in read["id"])
    assert [cell_text(cell) for cell in read["id"]] == IDS
    np.testing.assert_allclose(read["psnr"], table["psnr"])  # negative numbers stay numbers
    assert read["level"].isna().sum() == 1


def test_an_index_is_written_as_well() -> None:
    table = pd.DataFrame({"psnr": [1.0]}, index=pd.Index(["=x"], name="id"))
    assert as_csv(table, index=True) == b"id,psnr\n'=x,1.0\n"


def test_ordinary_tables_are_as_pandas_writes_them() -> None:
    table = pd.DataFrame({"id": ["a", "b"], "psnr": [30.5, np.nan], "pairs": [1, 2], "ok": [True, False]})
    assert as_csv(table) == table.to_csv(index=False).encode()


def test_scores_are_read_back_by_their_ids(tmp_path: pytest.TempPathFactory) -> None:
    table = pd.DataFrame({"id": ["=1+1", "plain"], "psnr": [1.0, 2.0]})
    path = tmp_path / "scores.csv"  # type: ignore[operator]
    path.write_bytes(as_csv(table))
    assert list(read_scores(path)["id"]) == ["=1+1", "plain"]
