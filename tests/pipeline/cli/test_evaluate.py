from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest

from animeinterp.pipeline.cli.score_tables import print_comparison
from animeinterp.pipeline.results.score_comparison import compare
from animeinterp.pipeline.results.scores import score_table
from tests.pipeline.small_runs import PAIRS, Command, Opener, Runner, set_options


@pytest.fixture
def options(finished: None, settings: list[str]) -> list[str]:
    return set_options(settings)


@pytest.fixture
def published(open_session: Opener, options: list[str], tmp_path: Path) -> Path:
    """Scores of all pairs but the first as others may publish them: a quarter of a dB less in one of them."""
    table = score_table(open_session())[["id", "psnr", "ssim"]].iloc[1:]
    table.iloc[1, 1] -= 0.25
    extra = pd.DataFrame({"id": ["nobody"], "psnr": [30.0], "ssim": [0.9]})
    path = tmp_path / "published.csv"
    pd.concat([table, extra]).rename(columns={"id": "Triplet", "psnr": "PSNR"}).to_csv(path, index=False)
    return path


def test_without_a_comparison_scores_are_printed(command: Command, options: list[str]) -> None:
    code, printed = command("evaluate", "demo", *options)
    assert code == 0
    assert "PSNR dB" in printed
    assert "against" not in printed


def test_published_scores(command: Command, options: list[str], published: Path, tmp_path: Path) -> None:
    joined = tmp_path / "deep" / "joined.csv"
    code, printed = command(
        "evaluate", "demo", *options, "--against", str(published), "--output", str(joined)
    )
    assert code == 0, printed
    assert f"against {published}: {PAIRS - 1} pairs in common" in printed
    assert "Neither is clearly better: PSNR." in printed
    assert "1 without scores there" in printed
    assert "1 without scores here: nobody" in printed
    table = pd.read_csv(joined)
    assert len(table) == PAIRS + 1
    (changed,) = table.loc[table["psnr_difference"].abs() > 1e-6, "id"]
    largest = printed[printed.index("largest in PSNR") :]
    assert largest.splitlines()[2].split()[0] == changed
    assert "+0.25" in largest


def test_what_is_missing_is_scored_first(command: Command, options: list[str], published: Path) -> None:
    code, printed = command(
        "evaluate", "demo", *options, "--set", "evaluation.chamfer=false", "--against", str(published), "-q"
    )
    assert code == 0, printed
    assert "pairs in common" in printed


def test_another_config_that_has_not_been_run_is_refused(command: Command, options: list[str]) -> None:
    code, printed = command("evaluate", "demo", *options, "--against", "released")
    assert code == 2
    assert "--against released: no scores under this config in store.cache = " in printed


def test_a_config_file_that_has_been_run(
    command: Command, options: list[str], run: Runner, tmp_path: Path
) -> None:
    other = tmp_path / "still.toml"
    # Data and cache are named by the settings of the run itself, which count for both.
    other.write_text('extends = "paper"\n[coarse_flow]\nmethod = "zero"\n')
    report = run("coarse_flow.method=zero")
    code, printed = command("evaluate", "demo", *options, "--against", str(other))
    assert code == 0, printed
    assert f"{PAIRS} pairs in common" in printed
    assert len(score_table(report.session)) == PAIRS
    assert "coarse EPE 0→1, moving, px" in printed
    tables = printed[printed.index("against ") :].splitlines()[1:]
    assert max(len(line.rstrip()) for line in tables) <= 120
    (row,) = [line for line in tables if "refined EPE 0→1, occluded" in line]
    assert " to " in row  # the interval


def test_a_runs_own_scores_do_not_differ(
    command: Command, options: list[str], run: Runner, tmp_path: Path
) -> None:
    run(f"store.results='{tmp_path / 'results'}'")
    code, printed = command(
        "evaluate", "demo", *options, "--against", str(tmp_path / "results" / "scores.csv")
    )
    assert code == 0, printed
    assert "largest in" not in printed
    assert "0 to 0" in printed


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--against", "absent.csv"], "absent.csv: cannot be read"),
        (["--against", "nonsense"], "config 'nonsense' not found"),
        (["--output", "joined.csv"], "--output is for the table of --against"),
    ],
)
def test_unusable_arguments_are_refused(
    command: Command, options: list[str], arguments: list[str], said: str
) -> None:
    code, printed = command("evaluate", "demo", *options, *arguments)
    assert code == 2
    assert said in printed
    assert "Traceback" not in printed


def test_an_output_that_cannot_be_written_is_named(
    command: Command, options: list[str], published: Path, tmp_path: Path
) -> None:
    code, printed = command("evaluate", "demo", *options, "--against", str(published), "-o", str(tmp_path))
    assert code == 2
    assert f"--output {tmp_path}: cannot be written" in printed


def test_names_with_brackets_are_printed_as_they_are(
    finished: None, open_session: Opener, capsys: pytest.CaptureFixture[str]
) -> None:

    table = score_table(open_session())
    table["id"] = table["source"] = "[red]" + table["id"]
    print_comparison(compare(table, table.assign(psnr=1.0)), "[there]")
    printed = capsys.readouterr().out
    assert "against [there]" in printed
    assert printed.count(table.loc[0, "id"]) == 2
