"""Pairs on a run's report: small pictures of the worst and best, links to the pages that `inspect` writes."""

from __future__ import annotations

import os
from base64 import b64encode
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

import cv2
import numpy as np

from animeinterp.configs.sections import Config
from animeinterp.data.images import Frame, to_uint8
from animeinterp.data.truth import TRUTH_TIME
from animeinterp.pipeline.pages.html_files import page_name
from animeinterp.pipeline.planning.session import Session
from animeinterp.pipeline.results.pair_results import PairResults
from animeinterp.pipeline.results.pictures import error_map

THUMBNAIL_SIDE = 400  # px, the longer one at most: sharp on fine screens, too
THUMBNAIL_QUALITY = 80  # of WebP: some 10 kB a picture
PAGE_SUFFIXES = (".html", ".png")  # of a pair's page, the better one first


@dataclass(frozen=True, slots=True)
class Thumbnail:
    """A small picture; without one, `note` says why there is none."""

    caption: str
    source: str = ""
    """`data:` address."""
    width: int = 0
    height: int = 0
    note: str = ""


def inspect_folder(config: Config) -> Path:
    """Folder where `inspect` writes the pages of pairs by default."""
    return (config.store.results or config.store.cache).parent / "inspect"


def page_finder(pages: Path, report: Path) -> Callable[[str], str]:
    """Function from a pair to the address of its page, relative to the report; empty without a page."""
    there = {path for suffix in PAGE_SUFFIXES for path in pages.rglob(f"*{suffix}")}
    way = Path(os.path.relpath(pages.absolute(), report.absolute()))

    def find(pair_id: str) -> str:
        names = (page_name(pair_id, suffix) for suffix in PAGE_SUFFIXES)
        return next((quote(os.fsencode(way / name)) for name in names if pages / name in there), "")

    return find


def thumbnails(session: Session, pair_id: str) -> list[Thumbnail]:
    """Frame 0, the result, the ground truth and the error; without a truth frame 1 instead of these two."""
    view = PairResults(session, pair_id)
    time, made = view.judged_time, view.arrays("synthesis")
    result = None if made is None else to_uint8(made["frames"][view.times.index(time)])
    pictures = [
        _thumbnail("frame 0", view.frame(0), "cannot be read"),
        _thumbnail(f"result, t = {time:g}", result, view.why("synthesis")),
    ]
    truth = view.truth()
    if truth is None:
        return [*pictures, _thumbnail("frame 1", view.frame(1), "cannot be read")]
    pictures.append(_thumbnail("ground truth", truth, ""))
    comparable = result is not None and time == TRUTH_TIME and result.shape == truth.shape
    error = error_map(result, truth) if result is not None and comparable else None
    return [*pictures, _thumbnail("error", error, "no frame of the same time and size to compare")]


def _thumbnail(caption: str, picture: Frame | None, note: str) -> Thumbnail:
    if picture is None:
        return Thumbnail(caption, note=note)
    height, width = picture.shape[:2]
    scale = min(1.0, THUMBNAIL_SIDE / max(height, width))
    size = (max(1, round(width * scale)), max(1, round(height * scale)))
    small = cv2.resize(picture, size, interpolation=cv2.INTER_AREA)
    _, encoded = cv2.imencode(
        ".webp", cv2.cvtColor(small, cv2.COLOR_RGB2BGR), [cv2.IMWRITE_WEBP_QUALITY, THUMBNAIL_QUALITY]
    )
    text = b64encode(np.asarray(encoded).tobytes()).decode()
    return Thumbnail(caption, f"data:image/webp;base64,{text}", *size)
