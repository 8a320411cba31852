r"""Names as a file system allows them, made fit for ids, messages, shells and names of further files.

A name on disk is up to 255 bytes of any kind but "/" and NUL. Python reads bytes that are not UTF-8 as lone
surrogates, which no text file and no terminal takes; line ends and control characters would break or forge
lines. In ids and messages such characters stand as `\n`, `\x83` (a byte) or `\u2028`.
"""

from __future__ import annotations

import os
import re
import shlex
import shutil
import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from hashlib import sha256
from pathlib import Path
from tempfile import TemporaryDirectory

PROGRAM = "animeinterp"
"""The command."""
LONGEST_NAME = 255
"""Bytes of a name that the usual file systems take."""
DIGEST_SHOWN = 10
"""Digits of a digest in place of the end of a name that is too long."""

# Controls, lone surrogates, line separators, and marks that turn the direction of writing.
_UNPRINTABLE = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069\ud800-\udfff]")
_ESCAPE = re.compile(r"\\(?:\\|[nrt]|x[0-9a-f]{2}|u[0-9a-f]{4})")
_SHORT = {"\n": r"\n", "\r": r"\r", "\t": r"\t"}
_LONG = {short: character for character, short in _SHORT.items()} | {r"\\": "\\"}
_CONTINUED = "\n  "


def shown(text: str) -> str:
    """Text in one line that any terminal and file takes."""
    return _UNPRINTABLE.sub(lambda found: _escaped(found[0]), text)


def shown_lines(text: str) -> str:
    """The same of a message, whose lines after the first are indented: no name can make one up."""
    return _CONTINUED.join(map(shown, text.split(_CONTINUED)))


def id_of(name: str) -> str:
    """Id that stands for a name: the name itself where it can be printed; `name_of` gives it back."""
    if _UNPRINTABLE.search(name) is None and _ESCAPE.search(name) is None:
        return name
    return shown(name.replace("\\", r"\\"))


def name_of(identity: str) -> str:
    """The name that an id stands for."""
    return _ESCAPE.sub(lambda found: _unescaped(found[0]), identity)


def fitting(name: str, suffix: str = "", longest: int = LONGEST_NAME) -> str:
    """`name` and `suffix`; where they have too many bytes, a digest takes the place of the name's end."""
    if len(os.fsencode(name + suffix)) <= longest:
        return name + suffix
    end = f"~{_digest(name)}{suffix}"
    while len(os.fsencode(name + end)) > longest:
        name = name[:-1]
    return name + end


def set_apart(name: str) -> str:
    """Another name for something whose own is taken."""
    return fitting(name, f"~{_digest(name)}")


def _digest(name: str) -> str:
    return sha256(os.fsencode(name)).hexdigest()[:DIGEST_SHOWN]


@contextmanager
def utf8_path(path: Path) -> Iterator[Path]:
    """A path to the same file for libraries that take UTF-8 only: the path itself, or else a link to it."""
    if not any("\ud800" <= character <= "\udfff" for character in str(path)):
        yield path
        return
    with TemporaryDirectory() as folder:
        link = Path(folder, "link")
        link.symlink_to(path.absolute())
        yield link


def given_path(path: str | Path) -> Path:
    """A path that a user gave: `~` or `~name` at its beginning is a home folder, if there is such a user."""
    return Path(os.path.expanduser(path))  # noqa: PTH111 - pathlib's raises for names such as ~draft.mp4


def own_name(path: Path) -> str:
    """A folder's name as it was given, a link's own; also of `.`, `..` and `/`."""
    return os.path.basename(os.path.abspath(path)) or "root"  # noqa: PTH100, PTH119 - links are not followed


def command_line(words: Iterable[str]) -> str:
    """A command to be pasted into a shell, in one line."""
    return " ".join(map(_quoted, words))


def own_command(*words: str) -> str:
    """A command of this program, to be pasted into a shell."""
    return command_line([program(), *words])


def program() -> str:
    """The program that runs, or else that of this Python: by its name if a shell finds it, or its path."""
    running = Path(sys.argv[0])
    script = running if running.name == PROGRAM else Path(sys.executable).with_name(PROGRAM)
    if not script.is_file():
        return PROGRAM
    known = shutil.which(PROGRAM)
    return PROGRAM if known is not None and Path(known).samefile(script) else str(script.absolute())


def _quoted(word: str) -> str:
    if _UNPRINTABLE.search(word) is None:
        return shlex.quote(word)
    escaped = word.replace("\\", r"\\").replace("'", r"\'")
    return f"$'{shown(escaped)}'"


def _escaped(character: str) -> str:
    code = ord(character)
    if 0xDC80 <= code <= 0xDCFF:  # a byte that is not UTF-8
        return f"\\x{code - 0xDC00:02x}"
    return _SHORT.get(character) or (f"\\x{code:02x}" if code < 0x80 else f"\\u{code:04x}")


def _unescaped(escape: str) -> str:
    if escape in _LONG:
        return _LONG[escape]
    code = int(escape[2:], 16)
    return chr(code + 0xDC00 if escape[1] == "x" and code >= 0x80 else code)
