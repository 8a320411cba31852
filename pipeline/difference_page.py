"""The page of a comparison: settings and numbers, and the pairs that changed most side by side."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from html import escape
from pathlib import Path
from urllib.parse import quote

from data.images import write_file
from pipeline.contact_sheet import write_contact_sheet
from pipeline.differences import StageComparison
from pipeline.reading import Results
from pipeline.stage_differences import measures_of

PAGE_NAME = "index.html"
SIDES = ("a", "b")
MOST_ROWS = 20  # of a stage's table on the page; the CSV beside it has them all

STYLE = """
:root { color-scheme: light dark; font: 15px/1.5 system-ui, sans-serif; }
body { margin: 0 auto; max-width: 110rem; padding: 1rem; }
table { border-collapse: collapse; display: block; overflow-x: auto; }
th, td { padding: .2rem .7rem; text-align: right; border-bottom: 1px solid #8884; }
th:first-child, td:first-child { text-align: left; }
.pair { display: grid; grid-template-columns: repeat(auto-fit, minmax(22rem, 1fr)); gap: 1rem; }
figure { margin: 0; } img { width: 100%; height: auto; }
"""


def write_page(
    folder: Path,
    names: tuple[str, str],
    sides: tuple[Results, Results],
    comparisons: Sequence[StageComparison],
    pairs: Sequence[str],
) -> Path:
    """Write the page, and contact sheets of pairs below `a/` and `b/`; return its path.

    Parameters
    ----------
    folder
        Where it goes.
    names
        What A and B are called.
    sides, comparisons
        A and B, and what came of comparing them.
    pairs
        Ids of those to be shown; only sides with a config can show any.

    Raises
    ------
    DataError
        The folder cannot be written.
    """
    body = [
        f"<h1>{escape(names[0])} and {escape(names[1])}</h1>",
        *(part for compared in comparisons for part in _stage(compared)),
        *(part for name in pairs for part in _pair(folder, name, names, sides)),
    ]
    text = (
        '<!doctype html><html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>{escape(names[0])} and {escape(names[1])}</title><style>{STYLE}</style></head>"
        f"<body>{''.join(body)}</body></html>"
    )
    write_file(folder / PAGE_NAME, text.encode())
    return folder / PAGE_NAME


def _stage(compared: StageComparison) -> Iterator[str]:
    yield f"<h2>{compared.stage}</h2>"
    listed = "".join(f"<li>{escape(explanation)}</li>" for explanation in compared.explanations())
    yield f"<ul>{listed}</ul>" if listed else ""
    count = len(compared.table)
    only = f", {len(compared.only_one)} only in A, {len(compared.only_other)} only in B"
    yield f"<p>{compared.identical} identical, {count} differ{only}</p>"
    if not count:
        return
    yield f'<p><a href="{compared.stage}.csv">all {count} as CSV</a></p><table><tr><th>id</th>'
    for measure in measures_of(compared.stage):
        yield f'<th title="{escape(measure.meaning)}">{escape(measure.name)}</th>'
    yield "</tr>"
    for name, row in compared.table.head(MOST_ROWS).iterrows():
        values = "".join(f"<td>{value:.4g}</td>" for value in row)
        yield f"<tr><td>{escape(str(name))}</td>{values}</tr>"
    yield "</table>"


def _pair(folder: Path, name: str, names: tuple[str, str], sides: tuple[Results, Results]) -> Iterator[str]:
    yield f'<h2>{escape(name)}</h2><div class="pair">'
    for side, title, results in zip(SIDES, names, sides, strict=True):
        if results.session is None:
            yield f"<p>{escape(title)} has no config: its frames are not known, and nothing can be drawn</p>"
            continue
        write_contact_sheet(results.session, name, folder / side / f"{name}.png")
        address = quote(f"{side}/{name}.png")
        caption = f"<figcaption>{side.upper()}: {escape(title)}</figcaption>"
        picture = f'<img src="{address}" alt="every stage of {escape(name)}">'
        yield f'<figure>{caption}<a href="{address}">{picture}</a></figure>'
    yield "</div>"
