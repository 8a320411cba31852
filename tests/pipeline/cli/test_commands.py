from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

from animeinterp.pipeline.cli.commands import COMMANDS, _LateCommand
from tests.pipeline.small_runs import Command, set_options, small_settings
from tests.project import PATIENCE, ROOT

FOR_WORDS = {"annotated_doc", "psutil", "rich", "shellingham", "typer", "typing_extensions"}
FOR_HELP = FOR_WORDS | {"attr", "markdown_it", "mdurl", "pygments"}  # of Rich
FOR_LOOKING = FOR_WORDS | {
    "PIL",
    "annotated_types",
    "google_crc32c",
    "numpy",
    "platformdirs",
    "pydantic",
    "pydantic_core",
    "safetensors",
    "typing_inspection",
}
OWN = {"animeinterp"}
# Runs the command in a new process, then prints the names of the packages that it has imported.
LISTING = """
import json, sys
from animeinterp.pipeline.cli.app import main
try:
    main()
except SystemExit as stop:
    assert not stop.code
names = {name.partition(".")[0] for name, module in sys.modules.items() if getattr(module, "__file__", None)}
print(json.dumps(sorted(names - sys.stdlib_module_names)), file=sys.stderr)
"""


def imported(*arguments: str) -> set[str]:
    done = subprocess.run(
        [sys.executable, "-S", "-c", LISTING, *arguments],
        env={"PYTHONPATH": ":".join([str(ROOT), *(path for path in sys.path if path.endswith("-packages"))])},
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout
    names = set(json.loads(done.stderr.splitlines()[-1])) - OWN
    return {name for name in names if not name.startswith("_")}


@pytest.mark.parametrize("arguments", [["--help"], ["--version"], ["cache", "--help"], ["run", "--help"]])
def test_help_imports_what_words_need(arguments: list[str]) -> None:
    allowed = FOR_HELP if arguments[0].startswith("--") else FOR_HELP | FOR_LOOKING
    assert imported(*arguments) <= allowed


@pytest.mark.parametrize("name", ["status", "explain", "history", "cache ls", "run --dry-run"])
def test_looking_imports_nothing_that_computes(cartoons: Path, finished_cache: Path, name: str) -> None:
    settings = set_options(small_settings(cartoons, finished_cache))
    found = imported(*name.split(), "--config", "demo", *settings)
    assert "pydantic" in found
    assert found <= FOR_LOOKING


@pytest.mark.parametrize("name", list(COMMANDS))
def test_the_list_of_commands_says_what_their_own_help_says(name: str) -> None:
    late = _LateCommand(name, COMMANDS[name])
    said = late.whole().help.split("\n\n")[0]
    assert " ".join(said.split()) == late.help == COMMANDS[name].summary


def test_every_command_has_a_page_of_help(command: Command) -> None:
    for name, place in COMMANDS.items():
        code, printed = command(name, "--help")
        assert code == 0
        assert f" {name} [OPTIONS]" in printed
        assert not re.search(r"<(str|int|float|list|Path)", printed)  # types of Python
        assert "[[" not in printed
        assert "...}" not in printed
        assert place.summary.split(",")[0].split()[0] in printed


def test_version(command: Command) -> None:
    code, printed = command("--version")
    assert code == 0
    assert printed.split()[0] == "animeinterp"
    assert printed.split()[1].count(".") == 2


def test_an_unknown_command_is_refused_with_the_nearest(command: Command) -> None:
    code, printed = command("stauts")
    assert code == 2
    assert "status" in printed
