"""What all pages share: their files, and the policy by which they fetch nothing."""

from __future__ import annotations

from base64 import b64encode
from functools import cache
from hashlib import sha256
from importlib.resources import files

from jinja2 import Environment, PackageLoader, StrictUndefined

BASE_STYLE = "base.css"
"""Colours, type and what else looks the same on every page; stands before a page's own style."""


@cache
def page_file(name: str) -> str:
    """A file of a page, by its path from `pipeline`: `page/page.js`."""
    *folder, file = name.split("/")
    return files("pipeline.pages").joinpath(*folder, "web", file).read_text(encoding="utf-8")


def page_style(name: str) -> str:
    """Style of a page: what all have, and the page's own, by its path from `pipeline`."""
    return page_file(BASE_STYLE) + page_file(name)


@cache
def page_templates(folder: str) -> Environment:
    """Jinja's templates in a folder of `pipeline`; what is put into them is escaped."""
    return Environment(
        loader=PackageLoader("pipeline.pages", f"{folder}/web"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )


def content_policy(style: str, script: str | None = None, *, frames: bool = False) -> str:
    """Content security policy of a page: its own style, script and pictures; nothing is fetched.

    Parameters
    ----------
    style, script
        As they stand in the page; without a script none runs.
    frames
        Whether the page may show pages beside it in frames.
    """
    allowed = {"default-src": "'none'", "img-src": "data:", "style-src": _source(style)}
    if script is not None:
        allowed["script-src"] = _source(script)
    if frames:
        allowed["frame-src"] = "'self'"
    return "; ".join(f"{kind} {source}" for kind, source in allowed.items())


def _source(text: str) -> str:
    return f"'sha256-{b64encode(sha256(text.encode()).digest()).decode()}'"
