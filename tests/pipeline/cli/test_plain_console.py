from __future__ import annotations

import io

import pytest
from rich.table import Table

from animeinterp.pipeline.cli.plain_console import plain_console

HOSTILE = "a\x1b[31m\x1b]0;title\x07\x9b2J\x7f\u202eb"
SHOWN = "a␛[31m␛]0;title\ufffd2J␡\ufffdb"  # Rich itself leaves the bell out


def printed(what: object, **options: object) -> str:
    out = io.StringIO()
    plain_console(file=out, width=100, force_terminal=True, color_system="standard", **options).print(what)
    return out.getvalue()


@pytest.mark.parametrize(
    "text", ["[red]x[/red]", "[Group] show", ":cat: :smile:", "1e5 'quoted' 2024-05-27", "[/]"]
)
def test_text_is_printed_as_it_is(text: str) -> None:
    assert printed(text) == f"{text}\n"
    table = Table(show_header=False, box=None, pad_edge=False)
    table.add_row(text)
    assert printed(table).rstrip() == text


def test_control_characters_are_pictures_in_lines_and_tables() -> None:
    assert printed(HOSTILE) == f"{SHOWN}\n"
    table = Table("name", box=None, pad_edge=False)
    table.add_row(HOSTILE)
    assert SHOWN in printed(table)
    assert "\x1b]" not in printed(table)


def test_styles_still_reach_the_terminal() -> None:
    out = io.StringIO()
    console = plain_console(file=out, force_terminal=True, color_system="standard")
    console.print("error\nof two lines", style="red")
    assert out.getvalue() == "\x1b[31merror\x1b[0m\n\x1b[31mof two lines\x1b[0m\n"
