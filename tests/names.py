"""Names as file systems allow them, for tests of everything that names reach."""

from __future__ import annotations

import os

from hypothesis import strategies as st

ODD_NAMES = (
    b"\x83A1",  # Shift-JIS
    b"new\nline\nerror: all is lost",
    b"100% done",
    b"%04d",
    b"[a]*?",
    b"[red]",
    b"q'uo\"te",
    b"-dash",
    b"--help",
    b"~home",
    b" blank ",
    b"co:lon",
    b"a=b,c;d",
    b"<b>&amp;",
    b"\x1b[31mred",
    b"a\\x83",
    b"tab\tand\rreturn",
    "e\u0301".encode(),
    "é".encode(),
    "\u202egnp.a".encode(),
    "絵コンテ\u3000２".encode(),
    ("ä" * 127).encode(),
    b"x" * 255,
    b"\xff" * 255,
    b"index",
    b"None",
    b"x1\xc2\xb23",
)
"""Bytes of names, each odd in a way of its own."""


def decoded(names: tuple[bytes, ...] = ODD_NAMES) -> list[str]:
    """Names as Python has them."""
    return [os.fsdecode(name) for name in names]


def names(longest: int = 255) -> st.SearchStrategy[str]:
    """Any name of a visible file, as Python has it."""
    text = st.text(st.characters(exclude_categories=("Cs",)), min_size=1).map(str.encode)
    special = st.sampled_from([name for name in ODD_NAMES if len(name) <= longest])
    parts = st.lists(special | text | st.binary(min_size=1, max_size=20), min_size=1, max_size=3)
    joined = parts.map(b"".join).map(lambda name: name.replace(b"/", b"_").replace(b"\0", b"_")[:longest])
    return joined.filter(lambda name: not name.startswith(b".")).map(os.fsdecode)
