"""Scores of a run as tables."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from types import MappingProxyType
from typing import Any, Literal

import numpy as np
import pandas as pd

from animeinterp.configs.files import replace_file
from animeinterp.configs.names import shown
from animeinterp.data.manifest import STYLE_OF_PREFIX
from animeinterp.pipeline.planning.session import Session
from animeinterp.pipeline.store.csv_tables import as_csv
from animeinterp.pipeline.store.shards import DamagedShardError
from animeinterp.pipeline.store.stage_index import Location
from animeinterp.pipeline.store.written_results import SCORES_CSV, SCORES_PARQUET
from animeinterp.stages.metrics import FLOW_METRICS, METRICS

LEVEL_NAMES = {0: "easy", 1: "medium", 2: "hard"}  # ATD-12K's levels
GROUPED_BY = ("source", "level", "motion", "behavior")
ABOUT_PAIRS = ("id", *GROUPED_BY)
"""Columns of the score table that describe the pair."""
FINGERPRINT = "fingerprint"
"""Column with the fingerprint of the evaluation that computed the scores; it covers all earlier stages."""
SCORE_COLUMNS = (*ABOUT_PAIRS, *METRICS, FINGERPRINT)


@dataclass(frozen=True, slots=True)
class Metric:
    """How a score is shown."""

    name: str
    label: str
    better: Literal["higher", "lower"]
    digits: int = 4
    """After the point."""
    unit: str = ""
    factor: float = 1.0
    """By which values are multiplied to be read easily."""
    short: str = ""
    """The label where there is little room."""

    @property
    def heading(self) -> str:
        """Of a column in a narrow table."""
        return self.short or f"{self.label} {self.unit}".strip()

    @property
    def title(self) -> str:
        """Label and unit, unlike those of any other score."""
        return ", ".join(filter(None, (self.label, self.unit)))

    def text(self, value: float) -> str:
        """A value for people."""
        if math.isnan(value):
            return "–"
        return "∞" if math.isinf(value) else f"{value * self.factor:.{self.digits}f}"

    def with_unit(self, value: float) -> str:
        """A value where no heading has its unit: `24.31 dB`, `7.43 × 10⁻⁵`."""
        return self._in_unit(self.text(value))

    def change(self, difference: float) -> str:
        """A difference of two values, with its sign; without its unit."""
        if math.isnan(difference):
            return "–"
        text = f"{difference * self.factor:+#.3g}".rstrip(".") if difference else "0"
        return text.replace("inf", "∞")

    def change_with_unit(self, difference: float) -> str:
        """The same with its unit."""
        return self._in_unit(self.change(difference))

    def _in_unit(self, text: str) -> str:
        if not self.unit or text == "–":
            return text
        return f"{text} {self.unit}" if self.factor == 1 else f"{text} × {self.unit}"


def _of_flow(name: str) -> Metric:
    """`coarse_epe01_moving` -> `coarse EPE 0→1, moving`."""
    flow, error, *part = name.split("_")
    label = ", ".join([f"{flow} EPE {error[-2]}→{error[-1]}", *part])
    return Metric(name, label, "lower", 2, "px", short="".join(part) or f"{flow} EPE")


_METRICS = (
    Metric("psnr", "PSNR", "higher", 2, "dB"),
    Metric("ssim", "SSIM", "higher"),
    Metric("ie", "IE", "lower", 2),
    Metric("psnr_roi", "RoI PSNR", "higher", 2, "dB", short="RoI PSNR"),
    Metric("ssim_roi", "RoI SSIM", "higher"),
    Metric("ie_roi", "RoI IE", "lower", 2),
    Metric("ssim_gaussian", "SSIM, Gaussian", "higher", short="SSIM gauss."),
    Metric("chamfer", "Chamfer", "lower", 2, "10⁻⁵", 1e5, "Chamfer 1e-5"),
    Metric("lpips", "LPIPS", "lower"),
    *map(_of_flow, FLOW_METRICS),
    Metric("match_precision", "match precision", "higher", 3, short="precision"),
    Metric("match_precision_moved", "match precision, moved", "higher", 3, short="of moved"),
    Metric("match_recall", "match recall", "higher", 3, short="recall"),
)
SCORE_LABELS: Mapping[str, Metric] = MappingProxyType({metric.name: metric for metric in _METRICS})


@dataclass(frozen=True, slots=True)
class DamagedScores:
    """A shard with unreadable scores."""

    path: Path
    items: Mapping[str, str]
    """Pairs, with the damage found."""

    def __str__(self) -> str:
        (pair, why), *others = self.items.items()
        more = f" and of {len(others)} more of its pairs" if others else ""
        return f"{self.path}: the scores of {pair!r}{more} are damaged ({why})"


def score_table(session: Session) -> pd.DataFrame:
    """Scores of each pair that has any.

    Returns
    -------
    DataFrame
        One row per pair: `id`, `source` (`Japan`, `Disney` or `other`, by the id), `level`, `motion`,
        `behavior` where annotated, a column for each of `stages.metrics.METRICS` (nan = not scored), and
        the `fingerprint` of the evaluation.

    Raises
    ------
    DamagedShardError
        Scores are damaged.
    """
    return _table([_row(session, item, location) for item, location in _scored(session)])


def readable_scores(session: Session) -> tuple[pd.DataFrame, list[DamagedScores]]:
    """Table of the undamaged scores, and the shards with damaged ones."""
    rows: list[dict[str, Any]] = []
    damaged: dict[Path, dict[str, str]] = {}
    for item, location in _scored(session):
        try:
            rows.append(_row(session, item, location))
        except DamagedShardError as error:
            damaged.setdefault(error.path, {})[error.item] = error.why
    return _table(rows), [DamagedScores(path, items) for path, items in damaged.items()]


def _scored(session: Session) -> Iterator[tuple[int, Location]]:
    """Pairs that have scores, with where these are kept."""
    for item, location in session.locations("evaluation"):
        if location is not None and location.record.status == "ok":
            yield item, location


def _row(session: Session, item: int, location: Location) -> dict[str, Any]:
    scores = location.read()["scores"]
    pair = session.manifest.pairs[item]
    note = pair.annotation
    return {
        "id": pair.id,
        "source": _source(pair.id),
        "level": None if note is None or note.level is None else LEVEL_NAMES[note.level],
        "motion": None if note is None else _text(note.general_motion_type),
        "behavior": None if note is None else _text(note.behavior),
        **dict(zip(METRICS, scores.tolist(), strict=True)),
        FINGERPRINT: session.fingerprints["evaluation"],
    }


def _table(rows: list[dict[str, Any]]) -> pd.DataFrame:
    return pd.DataFrame(rows, columns=list(SCORE_COLUMNS))


def _text(note: object) -> str | None:
    """The annotated word as text; the format does not guarantee that it is one word."""
    if note is None or note in ("", []):
        return None
    return shown(" + ".join(map(str, note)) if isinstance(note, list) else str(note))


def _source(pair_id: str) -> str:
    return next((prefix.rstrip("_") for prefix in STYLE_OF_PREFIX if pair_id.startswith(prefix)), "other")


def summarise(table: pd.DataFrame) -> pd.DataFrame:
    """Mean scores of all pairs, then by source, level, type of motion and behaviour.

    Returns
    -------
    DataFrame
        Indexed by the names of the groups; the column `by` is what the groups are formed by (empty for
        `all`), `pairs` counts, the others are means over the pairs that have the score. A perfect frame has
        an infinite PSNR and makes its mean infinite.
    """
    means = {
        name: {"by": by, "pairs": len(part), **{m: _mean(part[m].to_numpy(np.float64)) for m in METRICS}}
        for name, (by, part) in group_pairs(table).items()
    }
    return pd.DataFrame.from_dict(means, orient="index")


def group_pairs(table: pd.DataFrame) -> dict[str, tuple[str, pd.DataFrame]]:
    """Rows of a table of pairs: all, then by source, level, type of motion and behaviour.

    Returns
    -------
    dict
        By name of the group: the column that forms it, empty for `all`, and its rows. Ambiguous names are
        prefixed with the column's name.
    """
    groups = {"all": ("", table)}
    for column in GROUPED_BY:
        known = table[column].dropna().unique()
        names = LEVEL_NAMES.values() if column == "level" else sorted(known)
        for name in names:
            part = table[table[column] == name]
            if len(part):
                groups[f"{column} {name}" if name in groups else name] = (column, part)
    return groups


def _mean(values: np.ndarray[Any, np.dtype[np.float64]]) -> float:
    known = values[~np.isnan(values)]
    return float(known.mean()) if known.size else float("nan")


def write_scores(folder: Path, scores: pd.DataFrame) -> list[str]:
    """Write `scores.csv` and, where pyarrow is installed, `scores.parquet`; return the names.

    Without pyarrow an earlier `scores.parquet` is removed: it would be taken for one of these scores.

    Raises
    ------
    OSError
        The folder cannot be written.
    """
    replace_file(folder / SCORES_CSV, as_csv(scores), flush=True)
    if find_spec("pyarrow") is None:
        (folder / SCORES_PARQUET).unlink(missing_ok=True)
        return [SCORES_CSV]
    table = scores.to_parquet(None, engine="pyarrow", index=False)
    replace_file(folder / SCORES_PARQUET, table, flush=True)
    return [SCORES_CSV, SCORES_PARQUET]
