from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from animeinterp.configs.errors import DataError
from animeinterp.configs.names import (
    LONGEST_NAME,
    command_line,
    fitting,
    given_path,
    id_of,
    name_of,
    own_name,
    set_apart,
    shown,
    shown_lines,
    utf8_path,
)
from tests.names import decoded, names


@given(names())
def test_ids_can_be_printed_and_give_the_name_back(name: str) -> None:
    identity = id_of(name)
    identity.encode()
    assert len(identity.splitlines()) == 1
    assert shown(identity) == identity
    assert name_of(identity) == name


@given(st.lists(names(), min_size=2, max_size=8, unique=True))
def test_ids_of_different_names_differ(several: list[str]) -> None:
    assert len(set(map(id_of, several))) == len(several)


def test_odd_names_have_ids_of_their_own() -> None:
    assert len(set(map(id_of, decoded()))) == len(decoded())


@pytest.mark.parametrize(
    "name",
    ["Japan_v2_0_123", "100% done", r"a\b", "e\u0301", "é", "絵　コンテ", " a ", "-x", "x1²3", "👩\u200d🎨"],
)
def test_ordinary_names_are_their_ids(name: str) -> None:
    assert id_of(name) == name


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        (b"\x83A", r"\x83A"),
        (b"a\nb", r"a\nb"),
        (b"\x1b[31m", r"\x1b[31m"),
        (b"\\x83", r"\\x83"),
        (b"a\\\n", r"a\\\n"),
        ("\x85".encode(), r"\u0085"),
    ],
)
def test_what_cannot_be_printed_is_escaped(name: bytes, expected: str) -> None:
    assert id_of(os.fsdecode(name)) == expected


@given(names(), st.sampled_from(["", ".html", ".png"]))
def test_names_of_further_files_fit(name: str, suffix: str) -> None:
    made = fitting(name, suffix)
    assert len(os.fsencode(made)) <= LONGEST_NAME
    assert made.endswith(suffix)
    if len(os.fsencode(name + suffix)) <= LONGEST_NAME:
        assert made == name + suffix
    assert set_apart(name) != name
    assert len(os.fsencode(set_apart(name))) <= LONGEST_NAME


def test_names_that_are_cut_stay_apart() -> None:
    assert fitting("x" * 254 + "a", ".html") != fitting("x" * 254 + "b", ".html")


@settings(max_examples=25)
@given(st.lists(names(), min_size=1, max_size=4))
def test_commands_can_be_pasted_into_a_shell(words: list[str]) -> None:
    line = command_line(["printf", r"%s\0", *words])
    line.encode()
    assert len(line.splitlines()) == 1
    printed = subprocess.run(["bash", "-c", line], capture_output=True, check=True).stdout
    assert printed.split(b"\0")[:-1] == [os.fsencode(word) for word in words]


def test_messages_are_fit_for_any_terminal() -> None:
    name = os.fsdecode(b"\x83\nerror: lost\x1b[2J")
    assert str(DataError(f"{name}: damaged\n  at the end")) == (
        "\\x83\\nerror: lost\\x1b[2J: damaged\n  at the end"
    )
    assert shown_lines("one\n  two") == "one\n  two"


def test_home_folders(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", "/home/somebody")
    assert given_path("~/x.mp4") == Path("/home/somebody/x.mp4")
    assert given_path("~") == Path("/home/somebody")
    assert given_path("~draft.mp4") == Path("~draft.mp4")
    assert given_path("a/~") == Path("a/~")


def test_a_link_keeps_its_own_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "target" / "inner").mkdir(parents=True)
    (tmp_path / "link").symlink_to("target")
    assert own_name(tmp_path / "link") == "link"
    assert own_name(tmp_path / "target" / "inner" / "..") == "target"
    monkeypatch.chdir(tmp_path / "target")
    assert own_name(Path()) == "target"
    assert own_name(Path("/")) == "root"


def test_libraries_get_a_name_that_they_take(tmp_path: Path) -> None:
    path = tmp_path / os.fsdecode(b"\x83.bin")
    path.write_bytes(b"content")
    with utf8_path(path) as readable:
        str(readable).encode()
        assert readable.read_bytes() == b"content"
    with utf8_path(tmp_path) as readable:
        assert readable == tmp_path
