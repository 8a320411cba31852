"""Shared by all pages: files, rendering, and the policy that forbids loading anything."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Sequence
from functools import cache
from hashlib import sha256
from importlib.resources import files
from typing import Any

from jinja2 import Environment, FunctionLoader, StrictUndefined
from markupsafe import Markup

from animeinterp.configs.names import fitting, name_of
from animeinterp.pipeline.store.sizes import in_bytes, in_time

BASE_STYLE = "base.css"
"""Common style of all pages; precedes a page's own style."""


def page_name(pair_id: str, suffix: str = ".html") -> str:
    """Name of the file that shows a pair."""
    return fitting(name_of(pair_id), suffix)


@cache
def page_file(name: str) -> str:
    """A file of a page: `inspect/page.js` is in `inspect/web/`."""
    *folder, file = name.split("/")
    return files("animeinterp.pipeline.pages").joinpath(*folder, "web", file).read_text(encoding="utf-8")


@cache
def _templates() -> Environment:
    found = Environment(
        loader=FunctionLoader(page_file),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    found.filters |= {"bytes": in_bytes, "seconds": in_time, "count": lambda number: f"{number:,}"}
    return found


def render(
    template: str, style: str, scripts: Sequence[str] = (), *, frames: bool = False, **content: Any
) -> bytes:
    """A page as self-contained HTML.

    Parameters
    ----------
    template, style, scripts
        Names of its files, as for `page_file`; without a script none runs.
    frames
        Whether the page may show pages beside it in frames.
    **content
        Values for the template; text is escaped.
    """
    styles = page_file(BASE_STYLE) + page_file(style)
    script = "\n".join(map(page_file, scripts))
    allowed = {"default-src": "'none'", "img-src": "data:", "style-src": _source(styles)}
    allowed |= {"script-src": _source(script)} if scripts else {}
    allowed |= {"frame-src": "'self'"} if frames else {}
    policy = "; ".join(f"{kind} {source}" for kind, source in allowed.items())
    page = _templates().get_template(template)
    text = page.render(content, policy=policy, style=Markup(styles), script=Markup(script))
    return text.encode(errors="backslashreplace")  # names that are not UTF-8


def _source(text: str) -> str:
    return f"'sha256-{b64encode(sha256(text.encode()).digest()).decode()}'"
