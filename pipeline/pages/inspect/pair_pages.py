"""Pages of pairs: self-contained HTML files, with an index where there are several."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from html import escape
from pathlib import Path
from string import Template
from typing import Any
from urllib.parse import quote

import cv2
import numpy as np

from data.images import Frame, write_file
from pipeline.pages.html_files import BASE_STYLE, content_policy, page_file, page_style
from pipeline.pages.inspect.embedded_pictures import data_uri
from pipeline.pages.inspect.frames_and_scores import score_text
from pipeline.pages.inspect.page_data import PAGE_FORMAT, about, page_data
from pipeline.planning.session import Session
from pipeline.results.pair_results import PairResults
from pipeline.store.fingerprints import canonical_digest
from stages.evaluation import METRICS

SCRIPTS = ("pictures", "layers", "viewport", "together", "view", "stage", "pieces", "record", "page")
"""Parts of the script, in their order; later ones use earlier ones."""
INDEX_SCORES = ("psnr", "ssim", "ie")
INDEX_PICTURE = 128  # px wide
HEAD_LENGTH = 4096  # bytes of a page in which its state stands
PAGE_END = b"</html>\n"
STATE_PATTERN = re.compile(r'<meta name="animeinterp-state" content="([0-9a-f]+)">')


@dataclass(frozen=True, slots=True)
class Link:
    """A page beside this one."""

    text: str
    path: str
    """From this page's folder, with slashes."""


def write_pages(
    session: Session, ids: Sequence[str], folder: Path, command: Sequence[str] = ()
) -> list[Path]:
    """Write the pages of pairs, and an index where there are several; those that would not change are left.

    Parameters
    ----------
    session
        The config, dataset and cache to look into.
    ids
        Pairs, each once.
    folder
        Where the pages go: `<id>.html` each, and the index, `index.html`.
    command
        Words of the command that runs the stages, as pages name it where something is missing.

    Returns
    -------
    list of Path
        One for each pair, after the index if there is one.

    Raises
    ------
    ConfigError
        No such pair; the message names similar ones.
    DataError
        A file cannot be written.
    """
    ids = list(dict.fromkeys(ids))
    for name in ids:
        PairResults(session, name)  # unknown ids are refused before anything is written
    paths = [folder / f"{name}.html" for name in ids]
    for number, path in enumerate(paths):
        view = PairResults(session, ids[number])  # it holds what it has read, so one at a time
        links = _links(ids, number)
        shown = [PAGE_FORMAT, _page_files(), list(command), [link.path for link in links], about(view)]
        state = canonical_digest([*shown, view.state()])
        if _state_in(path) != state:
            data = page_data(view, command)
            write_file(path, render_page(data, state if view.settled else "0", links).encode())
    if len(ids) == 1:
        return paths
    index = folder / _index_name(ids)
    write_file(index, render_index(PairResults(session, name) for name in ids).encode())
    return [index, *paths]


def _links(ids: Sequence[str], number: int) -> list[Link]:
    """Links from one page to the index and its neighbours; ids may hold slashes, and then stand deeper."""
    if len(ids) == 1:
        return []
    up = "../" * ids[number].count("/")
    links = [Link("All pairs", f"{up}{_index_name(ids)}")]
    if number > 0:
        links.append(Link("‹ Former", f"{up}{_address(ids[number - 1])}"))
    if number + 1 < len(ids):
        links.append(Link("Next ›", f"{up}{_address(ids[number + 1])}"))
    return links


def _index_name(ids: Sequence[str]) -> str:
    """Name of the index, another one where a pair's page is called so."""
    name = "index"
    while name in ids:
        name += "_"
    return f"{name}.html"


def _address(pair_id: str) -> str:
    return f"{quote(pair_id)}.html"


def render_page(data: Mapping[str, Any], state: str, links: Sequence[Link] = ()) -> str:
    """A page as HTML that needs no other file.

    Parameters
    ----------
    data
        From `pipeline.pages.inspect.page_data.page_data`.
    state
        Digest of what the page is made from, kept in it.
    links
        Pages beside it.
    """
    style = page_style("inspect/page.css")
    script = "\n".join(page_file(f"inspect/{name}.js") for name in SCRIPTS)
    text = json.dumps(data, ensure_ascii=False, separators=(",", ":"), allow_nan=False)
    return Template(page_file("inspect/page.html")).substitute(
        state=state,
        policy=content_policy(style, script),
        title=escape(str(data["id"])),
        links="".join(f'<a href="{escape(link.path)}">{escape(link.text)}</a>' for link in links),
        style=style,
        script=script,
        data=text.replace("<", "\\u003c"),  # which could end the script, or begin a comment
    )


def render_index(views: Iterable[PairResults]) -> str:
    """A page with links to the pages of several pairs, their pictures and scores."""
    style = page_style("inspect/page.css")
    columns = "".join(f'<th scope="col">{escape(name)}</th>' for name in ("", "pair", *INDEX_SCORES))
    rows = [_index_row(view) for view in views]
    return Template(page_file("inspect/index.html")).substitute(
        policy=content_policy(style),
        style=style,
        title=f"{len(rows)} pairs",
        columns=columns,
        rows="".join(rows),
    )


def _index_row(view: PairResults) -> str:
    name = view.pair.id
    frame = view.frame(0)
    picture = (
        "" if frame is None else f'<img src="{data_uri(_small(frame))}" alt="frame 0 of {escape(name)}">'
    )
    scores = view.found("evaluation").arrays.get("scores")
    texts = ["–"] * len(INDEX_SCORES)
    if scores is not None and len(scores) == len(METRICS):
        texts = [score_text(float(scores[METRICS.index(score)])) for score in INDEX_SCORES]
    cells = "".join(f"<td>{text}</td>" for text in texts)
    link = f'<a href="{escape(_address(name))}">{escape(name)}</a>'
    return f'<tr><td>{picture}</td><th scope="row">{link}</th>{cells}</tr>'


def _small(frame: Frame) -> Frame:
    height = max(1, round(frame.shape[0] * INDEX_PICTURE / frame.shape[1]))
    return np.asarray(cv2.resize(frame, (INDEX_PICTURE, height), interpolation=cv2.INTER_AREA), np.uint8)


@cache
def _page_files() -> str:
    """Digest of what pages are made with: when it changes, they are written again."""
    names = ("page.html", "page.css", *(f"{name}.js" for name in SCRIPTS))
    return canonical_digest(
        [page_file(name) for name in (BASE_STYLE, *(f"inspect/{name}" for name in names))]
    )


def _state_in(path: Path) -> str | None:
    try:
        with path.open("rb") as page:
            found = STATE_PATTERN.search(page.read(HEAD_LENGTH).decode("utf-8", "replace"))
            page.seek(-len(PAGE_END), os.SEEK_END)
            whole = page.read() == PAGE_END
    except OSError:
        return None
    return found[1] if found and whole else None
