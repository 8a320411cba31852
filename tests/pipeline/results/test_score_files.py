from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from animeinterp.configs.errors import DataError
from animeinterp.pipeline.results.score_files import read_scores

# Single triplets of the public listing.
PUBLISHED = """triplet,PSNR,SSIM,IE
Disney_v4_0_000024_s2,31.2130,.96337,3.3147
Japan_v2_3_160208_s3,27.6233,.95521,4.5908
Japan_v2_3_168850_s3,28.6332,.96848,3.7769
"""


def write(tmp_path: Path, text: str) -> Path:
    path = tmp_path / "scores.csv"
    path.write_text(text, encoding="utf-8")
    return path


@pytest.mark.parametrize("separator", [",", ";", "\t"])
@pytest.mark.parametrize("mark", ["", "\ufeff"])
def test_published_listing(tmp_path: Path, separator: str, mark: str) -> None:
    table = read_scores(write(tmp_path, mark + PUBLISHED.replace(",", separator)))
    assert list(table.columns) == ["id", "psnr", "ssim", "ie"]
    assert table.loc[1].tolist() == ["Japan_v2_3_160208_s3", 27.6233, 0.95521, 4.5908]


@pytest.mark.parametrize(
    ("names", "metrics"),
    [
        ("id,psnr", ["psnr"]),
        ("Triplet ID,PSNR (dB),source,lpips", ["psnr", "lpips"]),
        ("lpips,NAME,Interpolation Error", ["ie", "lpips"]),
        ("folder,RoI_PSNR,SSIM-gaussian,CD", ["psnr_roi", "ssim_gaussian", "chamfer"]),
        ("id,coarse_epe01_moving,match_recall", ["coarse_epe01_moving", "match_recall"]),
    ],
)
def test_names_of_columns_are_taken_as_they_come(tmp_path: Path, names: str, metrics: list[str]) -> None:
    table = read_scores(write(tmp_path, f"{names}\n{','.join(['3'] * (names.count(',') + 1))}\n"))
    assert list(table.columns) == ["id", *metrics]
    assert table.loc[0].tolist() == ["3", *[3.0] * len(metrics)]


def test_cells_without_a_number(tmp_path: Path) -> None:
    table = read_scores(write(tmp_path, "id,psnr\n a ,inf\n\nb,\nc,nan\nd,N/A\n".replace("N/A", "NA")))
    assert list(table["id"]) == [" a ", "b", "c", "d"]
    assert table.loc[0, "psnr"] == math.inf
    assert table.loc[1:, "psnr"].isna().all()


def test_a_runs_own_table(tmp_path: Path) -> None:
    own = pd.DataFrame(
        {"id": ["007", "x"], "source": ["Japan"] * 2, "psnr": [1 / 3, np.nan], "ie": [2.0, 3.0]}
    )
    own.to_csv(tmp_path / "own.csv", index=False)
    pd.testing.assert_frame_equal(
        read_scores(tmp_path / "own.csv"), own.drop(columns="source"), check_dtype=False
    )


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "no scores"),
        ("id,psnr\n", "no scores"),
        ("clip_name,psnr\na,3\n", "no column of ids among clip_name, psnr; expected one of id, name"),
        ("id,vmaf\na,3\n", "no column of scores among id, vmaf; expected psnr, ssim, ie"),
        ("id,psnr,PSNR dB\na,3,3\n", "columns 'psnr' and 'PSNR dB' are both 'psnr'"),
        ("id,psnr\na,3\na,4\n", "id 'a' occurs more than once"),
        ("id,psnr\na,3\n,4\n", "line 3 has no id"),
        ("id,psnr\na,3\nb,good\n", "psnr in line 3 is 'good', expected a number"),
        ("id,psnr\na,3\nb\n", "line 3 has 1 cells, expected 2"),
    ],
)
def test_tables_that_cannot_be_used_are_refused(tmp_path: Path, text: str, said: str) -> None:
    with pytest.raises(DataError, match=f"scores.csv: .*{said}"):
        read_scores(write(tmp_path, text))


def test_files_that_are_no_text_or_absent_are_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="absent.csv: cannot be read"):
        read_scores(tmp_path / "absent.csv")
    (tmp_path / "noise.csv").write_bytes(bytes(range(256)))
    with pytest.raises(DataError, match="noise.csv: not a CSV file"):
        read_scores(tmp_path / "noise.csv")
