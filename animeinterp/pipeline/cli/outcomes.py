"""What became of the items of a session, and what is to be said of its methods, line by line."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping

from rich.console import Console

from animeinterp.configs.sections import Config
from animeinterp.pipeline.cli.terminal import say, table
from animeinterp.pipeline.compute.method_notes import methods_line, weights_notes
from animeinterp.pipeline.planning.session import Session


def print_methods(config: Config, last: str = "evaluation") -> None:
    """Print the methods and weights of a config, as far as a stage depends on them."""
    if line := methods_line(config, last):
        say(line)
    for note in weights_notes(config, last):
        say(f"note: {note}", "yellow")


def print_accepted(console: Console, session: Session) -> None:
    """Print the stages whose results were accepted in spite of a change."""
    for stage in session.stages:
        accepted = session.accepted(stage)
        if accepted is not None:
            say(f"accepted {accepted}", "yellow", console)


def skip_reasons(session: Session) -> Mapping[str, Counter[str]]:
    """The reasons why items were skipped, by stage, with the number of items."""
    return {
        stage: Counter(
            record.reason
            for _, record in session.records(stage)
            if record is not None and record.status == "skipped"
        )
        for stage in session.stages
    }


def print_skipped(console: Console, session: Session) -> None:
    """Print items that were skipped for a reason other than an earlier failure."""
    for stage, reasons in skip_reasons(session).items():
        for reason, count in reasons.most_common():
            if not reason.endswith(" failed"):
                say(f"{stage}: {count} skipped, {reason}", on=console)


def print_failures(console: Console, session: Session, broken: list[str]) -> None:
    """Print failures and their reasons."""
    failures = session.failures()
    if failures:
        failed = table(
            2,
            "pair or frame",
            "stage",
            "why",
            last="text",
            title=f"{len(failures)} failed",
            title_style="red",
        )
        for stage, record in failures:
            failed.add_row(record.id, stage, record.reason)
        console.print(failed)
    for line in broken:
        say(f"not done: {line}", "red", console)
