"""A results folder to which several runs write: of other pairs, configs, datasets and versions."""

from __future__ import annotations

import json
import re
import shutil
from concurrent.futures import ThreadPoolExecutor
from importlib.util import find_spec
from pathlib import Path

import pandas as pd
import pytest

from animeinterp.configs.errors import ConfigError
from animeinterp.configs.loading import load_config
from animeinterp.pipeline.planning.selection import Selection
from animeinterp.pipeline.results.results_record import read_record, results_notes
from animeinterp.pipeline.running.output_folder import results_folder, write_results
from animeinterp.pipeline.running.run import Run, RunReport
from animeinterp.pipeline.store.run_records import read_runs
from animeinterp.pipeline.store.written_results import WrittenResults
from tests.pipeline.small_runs import PAIRS, Opener, Runner, times_of_files


def rows(results: Path) -> pd.DataFrame:
    return pd.read_csv(results / "scores.csv").set_index("id")


@pytest.mark.parametrize("selection", [{"limit": 1}, {"ids": True}])
def test_a_run_on_some_pairs_takes_nothing_from_the_others(
    run: Runner, setting: str, results: Path, open_session: Opener, selection: dict[str, object]
) -> None:
    run(setting)
    before, pictures = (results / "scores.csv").read_bytes(), times_of_files(results)
    if "ids" in selection:
        selection["ids"] = (open_session().manifest.pairs[2].id,)
    report = run(setting, **selection)
    assert report.scores is not None
    assert len(report.scores) == 1  # printed are those of the pairs that were asked for
    assert (results / "scores.csv").read_bytes() == before
    assert times_of_files(results) == pictures


def test_runs_on_single_pairs_add_up_to_one_on_all(
    run: Runner, setting: str, results: Path, open_session: Opener, tmp_path: Path
) -> None:
    for pair in reversed(open_session().manifest.pairs):
        run(setting, ids=(pair.id,))
    run(f"store.results='{tmp_path / 'at once'}'")
    for name in ("scores.csv", *(("scores.parquet",) if find_spec("pyarrow") else ())):
        assert (results / name).read_bytes() == (tmp_path / "at once" / name).read_bytes(), name
    assert not WrittenResults(results).trouble("scores.csv", contents=True)


def test_scores_name_the_evaluation_that_made_them(
    run: Runner, setting: str, results: Path, open_session: Opener
) -> None:
    run(setting)
    session = open_session()
    assert set(rows(results)["fingerprint"]) == {session.fingerprints["evaluation"]}
    record = read_record(results)
    assert record is not None
    assert {name: stage.fingerprint for name, stage in record.stages.items()} == session.fingerprints
    assert record.data["root"] == str(session.manifest.root.resolve())


def test_scores_of_a_pair_go_with_its_frame(
    cartoons: Path, run: Runner, setting: str, results: Path, tmp_path: Path
) -> None:
    shutil.copytree(cartoons, tmp_path / "copy")
    root = f"data.root='{tmp_path / 'copy'}'"
    run(setting, root)
    first, second, *_ = sorted((tmp_path / "copy" / "test_2k_540p").iterdir())
    before = rows(results)
    shutil.copy(second / "frame3.png", first / "frame3.png")
    run(setting, root, last="synthesis", ids=(second.name,))
    pd.testing.assert_frame_equal(rows(results), before)  # nothing was evaluated, and nothing changed
    run(setting, root, last="synthesis")
    assert set(rows(results).index) == set(before.index) - {first.name}
    run(setting, root, ids=(first.name,))
    assert list(rows(results).index) == list(before.index)
    assert rows(results).loc[first.name, "psnr"] != before.loc[first.name, "psnr"]


def content(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


@pytest.mark.parametrize(
    ("setting_there", "said"),
    [
        ("refinement.method=none", "refinement.method: light -> none"),
        ("evaluation.chamfer=false", "evaluation.chamfer: true -> false"),
        ("data.unnamed_style=disney", "data.unnamed_style: anime -> disney"),
    ],
)
def test_results_of_another_config_are_refused_before_any_work(
    run: Runner, setting: str, results: Path, setting_there: str, said: str, cartoons: Path, tmp_path: Path
) -> None:
    run(setting)
    before = content(results)
    refusal = rf"(?s)holds results of another config.*{re.escape(said)}.*--set .*results-2.*--replace-results"
    for selection in ({}, {"limit": 1}, {"last": "synthesis"}):
        if "evaluation" in setting_there and "last" in selection:
            assert run(setting, setting_there, **selection).succeeded  # its frames are the same
            continue
        with pytest.raises(ConfigError, match=refusal):
            run(setting, setting_there, **selection)
    states = [info.state for _, info in read_runs(tmp_path / "cache")]
    assert states.count("refused") == 3 - ("evaluation" in setting_there)
    assert run(setting, setting_there, last="matching").succeeded  # writes nothing there
    assert {k: v for k, v in content(results).items() if k.endswith((".png", ".csv"))} == {
        k: v for k, v in before.items() if k.endswith((".png", ".csv"))
    }


def test_another_dataset_is_another_config_and_a_moved_project_is_not(
    run: Runner, results: Path, cartoons: Path, tmp_path: Path
) -> None:
    shutil.copytree(cartoons, tmp_path / "a" / "shots")
    shutil.copytree(cartoons, tmp_path / "b")

    def run_in(folder: Path, data: Path) -> RunReport:
        return run(f"store.results='{folder / 'results'}'", f"data.root='{data}'")

    run_in(tmp_path / "a", tmp_path / "a" / "shots")
    with pytest.raises(ConfigError, match=rf"data.root: {tmp_path}/a/shots -> {tmp_path}/b"):
        run_in(tmp_path / "a", tmp_path / "b")
    shutil.copytree(tmp_path / "a" / "results", tmp_path / "c" / "results")
    assert run_in(tmp_path / "c", tmp_path / "a" / "shots").frames_written == 0
    shutil.move(tmp_path / "a", tmp_path / "moved")
    assert run_in(tmp_path / "moved", tmp_path / "moved" / "shots").frames_written == 0


def test_replacing_leaves_nothing_of_the_other_config(run: Runner, setting: str, results: Path) -> None:
    run(setting, "synthesis.times=[0.25, 0.5]")
    (results / "notes.txt").write_text("of the user")
    kept = sorted(path.name for path in results.iterdir() if path.is_dir())[-1]
    (results / kept / "mine.png").write_bytes(b"of the user")
    report = run(setting, "coarse_flow.method=zero", limit=1, replace_results=True)
    (pair,) = [record.id for _, record in report.session.records("synthesis") if record is not None]
    assert [str(path.relative_to(results)) for path in results.glob("*/frame*")] == [f"{pair}/frame_t0.5.png"]
    assert list(rows(results).index) == [pair]
    assert (results / "notes.txt").exists()
    assert (results / kept / "mine.png").exists()
    assert [path.name for path in results.iterdir() if path.is_dir()] in ([pair, kept], [kept, pair])
    with pytest.raises(ConfigError, match="coarse_flow.method: zero -> sgm"):
        run(setting)
    run(setting, replace_results=True, last="synthesis")
    assert not (results / "scores.csv").exists()
    assert not (results / "scores.parquet").exists()
    assert not WrittenResults(results).files_in("scores.csv")


def test_results_of_version_0_1_are_accepted_and_said_so(
    run: Runner, setting: str, results: Path, open_session: Opener
) -> None:
    run(setting)
    table = pd.read_csv(results / "scores.csv").drop(columns="fingerprint")
    table.loc[len(table)] = {"id": "of another dataset", "psnr": 12.5}
    table.to_csv(results / "scores.csv", index=False)
    pairs = [path.name for path in results.iterdir() if path.is_dir()]
    (results / ".written.json").write_text(json.dumps(dict.fromkeys(pairs, "digest (0.5,)")))
    (results / "results.json").unlink()
    (note,) = results_notes(open_session(setting))
    assert "as version 0.1 wrote them" in note
    before = rows(results)
    run(setting, limit=1)
    after = rows(results)
    assert list(after.index) == list(before.index)
    pd.testing.assert_frame_equal(after.drop(columns="fingerprint"), before)
    assert after["fingerprint"].notna().sum() == 1
    assert results_notes(open_session(setting)) == []


@pytest.mark.parametrize("harmed", ["id,psnr\nx,not a number\n", "", "psnr\n1\n", "id,psnr\na,1\n"])
def test_scores_changed_by_others_are_not_taken_over(
    run: Runner, setting: str, results: Path, harmed: str, caplog: pytest.LogCaptureFixture
) -> None:
    run(setting)
    whole = (results / "scores.csv").read_bytes()
    (results / "scores.csv").write_text(harmed)
    run(setting, limit=1)
    assert len(rows(results)) == 1
    assert "a run on all pairs restores the others" in caplog.text
    run(setting)
    assert (results / "scores.csv").read_bytes() == whole


def test_runs_on_other_pairs_at_the_same_time_lose_nothing(
    run: Runner, setting: str, results: Path, settings: list[str], open_session: Opener
) -> None:
    pairs = [pair.id for pair in open_session().manifest.pairs]
    config = load_config("demo", [*settings, setting])
    runs = [Run.open(config, Selection(ids=(name,))) for name in pairs]
    with ThreadPoolExecutor(len(runs)) as pool:
        assert list(pool.map(write_results, runs)) == [1] * PAIRS
    for each in runs:
        each.close()
    assert set(rows(results).index) == set(pairs)
    assert WrittenResults(results).folders == {results_folder(name) for name in pairs}
