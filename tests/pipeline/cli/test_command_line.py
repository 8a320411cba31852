"""What people expect of a command line: options in groups, completion, hints to paste, typing errors."""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from animeinterp.configs.names import own_command
from animeinterp.pipeline.cli.commands import COMMANDS
from tests.pipeline.small_runs import SMALL_NETWORK, Command, set_options
from tests.project import PATIENCE, ROOT

PROGRAM = Path(sys.executable).with_name("animeinterp")


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (
            ["run", "--only", "refinment"],
            "stage 'refinment' is unknown; did you mean 'refinement'?",
        ),
        (["run", "--from", "matchin"], "did you mean 'matching'?"),
        (["run", "--force", "synthesys"], "did you mean 'synthesis'?"),
        (["run", "--accept-current", "feature"], "did you mean 'features'?"),
        (["cache", "ls", "--stage", "coarse-flow"], "did you mean 'coarse_flow'?"),
        (["explain", "refinment"], "did you mean refinement"),
        (["run", "--only", "matching", "--from", "features"], "--only and --from exclude each other"),
        (["run", "--only", "matching", "--to", "matching"], "--only and --to exclude each other"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_typing_errors_are_answered_in_a_line(
    finished: None, command: Command, settings: list[str], words: list[str], said: str
) -> None:
    name = words[: 1 + (words[0] == "cache")]
    code, printed = command(*name, "-c", "demo", *set_options(settings), *words[len(name) :])
    assert code == 2
    (line,) = [line for line in printed.splitlines() if line.startswith("error: ")]
    assert said in line
    assert len(printed.splitlines()) <= 4


@pytest.mark.parametrize("name", COMMANDS)
def test_help_groups_options_and_shows_no_type_of_flags(command: Command, name: str) -> None:
    code, printed = command(name, "--help")
    assert code == 0
    assert "<bool>" not in printed
    if name in ("run", "interpolate", "evaluate", "report"):
        groups = re.findall(r"^╭─ (\w+) ─", printed, re.MULTILINE)
        assert groups[-1] != "Options"
        assert {"Config", "Output"} <= set(groups)
        options = re.search(r"╭─ Options ─+╮\n(.*?)╰", printed, re.DOTALL)
        assert options is not None
        assert options[1].count("--") == 1  # --help alone is in no group


def complete(line: str) -> list[str]:
    words = line.split(" ")
    environment = {
        **os.environ,
        "_ANIMEINTERP_COMPLETE": "complete_bash",
        "COMP_WORDS": line,
        "COMP_CWORD": str(len(words) - 1),
    }
    done = subprocess.run(
        [sys.executable, "-c", RUN], env=environment, capture_output=True, text=True, timeout=PATIENCE
    )
    return done.stdout.split()


RUN = "import sys; sys.argv[0] = 'animeinterp'; from animeinterp.pipeline.cli.entry_point import main; main()"


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("animeinterp st", ["status"]),
        ("animeinterp cache v", ["verify"]),
        ("animeinterp run --retr", ["--retract-accepted", "--retry-failed"]),
        ("animeinterp run --only re", ["refinement"]),
        ("animeinterp status -c pa", ["paper"]),
    ],
)
def test_shells_complete_commands_options_and_values(line: str, expected: list[str]) -> None:
    assert complete(line) == expected


def test_hints_name_the_program_so_that_a_shell_finds_it(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    program = tmp_path / "my venv" / "animeinterp"
    program.parent.mkdir()
    program.write_text("#!/bin/sh\n")
    program.chmod(0o755)
    monkeypatch.setattr(sys, "argv", [str(program), "run"])
    monkeypatch.setenv("PATH", "/usr/bin")
    assert own_command("run", "a b") == f"'{program}' run 'a b'"
    assert shlex.split(own_command("run", "a b")) == [str(program), "run", "a b"]
    monkeypatch.setenv("PATH", f"/usr/bin:{program.parent}")
    assert own_command("status") == "animeinterp status"
    monkeypatch.chdir(program.parent)
    monkeypatch.setenv("PATH", "/usr/bin")
    monkeypatch.setattr(sys, "argv", ["./animeinterp"])
    assert own_command() == f"'{program}'"
    monkeypatch.setattr(sys, "argv", ["/usr/lib/luigi"])  # another program: that of this Python
    expected = str(PROGRAM) if PROGRAM.is_file() else "animeinterp"
    assert own_command() == shlex.quote(expected)


@pytest.mark.slow
def test_the_readmes_luigi_line_works_as_it_stands(cartoons: Path, tmp_path: Path) -> None:
    page = (ROOT / "README.md").read_text(encoding="utf-8")
    (line,) = re.findall(r"^luigi --module.*?(?=  )", page, re.MULTILINE)
    (tmp_path / "animeinterp.toml").write_text(
        f"""extends = "demo"
        [data]
        root = "{cartoons}"
        [store]
        cache = "cache"
        results = "results"
        [features]
        {SMALL_NETWORK.partition(".")[2]}
        [executor]
        kind = "inline"
        """
    )
    luigi = shlex.quote(str(Path(sys.executable).with_name("luigi")))
    done = subprocess.run(
        line.replace("luigi", luigi, 1) + " --limit 1",
        shell=True,
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        timeout=PATIENCE,
    )
    assert done.returncode == 0, done.stderr
    assert len(list((tmp_path / "results").glob("*/frame_t0.5.png"))) == 1
