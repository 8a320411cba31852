"""Read scores from CSV files: those of other runs, and published ones with other column names."""

from __future__ import annotations

import csv
import re
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType

import numpy as np
import pandas as pd

from animeinterp.configs.errors import DataError
from animeinterp.pipeline.store.csv_tables import cell_text
from animeinterp.stages.metrics import METRICS

# Compared without case, spaces and signs.
ID_NAMES = ("id", "name", "triplet", "tripletid", "folder", "clip", "sample", "video")
OTHER_NAMES: Mapping[str, str] = MappingProxyType(
    {
        "psnrdb": "psnr",
        "interpolationerror": "ie",
        "roipsnr": "psnr_roi",
        "roissim": "ssim_roi",
        "roiie": "ie_roi",
        "gaussianssim": "ssim_gaussian",
        "chamferdistance": "chamfer",
        "cd": "chamfer",
    }
)
"""Names of scores elsewhere, beside their own here."""

NAMES_SHOWN = 8


def read_scores(path: Path) -> pd.DataFrame:
    """Read scores by pair.

    Parameters
    ----------
    path
        CSV with a header line, separated by commas, semicolons or tabs. One column holds the ids (`id`,
        `name`, `triplet`, `folder`, ...), one or more hold scores under their names here or usual ones
        (`PSNR`, `psnr_dB`, `IE`, ...). Other columns are ignored; an empty cell is an unknown score.

    Returns
    -------
    DataFrame
        `id` and a column for each of `stages.metrics.METRICS` that the file has, in their order.

    Raises
    ------
    DataError
        The file cannot be read, lacks ids or scores, names an id or a score twice, or has a score that is not
        a number.
    """
    table = read_text_table(path)
    columns = _known_columns(path, [str(name) for name in table.columns])
    found = pd.DataFrame({"id": table[columns.pop("id")].map(cell_text)})
    for metric in METRICS:
        if metric in columns:
            found[metric] = _numbers(path, columns[metric], table[columns[metric]])
    empty = np.flatnonzero(found["id"].str.strip() == "")
    if len(empty):
        raise DataError(f"{path}: line {empty[0] + 2} has no id; give it one or remove it")
    twice = found["id"][found["id"].duplicated()]
    if len(twice):
        raise DataError(f"{path}: id {twice.iloc[0]!r} occurs more than once; expected one line per pair")
    return found


def read_text_table(path: Path) -> pd.DataFrame:
    """The cells of a CSV file as text.

    Raises
    ------
    DataError
        The file cannot be read, is no CSV, has no line below its header, or lines of other lengths.
    """
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            head = file.readline()
            separator = max(",;\t", key=head.count)
            file.seek(0)
            rows = [row for row in csv.reader(file, delimiter=separator) if any(cell.strip() for cell in row)]
    except OSError as error:
        raise DataError(f"{path}: cannot be read ({error.strerror}); expected a CSV file of scores") from None
    except (UnicodeDecodeError, csv.Error) as error:
        raise DataError(f"{path}: not a CSV file ({error}); expected ids and scores as text") from None
    if len(rows) < 2:
        raise DataError(f"{path}: no scores; expected a header line and one line per pair")
    names, *lines = rows
    for number, line in enumerate(lines, start=2):
        if len(line) != len(names):
            raise DataError(
                f"{path}: line {number} has {len(line)} cells, expected {len(names)} as in line 1"
            )
    return pd.DataFrame(lines, columns=range(len(names)), dtype=str).set_axis(names, axis=1)


def _known_columns(path: Path, names: list[str]) -> dict[str, str]:
    """The file's name of the ids' column and of each score's."""
    own = {_plain(metric): metric for metric in METRICS} | dict(OTHER_NAMES) | dict.fromkeys(ID_NAMES, "id")
    columns: dict[str, str] = {}
    for name in names:
        known = own.get(_plain(name))
        if known is None:
            continue
        if known in columns:
            raise DataError(
                f"{path}: columns {columns[known]!r} and {name!r} are both {known!r}; rename or remove one"
            )
        columns[known] = name
    if "id" not in columns or len(columns) == 1:
        lacking = "ids" if "id" not in columns else "scores"
        expected = f"one of {', '.join(ID_NAMES)}" if lacking == "ids" else "psnr, ssim, ie or another score"
        shown = ", ".join(names[:NAMES_SHOWN]) + (", ..." if len(names) > NAMES_SHOWN else "")
        raise DataError(f"{path}: has no column of {lacking} among {shown}; expected {expected}; rename it")
    return columns


def _numbers(path: Path, name: str, cells: pd.Series[str]) -> pd.Series[float]:
    known = cells.str.strip()
    values = pd.to_numeric(known.where(known != "", "nan"), errors="coerce")
    wrong = values.isna() & ~known.str.lower().isin(["", "nan", "na", "-"])
    if wrong.any():
        line = int(np.flatnonzero(wrong)[0])
        raise DataError(f"{path}: {name} in line {line + 2} is {cells.iloc[line]!r}, expected a number")
    return values.astype(np.float64)


def _plain(name: str) -> str:
    return re.sub(r"[^a-z0-9]", "", name.lower())
