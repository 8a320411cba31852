"""The scores of a run joined with those that earlier runs have written, so that none is lost by another."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import pandas as pd

from animeinterp.configs.errors import DataError
from animeinterp.pipeline.results.score_files import read_text_table
from animeinterp.pipeline.results.scores import ABOUT_PAIRS, FINGERPRINT, SCORE_COLUMNS
from animeinterp.pipeline.store.csv_tables import cell_text
from animeinterp.stages.metrics import METRICS

TEXTS = (*ABOUT_PAIRS, FINGERPRINT)


def read_written_scores(path: Path) -> pd.DataFrame:
    """The table that a run has written as `scores.csv`; cells that it lacks are empty.

    Raises
    ------
    DataError
        There is none, it has no rows, or it is no such table.
    """
    cells = read_text_table(path).reindex(columns=list(SCORE_COLUMNS), fill_value="")
    try:
        numbers = {metric: [float(cell or "nan") for cell in cells[metric]] for metric in METRICS}
    except ValueError as error:
        raise DataError(f"{path}: not a table of scores that a run has written ({error})") from None
    texts = {name: [cell_text(cell) or None for cell in cells[name]] for name in TEXTS}
    return pd.DataFrame({**texts, **numbers})[list(SCORE_COLUMNS)]


def merge_scores(
    scores: pd.DataFrame, former: pd.DataFrame, keeps: Callable[[str, str], bool], order: Sequence[str]
) -> pd.DataFrame:
    """Rows of a run, and the rows of earlier runs that stay.

    Parameters
    ----------
    scores, former
        Tables of a run and of those before it.
    keeps
        Whether an earlier row stays, by its id and fingerprint (empty where it is unknown).
    order
        Ids in the order of the dataset; other ids follow.
    """
    own = set(scores["id"])
    stay = [
        name not in own and keeps(name, fingerprint or "")
        for name, fingerprint in zip(former["id"], former[FINGERPRINT], strict=True)
    ]
    kept = former[stay]
    tables = [table for table in (scores, kept) if len(table)]
    if not tables:
        return scores
    position = {name: index for index, name in enumerate(order)}
    joined = pd.concat(tables, ignore_index=True) if len(tables) > 1 else tables[0]
    return joined.sort_values("id", key=lambda ids: ids.map(position), kind="stable", ignore_index=True)
