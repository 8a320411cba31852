"""Scores of a run as tables."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from data.manifest import STYLE_OF_PREFIX
from pipeline.session import Session
from stages.evaluation import METRICS

LEVEL_NAMES = {0: "easy", 1: "medium", 2: "hard"}  # ATD-12K's levels


def score_table(session: Session) -> pd.DataFrame:
    """Scores of each pair that has any.

    Returns
    -------
    DataFrame
        A row a pair: `id`, `source` (`Japan`, `Disney` or `other`, by the id), `level`, `motion`,
        `behavior` where annotated, and a column for each of `stages.evaluation.METRICS`; nan = not scored.
    """
    rows: list[dict[str, Any]] = []
    for item, location in session.locations("evaluation"):
        if location is None or location.record.status != "ok":
            continue
        scores = location.read()["scores"]
        pair = session.manifest.pairs[item]
        note = pair.annotation
        rows.append(
            {
                "id": pair.id,
                "source": _source(pair.id),
                "level": None if note is None or note.level is None else LEVEL_NAMES[note.level],
                "motion": None if note is None else note.general_motion_type,
                "behavior": None if note is None else note.behavior,
                **dict(zip(METRICS, scores.tolist(), strict=True)),
            }
        )
    return pd.DataFrame(rows, columns=["id", "source", "level", "motion", "behavior", *METRICS])


def _source(pair_id: str) -> str:
    return next((prefix.rstrip("_") for prefix in STYLE_OF_PREFIX if pair_id.startswith(prefix)), "other")


def summarise(table: pd.DataFrame) -> pd.DataFrame:
    """Mean scores of all pairs, then by source and by level.

    Returns
    -------
    DataFrame
        Indexed by group name; the column `pairs` counts, the others are means over the pairs that have
        the score. A perfect frame has an infinite PSNR and makes its mean infinite.
    """
    parts = {"all": table}
    groups = {"source": sorted(table["source"].unique()), "level": list(LEVEL_NAMES.values())}
    for column, names in groups.items():
        for name in names:
            part = table[table[column] == name]
            if len(part):
                parts[f"{column} {name}" if name in parts else name] = part
    means = {
        name: {"pairs": len(part), **{m: _mean(part[m].to_numpy(np.float64)) for m in METRICS}}
        for name, part in parts.items()
    }
    return pd.DataFrame.from_dict(means, orient="index")


def _mean(values: np.ndarray[Any, np.dtype[np.float64]]) -> float:
    known = values[~np.isnan(values)]
    return float(known.mean()) if known.size else float("nan")
