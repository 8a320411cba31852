"""The pages of a comparison: an overview, and the pages of the pairs that changed most side by side."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from animeinterp.data.images import write_file
from animeinterp.pipeline.compute.method_notes import methods_line
from animeinterp.pipeline.pages.html_files import render
from animeinterp.pipeline.pages.inspect.pair_pages import Link, page_address, page_links, write_pages
from animeinterp.pipeline.pages.report.pairs import Thumbnail, thumbnails
from animeinterp.pipeline.results.better_side import better_by
from animeinterp.pipeline.results.diff_measures import Measure
from animeinterp.pipeline.results.diff_summary import (
    BETTER,
    COLUMNS,
    MeasureSummary,
    summaries,
    verdict,
)
from animeinterp.pipeline.results.reading import Results
from animeinterp.pipeline.results.result_diff import StageComparison, stages_apart
from animeinterp.pipeline.results.scores import SCORE_LABELS
from animeinterp.pipeline.store.csv_tables import as_csv

PAGE_NAME = "index.html"
SIDES = ("A", "B")
PAIRS_FOLDER = "pairs/"
CARD_SCORES = ("psnr", "ssim", "ie")
MOST_ROWS = 20  # rows of a stage's table on the page; the CSV beside it has all
STYLE = "diff/difference.css"


@dataclass(frozen=True, slots=True)
class SideCard:
    """One side of a pair, on the overview."""

    letter: str
    pictures: Sequence[Thumbnail]
    note: str = ""
    """Why there are none."""


@dataclass(frozen=True, slots=True)
class PairCard:
    """A pair on the overview."""

    id: str
    address: str
    """Address of the page that shows both sides; empty if one of them cannot be shown."""
    sides: Sequence[SideCard]
    scores: str
    """How its scores change from A to B, and which side has the better ones; empty without."""


@dataclass(frozen=True, slots=True)
class StageCard:
    """A stage on the overview."""

    name: str
    counts: str
    explanations: Sequence[str]
    measures: Sequence[MeasureSummary]
    """Those in which items differ."""
    rows: Sequence[tuple[str, Sequence[tuple[str, str]]]]
    """Ids of the items that differ most, with texts of these measures, each with the better side, if any."""
    total: int

    @property
    def columns(self) -> Mapping[str, str]:
        """Columns of the table of measures, with what they mean."""
        return {name: COLUMNS[name] for name in self.measures[0].cells()}

    @property
    def scored(self) -> bool:
        """Whether one side may be better."""
        return BETTER in self.columns


def write_page(
    folder: Path,
    names: tuple[str, str],
    sides: tuple[Results, Results],
    comparisons: Sequence[StageComparison],
    pairs: Sequence[str],
) -> Path:
    """Write the overview, a table of each stage as CSV, and the pages of pairs.

    Pages of A are in `a/`, those of B in `b/`, and those that show both side by side in `pairs/`.

    Parameters
    ----------
    folder
        Where it goes.
    names
        What A and B are called.
    sides, comparisons
        A and B, and their comparison.
    pairs
        Ids of those to be shown; only sides with a config can show any.

    Returns
    -------
    Path
        Of the overview.

    Raises
    ------
    DataError
        The folder cannot be written.
    """
    shown = all(side.session is not None for side in sides)
    for number, name in enumerate(pairs):
        for letter, side in zip(SIDES, sides, strict=True):
            if side.session is not None:
                write_pages(side.session, [name], folder / letter.lower())
        if shown:
            links = page_links(pairs, number, Link("Overview", PAGE_NAME), PAIRS_FOLDER)
            write_file(folder / PAIRS_FOLDER / f"{name}.html", render_pair(name, names, links))
    for compared in comparisons:
        write_file(folder / f"{compared.stage}.csv", as_csv(compared.table, index=True))
    page = render(
        "diff/index.html",
        STYLE,
        title=f"{names[0]} and {names[1]}",
        names=names,
        methods=["" if side.session is None else methods_line(side.session.config) for side in sides],
        verdict=list(verdict(comparisons)),
        apart=list(stages_apart(*sides)),
        pairs=[_pair_card(name, sides, shown, comparisons) for name in pairs],
        stages=[_stage_card(compared) for compared in comparisons],
    )
    write_file(folder / PAGE_NAME, page)
    return folder / PAGE_NAME


def render_pair(name: str, names: tuple[str, str], links: Sequence[Link] = ()) -> bytes:
    """A page that shows the pages of a pair in A and in B side by side, synchronised, as HTML.

    Parameters
    ----------
    name
        Id of the pair; if it has slashes, its page is in a subfolder.
    names
        What A and B are called.
    links
        Pages beside it.
    """
    up = "../" * (name.count("/") + 1)
    beside = [
        {"letter": letter, "name": called, "address": f"{up}{page_address(name, f'{letter.lower()}/')}"}
        for letter, called in zip(SIDES, names, strict=True)
    ]
    content = {"title": name, "links": links, "pages": beside}
    return render("diff/pair.html", STYLE, ["diff/pair.js"], frames=True, **content)


def _pair_card(
    name: str, sides: tuple[Results, Results], shown: bool, comparisons: Sequence[StageComparison]
) -> PairCard:
    cards = [
        SideCard(letter, thumbnails(side.session, name))
        if side.session is not None
        else SideCard(letter, (), "has no config, so its frames are unknown and nothing can be drawn")
        for letter, side in zip(SIDES, sides, strict=True)
    ]
    address = page_address(name, PAIRS_FOLDER) if shown else ""
    return PairCard(name, address, cards, "; ".join(_changes(name, comparisons)))


def _changes(name: str, comparisons: Sequence[StageComparison]) -> Iterator[str]:
    """How the scores of a pair's frames change: `PSNR +0.5 dB (B is better)`."""
    for compared in comparisons:
        if compared.stage == "evaluation" and name in compared.table.index:
            rows = compared.table.loc[[name]]
            for metric in map(SCORE_LABELS.__getitem__, CARD_SCORES):
                value = float(rows[metric.name].iloc[0])
                if side := better_by(metric, value):
                    yield f"{metric.label} {metric.change_with_unit(value)} ({side} is better)"


def _stage_card(compared: StageComparison) -> StageCard:
    found = summaries(compared)
    return StageCard(
        compared.stage,
        compared.counts,
        list(compared.explanations()),
        found,
        [
            (str(name), [_cell(summary.measure, float(row[summary.measure.name])) for summary in found])
            for name, row in compared.table.head(MOST_ROWS).iterrows()
        ],
        len(compared.table),
    )


def _cell(measure: Measure, value: float) -> tuple[str, str]:
    """The text of a value, and the side that it speaks for."""
    return measure.text(value), "" if measure.score is None else better_by(measure.score, value)
