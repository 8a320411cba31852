"""Pages of pairs: self-contained HTML files, with an index for several."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any
from urllib.parse import quote

import cv2
import numpy as np
from markupsafe import Markup

from animeinterp.data.images import Frame, write_file
from animeinterp.pipeline.compute.method_notes import methods_line
from animeinterp.pipeline.pages.html_files import BASE_STYLE, page_file, page_name, render
from animeinterp.pipeline.pages.inspect.embedded_pictures import data_uri
from animeinterp.pipeline.pages.inspect.page_data import PAGE_FORMAT, about, page_data
from animeinterp.pipeline.planning.session import Session
from animeinterp.pipeline.results.pair_results import PairResults
from animeinterp.pipeline.results.scores import SCORE_LABELS
from animeinterp.pipeline.store.fingerprints import canonical_digest
from animeinterp.stages.metrics import METRICS

STYLE = "inspect/page.css"
SCRIPTS = tuple(
    f"inspect/{name}.js"
    for name in ("pictures", "layers", "viewport", "together", "view", "stage", "pieces", "record", "page")
)
"""Parts of the script, in their order; later ones use earlier ones."""
INDEX_SCORES = tuple(SCORE_LABELS[name] for name in ("psnr", "ssim", "ie"))
INDEX_PICTURE = 128  # px wide
HEAD_LENGTH = 4096  # bytes of a page that contain its state
PAGE_END = b"</html>"
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
    """Write the pages of pairs, and an index for several; unchanged pages are not rewritten.

    Parameters
    ----------
    session
        The config, dataset and cache to look into.
    ids
        Pairs, each once.
    folder
        Where the pages go: `<id>.html` each, and the index, `index.html`.
    command
        Words of the command that runs the stages, which pages show for missing results.

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
    paths = [folder / page_name(name) for name in ids]
    for number, path in enumerate(paths):
        view = PairResults(session, ids[number])  # it holds what it has read, so one at a time
        links = page_links(ids, number, Link("All pairs", _index_name(ids))) if len(ids) > 1 else []
        methods = methods_line(session.config)
        shown = [
            PAGE_FORMAT,
            _page_files(),
            list(command),
            [link.path for link in links],
            methods,
            about(view),
        ]
        state = canonical_digest([*shown, view.state()])
        if _state_in(path) != state:
            data = page_data(view, command)
            write_file(path, render_page(data, state if view.settled else "0", links))
    if len(ids) == 1:
        return paths
    index = folder / _index_name(ids)
    write_file(index, render_index(PairResults(session, name) for name in ids))
    return [index, *paths]


def page_links(ids: Sequence[str], number: int, overview: Link, folder: str = "") -> list[Link]:
    """Links from the page of a pair to an overview and to its neighbours.

    Pages are in `folder` below the overview, or in its subfolders if ids have slashes.
    """
    up = "../" * f"{folder}{ids[number]}".count("/")
    beside = (("‹ Previous", number - 1), ("Next ›", number + 1))
    links = [(overview.text, overview.path)]
    links += [(text, page_address(ids[at], folder)) for text, at in beside if 0 <= at < len(ids)]
    return [Link(text, f"{up}{path}") for text, path in links]


def page_address(pair_id: str, folder: str = "") -> str:
    """Address of a pair's page, from the folder that contains `folder`."""
    return f"{folder}{quote(os.fsencode(page_name(pair_id)))}"


def _index_name(ids: Sequence[str]) -> str:
    """Name of the index; another one if a pair's page has this name."""
    name = "index"
    while page_name(name) in map(page_name, ids):
        name += "_"
    return page_name(name)


def render_page(data: Mapping[str, Any], state: str, links: Sequence[Link] = ()) -> bytes:
    """A page as HTML that needs no other file.

    Parameters
    ----------
    data
        From `pipeline.pages.inspect.page_data.page_data`.
    state
        Digest of the page's sources, stored in it.
    links
        Pages beside it.
    """
    text = json.dumps(data, ensure_ascii=False, separators=(",", ":"), allow_nan=False)
    text = text.replace("<", "\\u003c")  # which could end the script, or begin a comment
    content = {
        "title": data["id"],
        "methods": data["methods"],
        "state": state,
        "links": links,
        "data": Markup(text),
    }
    return render("inspect/page.html", STYLE, SCRIPTS, **content)


def render_index(views: Iterable[PairResults]) -> bytes:
    """A page with links to the pages of several pairs, their pictures and scores."""
    rows = [_index_row(view) for view in views]
    columns = ("", "pair", *(metric.title for metric in INDEX_SCORES))
    return render("inspect/index.html", STYLE, title=f"{len(rows)} pairs", columns=columns, rows=rows)


def _index_row(view: PairResults) -> dict[str, Any]:
    frame = view.frame(0)
    scores = view.found("evaluation").arrays.get("scores")
    texts = ["–"] * len(INDEX_SCORES)
    if scores is not None and len(scores) == len(METRICS):
        texts = [metric.text(float(scores[METRICS.index(metric.name)])) for metric in INDEX_SCORES]
    return {
        "name": view.pair.id,
        "address": page_address(view.pair.id),
        "picture": "" if frame is None else data_uri(_small(frame)),
        "scores": texts,
    }


def _small(frame: Frame) -> Frame:
    height = max(1, round(frame.shape[0] * INDEX_PICTURE / frame.shape[1]))
    return np.asarray(cv2.resize(frame, (INDEX_PICTURE, height), interpolation=cv2.INTER_AREA), np.uint8)


@cache
def _page_files() -> str:
    """Digest of the code of pages: if it changes, they are rewritten."""
    names = (BASE_STYLE, "head.html", "inspect/page.html", STYLE, *SCRIPTS)
    return canonical_digest([page_file(name) for name in names])


def _state_in(path: Path) -> str | None:
    try:
        with path.open("rb") as page:
            found = STATE_PATTERN.search(page.read(HEAD_LENGTH).decode("utf-8", "replace"))
            page.seek(-len(PAGE_END), os.SEEK_END)
            whole = page.read() == PAGE_END
    except OSError:
        return None
    return found[1] if found and whole else None
