"""A console that prints text as it is: nothing in a name is a command to it, or to the terminal."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from rich.console import Console, ConsoleOptions, ConsoleRenderable, RenderHook
from rich.segment import Segment

PICTURES = 0x2400  # where Unicode has a picture of each control character
DELETE = 0x7F
REPLACEMENT = "\ufffd"
# Characters that turn the direction of what stands beside them, and those that C1 has for commands.
UNSEEN = (*range(0x80, 0xA0), 0x200E, 0x200F, *range(0x202A, 0x202F), *range(0x2066, 0x206A))
VISIBLE = {code: chr(PICTURES + code) for code in range(32) if chr(code) not in "\n\t"}
VISIBLE |= {DELETE: "\u2421"} | dict.fromkeys(UNSEEN, REPLACEMENT)


@dataclass(frozen=True)
class _Visible:
    """Something to print, with a picture in place of each control character."""

    shown: Any

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> Iterator[Segment]:
        for segment in console.render(self.shown, options):
            if segment.control:
                yield segment
            else:
                yield Segment(segment.text.translate(VISIBLE), segment.style)


class _Visibly(RenderHook):
    def process_renderables(self, renderables: list[ConsoleRenderable]) -> list[ConsoleRenderable]:
        return [_Visible(renderable) for renderable in renderables]


def plain_console(**options: Any) -> Console:
    """A console without markup: brackets, colons and numbers in a text are just that."""
    made = Console(markup=False, emoji=False, highlight=False, **options)
    made.push_render_hook(_Visibly())
    return made
