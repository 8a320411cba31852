"""Downloading a weights file, so that an interruption loses nothing and no wrong file is taken for it.

While it comes, a file is called `<name>.part`; `<name>.part.tag` beside it keeps the server's tag of the
version that it is a part of, so that a part is never continued with another version. This is more than
`torch.hub.download_url_to_file` and pooch do: both start over after an interruption, so that a large file
may never arrive over a connection that keeps breaking.
"""

from __future__ import annotations

import errno
import http.client
import io
import shutil
import time
from collections.abc import Callable
from http.client import HTTPMessage
from pathlib import Path
from typing import Any
from urllib.error import HTTPError, URLError
from urllib.parse import urlsplit
from urllib.request import HTTPRedirectHandler, Request, build_opener

from animeinterp.configs.errors import WeightsError
from animeinterp.models.weights.files import file_digest

CHUNK = 1 << 20  # bytes
TIMEOUT = 30.0  # s without a byte
ATTEMPTS = 4
MOST_BYTES = 10_000_000_000  # no weights are so large; a server that sends more sends something else
WAIT = 1.0  # s before the second attempt, doubled before each further one

Progress = Callable[[int, int | None], object]
"""Called with the bytes that are there, and those there will be, where the server says."""


def download(
    url: str, target: Path, sha256: str = "", on_progress: Progress | None = None, wait: float = WAIT
) -> str:
    """Download a file over http or https, going on with what an earlier attempt left.

    Parameters
    ----------
    url
        Where it is.
    target
        What it is called when it is there and right; replaced when it exists.
    sha256
        Its SHA-256 in hexadecimal, or the first digits; empty where nothing is known.
    on_progress
        Told how far it is.
    wait
        Seconds before a second attempt.

    Returns
    -------
    str
        The file's SHA-256.

    Raises
    ------
    WeightsError
        Another kind of address, a server that refuses, does not answer or points to a less safe address, a
        connection lost several times, a full disk, a file that is too large or has another digest. What came
        is kept, except in the last two cases.
    """
    if urlsplit(url).scheme not in ("http", "https") or not urlsplit(url).netloc:
        raise WeightsError(f"{url}: not the address of a file, expected http://... or https://...")
    part = target.with_name(f"{target.name}.part")
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        _fetch(url, part, on_progress or (lambda *_: None), wait)
    except OSError as error:
        full = error.errno in (errno.ENOSPC, errno.EDQUOT)
        raise WeightsError(
            f"{part}: cannot be written ({error.strerror or error}); "
            + ("make room and run again, which goes on from there" if full else "choose another folder")
        ) from None
    digest = file_digest(part)
    if not digest.startswith(sha256.lower()):
        part.unlink()
        _tag_file(part).unlink(missing_ok=True)
        expected = sha256 if len(sha256) == len(digest) else f"{sha256}..."
        raise WeightsError(
            f"{url}: the file has SHA-256 {digest}, expected {expected}; it was thrown away: the server has "
            "another file, or it was changed on its way"
        )
    part.replace(target)
    _tag_file(part).unlink(missing_ok=True)
    return digest


class _LostError(Exception):
    """The connection broke; another attempt may go on."""


class _SafeRedirects(HTTPRedirectHandler):
    """Follows a server to http and https, and from https to https only."""

    def redirect_request(
        self, req: Request, fp: Any, code: int, msg: str, headers: HTTPMessage, newurl: str
    ) -> Request | None:
        """Follow, or refuse."""
        scheme = urlsplit(newurl).scheme
        if scheme not in ("https", req.type):
            fp.close()
            raise WeightsError(
                f"{req.full_url}: points to {newurl}, which is not followed; check the address"
            )
        return super().redirect_request(req, fp, code, msg, headers, newurl)


def _fetch(url: str, part: Path, on_progress: Progress, wait: float) -> None:
    for attempt in range(ATTEMPTS):
        if attempt:
            time.sleep(wait * 2 ** (attempt - 1))
        try:
            _go_on(url, part, on_progress)
        except _LostError as lost:
            reason = str(lost)
        else:
            return
    there = part.stat().st_size if part.exists() else 0
    kept = f"{there} bytes are kept in {part}: run again to go on from there" if there else "run again later"
    raise WeightsError(f"{url}: {reason} {ATTEMPTS} times; {kept}")


def _go_on(url: str, part: Path, on_progress: Progress) -> None:
    """One attempt: ask for what is missing and append it, or begin anew where the server has another file."""
    there = part.stat().st_size if part.exists() else 0
    tag = _tag_file(part).read_text(encoding="utf-8") if there and _tag_file(part).exists() else ""
    if there and not tag:
        there = 0  # of which version it is a part cannot be told
    headers = {"Range": f"bytes={there}-", "If-Range": tag} if there else {}
    try:
        with build_opener(_SafeRedirects).open(Request(url, headers=headers), timeout=TIMEOUT) as answer:
            continued = answer.status == http.client.PARTIAL_CONTENT
            there = there if continued else 0
            left = answer.headers.get("Content-Length")
            total = there + int(left) if left is not None and left.isdecimal() else None
            new_tag = answer.headers.get("ETag") or answer.headers.get("Last-Modified") or ""
            # A weak tag does not promise the same bytes.
            new_tag = "" if new_tag.startswith("W/") else new_tag
            if continued and not answer.headers.get("Content-Range", "").startswith(f"bytes {there}-"):
                raise _LostError("the server went on from another place than it was asked to")
            _tag_file(part).write_text(new_tag, encoding="utf-8")
            with part.open("ab" if continued else "wb", buffering=0) as file:
                there = _copy(answer, file, there, total, on_progress)
    except HTTPError as error:
        error.close()
        if error.code == http.client.REQUESTED_RANGE_NOT_SATISFIABLE:
            part.unlink()  # longer than the file, or complete: begin anew
            raise _LostError("the part here did not fit the file there") from None
        if error.code >= http.client.INTERNAL_SERVER_ERROR:
            raise _LostError(f"the server answered {error.code} {error.reason}") from None
        raise WeightsError(
            f"{url}: the server answered {error.code} {error.reason}; check the address, or give another one"
        ) from None
    except URLError as error:
        raise _LostError(f"the server could not be reached ({error.reason})") from None
    except (ConnectionError, TimeoutError, ValueError, http.client.HTTPException) as error:
        raise _LostError(f"the connection was lost ({type(error).__name__})") from None
    if total is not None and there != total:
        raise _LostError(f"the connection was lost at {there} of {total} bytes")


def _copy(
    answer: http.client.HTTPResponse, file: io.FileIO, there: int, total: int | None, on_progress: Progress
) -> int:
    if total is not None and total > MOST_BYTES:
        raise _too_large(file)
    free = shutil.disk_usage(Path(str(file.name)).parent).free
    if total is not None and total - there > free:
        raise OSError(errno.ENOSPC, f"{total - there} bytes are to come and {free} are free")
    on_progress(there, total)
    while chunk := answer.read1(CHUNK):  # as it comes, so that a part is all that came
        file.write(chunk)
        there += len(chunk)
        on_progress(there, total)
        if there > MOST_BYTES:
            raise _too_large(file)
    return there


def _too_large(file: io.FileIO) -> WeightsError:
    part = Path(str(file.name))
    part.unlink()
    _tag_file(part).unlink(missing_ok=True)
    return WeightsError(
        f"{part.stem}: the server sends more than {MOST_BYTES / 1e9:g} GB, which are no weights; what came "
        "was thrown away: check the address"
    )


def _tag_file(part: Path) -> Path:
    return part.with_name(f"{part.name}.tag")
