"""Whole runs on pairs, clips and folders whose names are any that a file system allows."""

from __future__ import annotations

import csv
import html
import os
import re
import subprocess
import sys
from pathlib import Path
from urllib.parse import unquote_to_bytes

import numpy as np
import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from animeinterp.configs.names import id_of, name_of
from animeinterp.data.images import Frame, write_image
from animeinterp.pipeline.pages.html_files import page_name
from animeinterp.pipeline.results.score_files import read_scores
from animeinterp.pipeline.store.csv_tables import cell_text
from tests.drawn_videos import write_video
from tests.names import decoded, names
from tests.pipeline.small_runs import SMALL_NETWORK, Command, set_options
from tests.project import ROOT

SIZE = (24, 32)
ODD_FOLDER = os.fsdecode(b"\x83 [x]\n%d 'y'")


def frame(number: int) -> Frame:
    """A square that moves to the right."""
    picture = np.full((*SIZE, 3), 200, np.uint8)
    picture[8:16, 4 + 3 * number : 12 + 3 * number] = (220, 30, 30)
    return picture


def draw_pairs(root: Path, several: list[str]) -> None:
    for name in several:
        for number in range(3):
            write_image(root / name / f"{name[:40]}_{number}.png", frame(number))


def settings_for(folder: Path) -> list[str]:
    chosen = [
        f"data.root={folder / 'data'}",
        f"store.cache={folder / 'cache'}",
        f"store.results={folder / 'results'}",
    ]
    return [*chosen, "store.least_shards=1", "executor.kind=inline", SMALL_NETWORK]


def files_of(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir() if not path.name.startswith(".")}


@pytest.mark.slow
def test_every_command_takes_odd_names(command: Command, tmp_path: Path) -> None:
    folder, odd = tmp_path / "plain", decoded()
    draw_pairs(folder / "data", odd)
    options = set_options(settings_for(folder))
    code, said = command("run", "demo", *options)
    assert code == 0, said
    said.encode()
    assert "\x1b" not in said
    assert "\nerror" not in said
    frames = {path.parent.name for path in (folder / "results").glob("*/frame_t0.5.png")}
    assert frames == set(odd)
    assert set(read_scores(folder / "results" / "scores.csv")["id"]) == set(map(id_of, odd))
    assert set(pd.read_parquet(folder / "results" / "scores.parquet")["id"]) == set(map(id_of, odd))

    code, said = command("inspect", "-c", "demo", "-o", str(folder / "pages"), *options, "--", *odd)
    assert code == 0, said
    index = (folder / "pages" / "index_.html").read_bytes().decode()
    linked = {html.unescape(found) for found in re.findall(r'<a href="([^"]+)"', index)}
    assert {unquote_to_bytes(link) for link in linked} == {
        os.fsencode(page_name(id_of(name))) for name in odd
    }
    for name in odd:
        assert (folder / "pages" / page_name(id_of(name))).read_bytes().decode()
    code, said = command("inspect", "--png", "-c", "demo", "-o", str(folder / "sheets"), *options, "--", *odd)
    assert code == 0, said
    assert len(files_of(folder / "sheets")) == len(odd)

    code, said = command("report", "demo", "-o", str(folder / "report"), *options)
    assert code == 0, said
    report = (folder / "report" / "report.html").read_bytes().decode()
    assert all(
        html.escape(id_of(name), quote=False) in html.unescape(report) for name in ("a\\x83", "100% done")
    )
    assert "<b>&amp;" not in report.partition("<main")[2].replace("&lt;b&gt;&amp;amp;", "")
    for words in (["status", "demo"], ["explain", "demo"], ["history", "demo"], ["evaluate", "demo"]):
        code, said = command(*words, *options)
        assert code == 0, said
        assert "\x1b" not in said
    code, said = command("explain", "demo", odd[0], *options)
    assert code == 0, said
    assert r"\x83A1" in said
    code, said = command("evaluate", "demo", *options, "--against", str(folder / "results" / "scores.csv"))
    assert code == 0, said
    assert "without scores" not in said
    code, said = command(
        "run", "demo", *options, *(part for name in odd for part in ("--id", name)), "--dry-run"
    )
    assert code == 0, said
    assert "nothing to do" in said


@pytest.mark.slow
def test_flows_are_exported_and_imported_under_odd_names(command: Command, tmp_path: Path) -> None:
    draw_pairs(tmp_path / "data", decoded())
    options = set_options(settings_for(tmp_path))
    assert command("run", "demo", "--to", "coarse_flow", *options)[0] == 0
    for dtype in ("float64", "float32"):  # the second one replaces the first
        code, said = command("export-sgm", "demo", str(tmp_path / "sgm"), "--dtype", dtype, *options)
        assert code == 0, said
        assert files_of(tmp_path / "sgm") == set(decoded())
    assert not [path for path in (tmp_path / "sgm").iterdir() if path.name.startswith(".")]
    code, said = command("import-sgm", "demo", str(tmp_path / "sgm"), *options)
    assert code == 0, said


@pytest.mark.slow
def test_folders_of_the_program_may_have_odd_names(tmp_path: Path) -> None:
    folder = tmp_path / ODD_FOLDER
    draw_pairs(folder / "data", ["a", "b"])
    chosen = settings_for(folder)
    done = subprocess.run(
        [
            sys.executable,
            "-m",
            "animeinterp.pipeline.cli",
            "run",
            "demo",
            *set_options([*chosen, "executor.kind=local"]),
        ],
        cwd=ROOT,
        capture_output=True,
        check=False,
        env={**os.environ, "PYTHONIOENCODING": "utf-8:strict", "LC_ALL": "C.UTF-8"},
    )
    assert done.returncode == 0, done.stderr.decode(errors="replace")
    assert r"results: " + str(tmp_path) + r"/\x83 [x]\n%d 'y'/results" in done.stdout.decode()
    assert (folder / "results" / "a" / "frame_t0.5.png").is_file()


@pytest.mark.slow
def test_terminals_that_know_few_characters(tmp_path: Path) -> None:
    draw_pairs(tmp_path / "data", ["é絵", "b"])
    (tmp_path / "data" / "é絵" / "é絵_0.png").write_bytes(b"")
    done = subprocess.run(
        [
            sys.executable,
            "-m",
            "animeinterp.pipeline.cli",
            "run",
            "demo",
            *set_options(settings_for(tmp_path)),
        ],
        cwd=ROOT,
        capture_output=True,
        check=False,
        env={**os.environ, "PYTHONIOENCODING": "ascii"},
    )
    assert done.returncode == 1, done.stderr.decode()
    assert rb"\xe9\u7d75" in done.stdout


@settings(
    max_examples=4,
    suppress_health_check=list(HealthCheck),
)
@given(st.lists(names(), min_size=2, max_size=6, unique=True))
def test_any_names_of_pairs(
    command: Command, tmp_path_factory: pytest.TempPathFactory, several: list[str]
) -> None:
    folder = tmp_path_factory.mktemp("any")
    draw_pairs(folder / "data", several)
    options = set_options([*settings_for(folder), "coarse_flow.method=zero", "refinement.method=none"])
    code, said = command("run", "demo", *options)
    assert code == 0, said
    with (folder / "results" / "scores.csv").open(encoding="utf-8", newline="") as file:
        listed = [cell_text(row["id"]) for row in csv.DictReader(file)]
    assert sorted(map(name_of, listed)) == sorted(several)
    assert len(list((folder / "results").glob("*/frame_t0.5.png"))) == len(several)
    code, said = command("inspect", "-c", "demo", "-o", str(folder / "pages"), *options, "--", *several)
    assert code == 0, said
    assert len(files_of(folder / "pages")) == len(several) + 1


LONG = ("x" * 236, "ä" * 118 + "x", os.fsdecode(b"\xff" * 240))
"""Names of 236 to 240 bytes."""


@pytest.mark.parametrize("name", [*LONG, *(name for name in decoded() if len(os.fsencode(name)) < 200)])
def test_clips_in_and_out_under_odd_names(command: Command, tmp_path: Path, name: str) -> None:
    folder = tmp_path / name
    for number in (1, 2, 10):
        write_image(folder / f"{name}_{number}.png", frame(number % 8))
    plain = [f"store.cache={tmp_path / 'cache'}", "executor.kind=inline", "coarse_flow.method=zero"]
    options = set_options([*plain, "refinement.method=none"])
    code, said = command(
        "interpolate", str(folder), "-o", str(tmp_path / f"{name}.mkv"), "--codec", "ffv1", *options
    )
    assert code == 0, said
    said.encode()
    assert (tmp_path / f"{name}.mkv").is_file()
    made = tmp_path / "made" / name
    made.mkdir(parents=True)  # a folder that is there is never a pattern
    code, said = command("interpolate", str(tmp_path / f"{name}.mkv"), "-o", str(made), *options)
    assert code == 0, said
    assert files_of(made) == {f"frame_{number:06d}.png" for number in range(1, 12)}
    assert not [path.name for path in (*tmp_path.iterdir(), *made.iterdir()) if path.name.startswith(".")]


def test_names_that_are_too_long_are_refused_before_any_work(command: Command, tmp_path: Path) -> None:
    write_video(tmp_path / "movie.mp4", 3)
    for output in ("x" * 252 + ".mkv", "x" * 256, "x" * 250 + "%06d.png"):
        code, said = command(
            "interpolate",
            str(tmp_path / "movie.mp4"),
            "-o",
            str(tmp_path / output),
            "--set",
            f"store.cache={tmp_path}/c",
        )
        assert code == 2, said
        assert "255" in said
    assert not (tmp_path / "c").exists()
    assert command("run", "demo", "--set", f"data.root={tmp_path}/{'x' * 300}")[0] == 2


def test_the_data_folder_may_hold_what_the_program_writes(
    command: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    draw_pairs(tmp_path, ["a", "b"])
    options = set_options(
        [
            "data.root=.",
            "store.cache=cache",
            "store.results=results",
            "coarse_flow.method=zero",
            "executor.kind=inline",
        ]
    )
    for _ in range(2):
        code, said = command("run", "demo", *options)
        assert code == 0, said
        for words in (["inspect", "-c", "demo", "a", "b"], ["inspect", "--png", "-c", "demo", "a", "b"]):
            assert command(*words, *options)[0] == 0
        assert command("inspect", "--png", "-c", "demo", "a", "-o", ".", *options)[0] == 0
        assert command("report", "demo", *options)[0] == 0
        assert command("diff", "demo", "demo", "-o", "difference", *options)[0] == 0
    code, said = command("status", "demo", *options)
    assert code == 0, said
    (note,) = [line for line in said.splitlines() if line.startswith("note: ignored in")]
    expected = ("a.png", "cache", "results", "inspect", "report", "difference")
    assert [name for name in expected if f" {name}" not in note] == []
    assert re.search(r"^ *synthesis +2 ", said, re.MULTILINE)


def test_two_links_to_folders_of_one_name_have_two_results(command: Command, tmp_path: Path) -> None:
    for name in ("a", "b"):
        draw_pairs(tmp_path / "x" / name, ["frames"])
        (tmp_path / "data").mkdir(exist_ok=True)
        (tmp_path / "data" / f"scene{name}").symlink_to(f"../x/{name}/frames")
    code, said = command("run", "demo", *set_options([*settings_for(tmp_path), "coarse_flow.method=zero"]))
    assert code == 0, said
    assert {path.parent.name for path in (tmp_path / "results").glob("*/*.png")} == {"scenea", "sceneb"}


@pytest.mark.parametrize("order", ["1 10 11 12 2 3 4 5 6 7 8 9", "10 11 12 1 2 3 4 5 6 7 8 9"])
def test_images_as_a_shell_lists_them_go_by_number(command: Command, tmp_path: Path, order: str) -> None:
    paths = [tmp_path / f"{number}.png" for number in order.split()]
    for path in paths:
        write_image(path, frame(int(path.stem) % 8))
    options = set_options([f"store.cache={tmp_path}/cache", "clip.factor=1", "executor.kind=inline"])
    code, said = command("interpolate", *map(str, paths), "-o", str(tmp_path / "out"), *options)
    assert code == 0, said
    made = [path.read_bytes() for path in sorted((tmp_path / "out").iterdir())]
    assert made == [(tmp_path / f"{number}.png").read_bytes() for number in range(1, 13)]
    code, said = command(
        "interpolate", *map(str, paths[::-1]), "-o", str(tmp_path / "back"), *options, "--dry-run"
    )
    assert "note: images are taken in the order given, not by number" in said


def test_options_with_an_equals_sign_may_name_the_home_folder(
    command: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    home = tmp_path / "home"
    home.mkdir()
    monkeypatch.setenv("HOME", str(home))
    monkeypatch.chdir(tmp_path)
    draw_pairs(home / "data", ["a", "b"])
    options = set_options(["data.root=~/data", "store.cache=~/cache", "executor.kind=inline"])
    fast = set_options(["coarse_flow.method=zero", "refinement.method=none", "store.results=~/results"])
    assert command("run", "demo", *options, *fast)[0] == 0
    assert command("inspect", "a", "-c", "demo", "--output=~/pages", *options, *fast)[0] == 0
    assert command("report", "demo", "--output=~/report", *options, *fast)[0] == 0
    code, said = command("interpolate", "~/data/a", "--output=~/x.mkv", "--sheet=~/sheets", *options, *fast)
    assert code == 0, said
    code, said = command("interpolate", "~/data/a", "-o", "~/y.mkv", *options, *fast)
    assert code == 0, said
    assert files_of(home) == {"data", "cache", "results", "pages", "report", "x.mkv", "y.mkv", "sheets"}
    assert files_of(tmp_path) == {"home"}


@pytest.mark.parametrize("pair", [("--factor", "--fps"), ("--factor", "--times"), ("--fps", "--times")])
def test_options_that_exclude_each_other(command: Command, tmp_path: Path, pair: tuple[str, str]) -> None:
    values = {"--factor": "2", "--fps": "24", "--times": "0.5"}
    chosen = [word for option in pair for word in (option, values[option])]
    code, said = command("interpolate", str(tmp_path), "-o", str(tmp_path / "x.mkv"), *chosen)
    assert code == 2
    assert f"{pair[0]} and {pair[1]} exclude each other" in said


@pytest.mark.slow
def test_a_rate_for_a_video_is_told(command: Command, tmp_path: Path) -> None:
    write_video(tmp_path / "movie.mp4", 3)
    options = ["--rate", "12", "--dry-run", "--set", f"store.cache={tmp_path}/cache"]
    code, said = command("interpolate", str(tmp_path / "movie.mp4"), "-o", str(tmp_path / "x.mkv"), *options)
    assert code == 0, said
    assert "note: clip.rate is for images, and movie.mp4 is a video" in said
