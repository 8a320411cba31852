"""A folder with `animeinterp.toml`: every command that is started there uses it, unless told otherwise."""

from __future__ import annotations

import re
import shutil
import tomllib
from pathlib import Path

import pytest

from animeinterp.configs.loading import load_config
from animeinterp.pipeline.cli.chosen_config import ChosenConfig
from tests.pipeline.small_runs import PAIRS, SMALL_NETWORK, Command, set_options

QUICK = f"""
[features]
{SMALL_NETWORK.partition(".")[2]}

[executor]
kind = "inline"
"""


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty working folder."""
    monkeypatch.delenv("ANIMEINTERP_CONFIG", raising=False)
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def project(folder: Path, cartoons: Path, command: Command) -> Path:
    """The working folder, with a config that `init` has written for the drawn dataset."""
    shutil.copytree(cartoons / "test_2k_540p", folder / "shots")
    code, said = command("init", "shots")
    assert code == 0, said
    assert f"animeinterp.toml: written; {PAIRS} pairs in shots" in said
    with (folder / "animeinterp.toml").open("a") as file:
        file.write(QUICK)
    return folder


def test_one_folder_holds_everything_and_needs_no_option(project: Path, command: Command) -> None:
    code, said = command("run")
    assert code == 0, said
    first = sorted((project / "shots").iterdir())[0].name
    assert (project / "results" / first / "frame_t0.5.png").is_file()
    assert {path.name for path in project.iterdir()} == {"animeinterp.toml", "cache", "results", "shots"}
    cache = f"cache: {project / 'cache'}"
    for words in (
        ["status"],
        ["run", "--dry-run"],
        ["explain"],
        ["explain", "matching"],
        ["explain", first],
        ["evaluate"],
        ["history"],
        ["inspect", first],
        ["report"],
        ["cache", "ls"],
        ["cache", "verify", "--results"],
        ["cache", "gc", "--unused"],
        ["export-sgm", "flows"],
        ["diff", "animeinterp.toml", "animeinterp.toml"],
    ):
        code, said = command(*words)
        assert code == 0, f"{words}: {said}"
        assert cache in said.splitlines(), f"{words}: {said}"
    run_id = next((project / "cache" / "runs").iterdir()).name
    assert f"run {run_id}: finished" in command("history", run_id)[1]


@pytest.mark.parametrize(
    "words",
    [
        *("run", "status", "explain", "evaluate", "history", "inspect a", "report", "train"),
        *("cache ls", "cache verify", "export-sgm out", "import-sgm in"),
    ],
)
def test_without_a_config_none_is_guessed(folder: Path, command: Command, words: str) -> None:
    code, said = command(*words.split())
    assert code == 2
    assert "no config: this folder has no animeinterp.toml" in said
    assert "init FOLDER" in said
    assert not list(folder.iterdir())


def test_gc_keeps_what_the_environment_names(
    project: Path, command: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also where the name has blanks, at which variables for several values are divided."""
    (project / "my config.toml").write_text((project / "animeinterp.toml").read_text())
    assert command("run", "--limit", "1", "-q")[0] == 0
    monkeypatch.setenv("ANIMEINTERP_CONFIG", "my config.toml")
    code, said = command("cache", "gc", "--unused")
    assert code == 0
    assert "kept for config my config.toml: 7 fingerprints" in said


def test_what_is_said_comes_before_what_is_there(
    project: Path, cartoons: Path, command: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    (project / "other.toml").write_text(
        f'extends = "paper"\n[data]\nroot = "{cartoons}"\n[store]\ncache = "b"'
    )
    assert f"cache: {project / 'cache'}" in command("status")[1]
    assert f"cache: {project / 'b'}" in command("status", "-c", "other.toml")[1]
    monkeypatch.setenv("ANIMEINTERP_CONFIG", "other.toml")
    assert f"cache: {project / 'b'}" in command("status")[1]
    assert f"cache: {project / 'cache'}" in command("status", "-c", "animeinterp.toml")[1]


def test_the_first_argument_may_be_the_config_as_before(project: Path, command: Command) -> None:
    first = sorted((project / "shots").iterdir())[0].name
    (project / "other.toml").write_text(
        'extends = "released"\n[data]\nroot = "shots"\n[store]\ncache = "b"\nresults = "c"\n' + QUICK
    )
    assert command("run", "--id", first, "other.toml", "-q")[0] == 0
    assert command("run", "other.toml", "-q")[0] == 0
    assert command("export-sgm", "other.toml", "--limit", "1", "flows", "-q")[0] == 0
    other = f"cache: {project / 'b'}"
    for words in (
        ["status", "other.toml"],
        ["run", "--only", "matching", "other.toml", "--dry-run"],
        ["explain", "other.toml"],
        ["explain", "other.toml", first],
        ["evaluate", "other.toml"],
        ["history", "other.toml"],
        ["cache", "ls", "other.toml"],
        ["cache", "gc", "other.toml", "--unused"],
    ):
        code, said = command(*words)
        assert code == 0, f"{words}: {said}"
        assert other in said.splitlines(), f"{words}: {said}"
    assert "'papyrus' not found" in command("run", "papyrus")[1]
    for words in (["run", "-c", "other.toml", "paper"], ["run", "paper", "other.toml"]):
        assert command(*words)[0] == 2


@pytest.mark.slow
def test_a_clip_needs_no_config_and_uses_that_of_the_folder(
    folder: Path, cartoons: Path, command: Command
) -> None:
    pair = sorted((cartoons / "test_2k_540p").iterdir())[0]
    shutil.copytree(pair, folder / "clip")
    shutil.copy(folder / "clip" / "frame1.png", folder / "clip" / "frame4.png")
    code, said = command("init", "clip")
    assert code == 0
    assert "clip is a clip" in said
    assert "interpolate clip -o clip_smooth.mp4" in said
    text = (folder / "animeinterp.toml").read_text()
    assert tomllib.loads(text)["clip"] == {"factor": 2}
    (folder / "animeinterp.toml").write_text(text.replace("factor = 2 ", "factor = 4 "))
    assert ": 13 frames" in command("interpolate", "clip", "-o", "out", "--dry-run")[1]
    (folder / "animeinterp.toml").unlink()
    assert ": 7 frames" in command("interpolate", "clip", "-o", "out", "--dry-run")[1]


def test_init_knows_datasets(folder: Path, cartoons: Path, command: Command) -> None:
    shutil.copytree(cartoons, folder / "atd")
    assert command("init", "atd")[0] == 0
    config = load_config("animeinterp.toml")
    assert (config.data.layout, config.data.root) == ("atd12k", folder / "atd")
    assert config.synthesis.dtype == "float16"
    assert config.store.results == folder / "results"
    code, said = command("init", "atd")
    assert code == 2
    assert "exists; edit it, or replace it: --overwrite" in said
    assert command("init", str(cartoons / "test_2k_540p"), "--overwrite")[0] == 0
    assert load_config("animeinterp.toml").data.root == cartoons / "test_2k_540p"
    code, said = command("init", "--overwrite")
    assert "set data.root in it" in said
    assert load_config("animeinterp.toml").data.root == folder / "frames"


def test_every_line_of_a_written_config_is_a_setting(project: Path) -> None:
    """Also those that are comments: without their signs the file is a config still."""
    text = (project / "animeinterp.toml").read_text().removesuffix(QUICK)
    plain = re.sub(r"^# (?=\[|\w+ = )", "", text, flags=re.MULTILINE)
    (project / "plain.toml").write_text(plain)
    config = load_config("plain.toml")
    assert config.synthesis.times == (0.25, 0.5, 0.75)
    assert config.executor.device == "cuda"


@pytest.mark.parametrize("name", ["nothing", "empty", "text.txt"])
def test_what_is_neither_dataset_nor_clip_is_refused(folder: Path, command: Command, name: str) -> None:
    (folder / "empty").mkdir()
    code, said = command("init", name)
    assert code == 2
    assert name in said
    assert not (folder / "animeinterp.toml").exists()


def test_names_that_are_no_text_are_refused_and_odd_ones_kept(folder: Path, command: Command) -> None:
    odd = folder / "q'uo\"te \\ ü"
    for pair in (odd / "a", Path(f"{folder}/\udcff/a")):
        pair.mkdir(parents=True)
        for number in (1, 2):
            shutil.copy(
                Path(__file__).parents[3] / "docs" / "pictures" / "growth.png", pair / f"{number}.png"
            )
    assert command("init", odd.name)[0] == 0
    assert load_config("animeinterp.toml").data.root == odd
    code, said = command("init", "\udcff", "--overwrite")
    assert code == 2
    assert "this name is none" in said


def test_options_that_choose_the_same_config_again(folder: Path) -> None:
    (folder / "animeinterp.toml").touch()
    weights = f"weights.folder={folder / 'w'}"
    assert ChosenConfig.of(None).options == []
    assert ChosenConfig.of(None, ["a.b=1"], Path("w")).options == ["--set", weights, "--set", "a.b=1"]
    assert ChosenConfig.of("paper", default="released").options == ["-c", "paper"]
    (folder / "animeinterp.toml").unlink()
    assert ChosenConfig.of(None, default="released").options == ["-c", "released"]


def test_the_demo_is_a_project(folder: Path, command: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    small = set_options([SMALL_NETWORK, "executor.kind=inline"])
    code, said = command("demo", "--pairs", "1", "--height", "48", "--width", "80", *small)
    assert code == 0, said
    hint = re.search(r"to look at a pair: \S*animeinterp inspect (\S+) -c demo/animeinterp.toml", said)
    assert hint is not None
    monkeypatch.chdir(folder / "demo")
    assert command("inspect", hint[1], *set_options([SMALL_NETWORK]))[0] == 0
    assert (folder / "demo" / "inspect" / f"{hint[1]}.html").is_file()
    assert "note: " not in command("run", "--dry-run", *small, "--set", "features.weights=")[1].replace(
        "note: trained", ""
    )
