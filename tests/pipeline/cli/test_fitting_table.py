"""Tables at any width: columns go, numbers and names stay whole."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import pytest

from animeinterp.pipeline.cli import terminal
from animeinterp.pipeline.cli.fitting_table import FittingTable
from animeinterp.pipeline.cli.plain_console import plain_console
from animeinterp.pipeline.cli.terminal import PLAIN_WIDTH, narrow_table, table
from tests.pipeline.small_runs import Command, Runner, set_options

NARROW, WIDE = 80, 160
AGES = re.compile(r"\d+ (min|h|d) ago")  # they may change from one look to the next
CHANGE = "coarse_flow.rank_sum_limit=3"


def printed(made: FittingTable, width: int) -> str:
    console = plain_console(width=width, force_terminal=False)
    with console.capture() as capture:
        console.print(made)
    return capture.get()


def with_rows(made: FittingTable, *rows: tuple[str, ...]) -> FittingTable:
    for row in rows:
        made.add_row(*row)
    return made


@pytest.fixture
def scores() -> FittingTable:
    made = with_rows(table(1, "scores", "pairs", "PSNR", "chamfer"), ("all", "3", "20.6612", "0.000171442"))
    made.add_section()
    return with_rows(made, ("a longer name", "1", "17.6912", "0.000223918"))


def test_nothing_is_left_out_where_there_is_room(scores: FittingTable) -> None:
    text = printed(scores, WIDE)
    assert [line.split() for line in text.splitlines()][1] == ["scores", "pairs", "PSNR", "chamfer"]
    assert "not shown" not in text
    assert text.splitlines()[-3].split() == [] or "─" in text.splitlines()[-3]  # the section
    assert scores.row_count == 2


@pytest.mark.parametrize(("width", "left_out"), [(45, "chamfer"), (32, "PSNR, chamfer")])
def test_the_last_numbers_are_left_out_and_named(scores: FittingTable, width: int, left_out: str) -> None:
    text = printed(scores, width)
    assert f"not shown in {width} columns: {left_out}" in " ".join(text.split())
    assert whole(text, printed(scores, WIDE))


def test_names_are_folded_before_the_last_number_goes() -> None:
    made = with_rows(table(1, "pair", "items"), ("x" * 30, "123456"))
    text = printed(made, 24)
    assert text.count("x") == 30
    assert "123456" in text


def test_a_long_name_costs_no_number() -> None:
    made = with_rows(table(1, "pair", "a", "b"), ("x" * 70, "123456", "789012"))
    text = printed(made, NARROW)
    assert text.count("x") == 70
    assert "789012" in text


def test_reasons_wrap_and_commands_end_between_words() -> None:
    why = "a frame of this pair cannot be read, as its file is empty: 0 bytes"
    text = printed(with_rows(table(2, "id", "stage", "why", last="text"), ("x", "matching", why)), 40)
    assert why.split() == [word for word in text.split() if word in why.split()]
    command = narrow_table(1, "id", "done", "command", last="room")
    with_rows(command, ("20260101", "12", "run demo --set matching.area_penalty=7.25"))
    assert printed(command, 45).splitlines()[1].split() == ["20260101", "12", "run", "demo", "--set", "…"]
    assert printed(command, WIDE).splitlines()[1].endswith("--set matching.area_penalty=7.25")
    assert "not shown in 25 columns: command" in " ".join(printed(command, 25).split())


@pytest.mark.parametrize("width", range(30, 60))
def test_words_take_no_room_of_names(width: int) -> None:
    made = narrow_table(1, "id", "done", "command", last="room")
    text = printed(with_rows(made, ("20260101-000000-0a1b", "12", "run --id Japan_v12_000 --id b")), width)
    assert "20260101-000000-0a1b" in text.splitlines()[1]
    assert len(text.splitlines()[1]) <= width


@pytest.mark.parametrize(("columns", "width"), [(None, PLAIN_WIDTH), ("80", None)])
def test_the_environment_may_name_the_width(
    monkeypatch: pytest.MonkeyPatch, columns: str | None, width: int | None
) -> None:
    monkeypatch.delenv("COLUMNS", raising=False)
    if columns is not None:
        monkeypatch.setenv("COLUMNS", columns)
        assert plain_console().width == int(columns)
    assert terminal.width_of_output() == width


def whole(narrow: str, wide: str) -> bool:
    """Whether every number of the narrow text is one of the wide text, and nothing was cut."""
    numbers = set(re.findall(r"[\d.,:+−-]*\d[\d.,:]*", wide))
    rows = [line for line in narrow.splitlines() if "not shown in" not in line]
    return all(number in numbers for number in re.findall(r"[\d.,:+−-]*\d[\d.,:]*", "\n".join(rows)))


Printed = Callable[..., tuple[str, str]]


@pytest.fixture
def at_both(command: Command, monkeypatch: pytest.MonkeyPatch) -> Printed:
    """What a command prints in 80 and in 160 columns."""

    def at_both(*arguments: str) -> tuple[str, str]:
        said = []
        for width in (NARROW, WIDE):
            monkeypatch.setattr(terminal.console, "width", width)
            code, text = command(*arguments)
            assert code == 0, text
            said.append(text)
        return said[0], said[1]

    return at_both


def table_lines(text: str) -> list[str]:
    """Lines of tables; those for people may be of any length."""
    return [line.rstrip() for line in text.splitlines() if re.search(r"\S {2,}\S|─{10}", line)]


def test_every_command_fits_and_cuts_no_number(
    finished: None, settings: list[str], run: Runner, at_both: Printed, tmp_path: Path
) -> None:
    run(CHANGE)
    options = set_options(settings)
    cache = ["--cache", str(tmp_path / "cache")]
    scores = tmp_path / "scores.csv"
    scores.write_text("id,psnr,ssim,ie,chamfer\nJapan_drawn_000000_s2,20.123,0.9,5.123,0.0001234\n")
    for arguments in (
        ["status", "-c", "demo", *options],
        ["history", *cache],
        ["cache", "ls", *cache],
        ["run", "-c", "demo", *options],
        ["evaluate", "-c", "demo", *options, "--against", str(scores)],
        ["diff", "demo", "demo", *options, "--set-b", CHANGE],
        ["cache", "gc", "demo", *options, "--unused"],
        ["run", "-c", "demo", *options, "--set", "matching.area_penalty=7", "--dry-run"],
    ):
        narrow, wide = (AGES.sub("", said) for said in at_both(*arguments))
        assert len(table_lines(narrow)) > 2, arguments
        assert max(map(len, table_lines(narrow))) <= NARROW, arguments
        assert max(map(len, table_lines(wide))) <= WIDE, arguments
        assert whole("\n".join(table_lines(narrow)), wide), arguments
        assert "..." not in "".join(table_lines(narrow)), arguments
