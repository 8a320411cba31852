"""The report of a run: one self-contained HTML page, with its tables beside it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, NamedTuple

import pandas as pd

from animeinterp.configs.errors import DataError
from animeinterp.configs.files import replace_file
from animeinterp.configs.names import command_line
from animeinterp.data.images import write_file
from animeinterp.pipeline.compute.method_notes import methods_line, weights_notes
from animeinterp.pipeline.pages.html_files import render
from animeinterp.pipeline.pages.inspect.pair_pages import write_pages
from animeinterp.pipeline.pages.report.contributing_runs import contributing_runs, machines, versions
from animeinterp.pipeline.pages.report.pairs import Thumbnail, inspect_folder, page_finder, thumbnails
from animeinterp.pipeline.pages.report.scores import (
    distribution,
    mean_scores,
    ranked,
    ranking_metric,
    shown_metrics,
)
from animeinterp.pipeline.pages.report.tables import ITEMS_CSV, item_table, stage_sums
from animeinterp.pipeline.planning.item_inputs import general_reason
from animeinterp.pipeline.planning.session import Session
from animeinterp.pipeline.results.past_runs import changed_settings
from animeinterp.pipeline.results.results_record import results_notes
from animeinterp.pipeline.results.scores import DamagedScores, Metric, readable_scores, write_scores
from animeinterp.pipeline.store.csv_tables import as_csv
from animeinterp.pipeline.store.written_results import SCORES_PARQUET
from animeinterp.stages.metrics import FRAME_METRICS

PAGE_NAME = "report.html"
WORST_SHOWN, BEST_SHOWN = 12, 4  # pairs with pictures: the page stays at some MB however many pairs there are
PAIRS_LISTED = 2000  # in the table of pairs: the test split of ATD-12K
FAILURES_LISTED = 500
SLOWEST_SHOWN = 10
RUNS_LISTED = 20


@dataclass(frozen=True, slots=True)
class PairCard:
    """A pair with its pictures."""

    id: str
    address: str
    """Of its page, from the report; empty where there is none."""
    score: float | None
    """The score by which it was chosen; None without scores."""
    pictures: Sequence[Thumbnail]


@dataclass(frozen=True, slots=True)
class SkipCount:
    """Items of a stage that were skipped for one reason."""

    stage: str
    reason: str
    count: int
    example: str
    """Id of one of them."""


class WrittenReport(NamedTuple):
    """A written report."""

    files: list[Path]
    """The page, then the tables."""
    damaged: list[DamagedScores]
    """Shards whose scores are left out."""


def write_report(
    session: Session, folder: Path, *, command: Sequence[str], rank_by: str = "psnr", pages: int = 0
) -> WrittenReport:
    """Write the report of a session, complete or not.

    Parameters
    ----------
    session
        The config, dataset and cache to look into.
    folder
        Where the page and the tables go.
    rank_by
        Score that ranks the pairs.
    pages
        For how many of the worst pairs to write pages, where `inspect` writes them.
    command
        Words of the command that runs the stages, which the page shows for missing results.

    Raises
    ------
    ConfigError
        Pairs cannot be ranked by this score.
    DataError
        A file cannot be written.

    Notes
    -----
    Damaged results count as missing.
    """
    metric = ranking_metric(rank_by)
    scores, damaged = readable_scores(session)
    for shard in damaged:
        session.discard(shard.path, shard.items)
    items = item_table(session)
    ranking = list(ranked(scores, metric)["id"])
    in_order = [session.manifest.pairs[pair].id for pair in sorted(session.layout.wanted_pairs)]
    pair_pages = inspect_folder(session.config)
    if pages:
        write_pages(session, (ranking or in_order)[:pages], pair_pages, command)
    try:
        tables = [*write_scores(folder, scores), ITEMS_CSV]
        replace_file(folder / ITEMS_CSV, as_csv(items))
    except OSError as error:
        raise DataError(f"{folder}: cannot be written ({error.strerror or error}); name another") from None
    content = {
        **_about(session, command, tables),
        "damaged": damaged,
        **_scored(session, scores, metric, ranking or in_order, page_finder(pair_pages, folder)),
        **_worked(session, items),
        **_made_by(session),
    }
    page = render("report/report.html", "report/report.css", ["report/report.js"], **content)
    write_file(folder / PAGE_NAME, page)
    return WrittenReport([folder / PAGE_NAME, *(folder / name for name in tables)], damaged)


def _about(session: Session, command: Sequence[str], tables: Sequence[str]) -> dict[str, Any]:
    accepted = [str(found) for stage in session.stages if (found := session.accepted(stage)) is not None]
    return {
        "title": session.manifest.root.name or str(session.manifest.root),
        "root": str(session.manifest.root.absolute()),
        "methods": methods_line(session.config, session.selection.last),
        "cache": str(session.config.store.cache.absolute()),
        "pairs": len(session.layout.wanted_pairs),
        "command": command_line(command),
        "tables": tables,
        "parquet_missing": SCORES_PARQUET not in tables,
        "notes": [
            *session.manifest.notes,
            *results_notes(session),
            *weights_notes(session.config, session.selection.last),
            *(f"accepted {text}" for text in accepted),
        ],
        "written": f"{datetime.now().astimezone():%Y-%m-%d %H:%M %Z}",
    }


def _scored(
    session: Session, scores: pd.DataFrame, metric: Metric, order: Sequence[str], find_page: Any
) -> dict[str, Any]:
    """Scores, and the pairs that are shown: `order` has the worst first."""
    known: dict[str, float] = dict(zip(scores["id"], scores[metric.name], strict=True))
    worst = order[: min(WORST_SHOWN, (len(order) + 1) // 2)]
    best = order[len(worst) :][-BEST_SHOWN:][::-1]
    metrics = shown_metrics(scores)
    of_frames = [shown for shown in metrics if shown.name in FRAME_METRICS]
    of_motion = [shown for shown in metrics if shown.name not in FRAME_METRICS]

    def card(pair_id: str) -> PairCard:
        score = known.get(pair_id) if metric in metrics else None
        return PairCard(pair_id, find_page(pair_id), score, thumbnails(session, pair_id))

    listed = ranked(scores, metric) if metric in metrics else scores
    return {
        "scored": len(scores),
        "metrics": of_frames,
        "motion_metrics": of_motion,
        "listed_metrics": of_frames if metric not in of_motion else [metric, *of_frames],
        "groups": mean_scores(scores),
        "distributions": [distribution(scores, shown) for shown in of_frames],
        "motion_distributions": [distribution(scores, shown) for shown in of_motion],
        "ranked_by": metric,
        "worst": [card(pair_id) for pair_id in worst],
        "best": [card(pair_id) for pair_id in best],
        "listed": listed.head(PAIRS_LISTED).to_dict("records"),
        "unlisted": max(0, len(listed) - PAIRS_LISTED),
        "page_of": find_page,
    }


def _worked(session: Session, items: pd.DataFrame) -> dict[str, Any]:
    failed = items[items["status"] == "failed"]
    done = items[items["status"] != "missing"]
    sums = stage_sums(session, items)
    return {
        "stages": sums,
        "failed": len(failed),
        "failures": failed.head(FAILURES_LISTED).to_dict("records"),
        "skipped": skip_counts(items),
        "missing": [found for found in sums if found.missing],
        "seconds": sum(found.seconds for found in sums),
        "size": sum(found.size for found in sums),
        "slowest": done[done["seconds"] > 0].nlargest(SLOWEST_SHOWN, "seconds").to_dict("records"),
        "mean_seconds": {found.stage: found.mean_seconds for found in sums},
    }


def _made_by(session: Session) -> dict[str, Any]:
    runs = contributing_runs(session)
    return {
        "runs": runs[:RUNS_LISTED],
        "earlier_runs": max(0, len(runs) - RUNS_LISTED),
        "machines": machines(runs),
        "versions": versions(session),
        "settings": changed_settings(session.config.model_dump(mode="json")),
        "descriptions": [session.descriptions[stage] for stage in session.stages],
    }


def skip_counts(items: pd.DataFrame) -> list[SkipCount]:
    """Skipped items by stage and reason; for those skipped after a failure, by the stage that failed."""
    skipped = items[items["status"] == "skipped"]
    reasons = skipped["reason"].map(general_reason)
    return [
        SkipCount(str(stage), str(reason), len(part), str(part["id"].iloc[0]))
        for (stage, reason), part in skipped.groupby(["stage", reasons], sort=False)
    ]
