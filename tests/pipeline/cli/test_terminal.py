from __future__ import annotations

import io
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator

import psutil
import pytest
import typer

from animeinterp.pipeline.cli import terminal
from animeinterp.pipeline.cli.plain_console import plain_console
from animeinterp.pipeline.cli.terminal import (
    EXIT_INTERRUPTED,
    EXIT_TERMINATED,
    interruptible,
    say,
    say_within,
)
from animeinterp.pipeline.running.interruption import SIGNALS, deferred
from tests.project import PATIENCE, ROOT

STUBBORN = """
import subprocess, sys, time
from animeinterp.pipeline.cli.terminal import interruptible
child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
with interruptible():
    try:
        print(child.pid, flush=True)
        time.sleep(600)
    finally:
        print("cleaning up", flush=True)
        time.sleep(600)
"""


@pytest.fixture(autouse=True)
def _handlers_as_before() -> Iterator[None]:
    before = {number: signal.getsignal(number) for number in SIGNALS}
    yield
    for number, handler in before.items():
        signal.signal(number, handler)


def signal_and_wait(number: signal.Signals) -> None:
    os.kill(os.getpid(), number)
    time.sleep(PATIENCE)


@pytest.mark.parametrize(
    ("number", "code"),
    [(signal.SIGINT, EXIT_INTERRUPTED), (signal.SIGTERM, EXIT_TERMINATED), (signal.SIGHUP, 129)],
)
def test_the_first_signal_ends_in_order(
    number: signal.Signals, code: int, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(typer.Exit) as stop, interruptible():
        signal_and_wait(number)
    assert stop.value.exit_code == code
    assert "run the same command again to resume" in capsys.readouterr().err


@pytest.mark.slow
@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_the_second_signal_ends_at_once_with_its_children(number: signal.Signals, code: int) -> None:
    process = subprocess.Popen(
        [sys.executable, "-c", STUBBORN], cwd=ROOT, text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )
    assert process.stdout is not None
    child = psutil.Process(int(process.stdout.readline()))
    process.send_signal(number)
    assert process.stdout.readline() == "cleaning up\n"
    process.send_signal(number)
    _, complaint = process.communicate(timeout=PATIENCE)
    assert process.returncode == code
    assert "stopped at once" in complaint
    assert "Traceback" not in complaint
    child.wait(PATIENCE)


@pytest.mark.slow
def test_a_terminal_that_says_twice_that_it_closed_ends_a_run_in_order_all_the_same() -> None:
    process = subprocess.Popen(
        [sys.executable, "-c", STUBBORN], cwd=ROOT, text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )
    assert process.stdout is not None
    child = psutil.Process(int(process.stdout.readline()))
    try:
        process.send_signal(signal.SIGHUP)
        assert process.stdout.readline() == "cleaning up\n"
        process.send_signal(signal.SIGHUP)
        with pytest.raises(subprocess.TimeoutExpired):
            process.wait(0.5)
    finally:
        process.send_signal(signal.SIGTERM)
        process.communicate(timeout=PATIENCE)
    child.wait(PATIENCE)


def test_who_asked_for_a_closed_terminal_to_be_ignored_is_heeded() -> None:
    signal.signal(signal.SIGHUP, signal.SIG_IGN)  # as nohup does
    with interruptible():
        assert signal.getsignal(signal.SIGHUP) == signal.SIG_IGN
        os.kill(os.getpid(), signal.SIGHUP)


def test_without_a_signal_nothing_is_changed() -> None:
    before = [signal.getsignal(number) for number in SIGNALS]
    with interruptible(), deferred():
        pass
    assert [signal.getsignal(number) for number in SIGNALS] == before
    with deferred():  # outside of a command
        assert [signal.getsignal(number) for number in SIGNALS] == before


def interrupted_while_deferring(done: list[str]) -> None:
    with deferred():
        os.kill(os.getpid(), signal.SIGINT)
        time.sleep(0.01)
        done.append("started")
    done.append("went on")


def test_what_must_not_be_left_half_done_is_done_first() -> None:
    done: list[str] = []
    with pytest.raises(typer.Exit) as stop, interruptible():
        interrupted_while_deferring(done)
    assert stop.value.exit_code == EXIT_INTERRUPTED
    assert done == ["started"]


@pytest.mark.parametrize(
    ("text", "lines"),
    [
        ("features by appearance, synthesis by composite", 2),
        ("results: /data/of a project/results-of-the-first", 1),
        ("next: animeinterp weights fetch vgg19 animeinterp", 1),
    ],
)
def test_lines_wrap_between_words_unless_they_are_to_be_copied(text: str, lines: int) -> None:
    out = io.StringIO()
    say(text, on=plain_console(file=out, width=30, force_terminal=True, color_system=None))
    assert out.getvalue().split() == text.split()  # no word is broken
    assert len(out.getvalue().splitlines()) == lines
    out = io.StringIO()
    say(text, on=plain_console(file=out, width=30, force_terminal=False))
    assert out.getvalue() == f"{text}\n"


def test_indented_lines_break_no_word(monkeypatch: pytest.MonkeyPatch) -> None:
    for text in (
        "from: https://example.org/a/long/address/of/weights.pth",
        "input: RGB in 0..1, scaled to -1..1",
    ):
        out = io.StringIO()
        made = plain_console(file=out, width=30, force_terminal=True, color_system=None)
        monkeypatch.setattr(terminal, "console", made)
        say_within(text, 4)
        assert out.getvalue().split() == text.split()
