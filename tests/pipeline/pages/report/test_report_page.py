from __future__ import annotations

import re
import shutil
from base64 import b64encode
from hashlib import sha256
from html import unescape
from pathlib import Path
from urllib.parse import unquote

import numpy as np
import pandas as pd
import pytest

from animeinterp.configs.errors import ConfigError, DataError
from animeinterp.data.images import write_image
from animeinterp.pipeline.compute.method_notes import methods_line
from animeinterp.pipeline.compute.registry import STAGES
from animeinterp.pipeline.pages.report import report_page as module
from animeinterp.pipeline.pages.report.pairs import inspect_folder
from animeinterp.pipeline.pages.report.report_page import write_report
from animeinterp.pipeline.planning.session import Session
from animeinterp.pipeline.store.sizes import in_time
from animeinterp.stages.metrics import FLOW_METRICS, FRAME_METRICS, MATCHING_METRICS
from tests.html_page import Page
from tests.pipeline.small_runs import PAIRS, Opener, Runner

COMMAND = ["animeinterp", "run", "demo", "--set", "data.root=some folder"]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "report"


def written(session: Session, folder: Path, *, rank_by: str = "psnr", pages: int = 0) -> Page:
    path, *_ = write_report(session, folder, command=COMMAND, rank_by=rank_by, pages=pages).files
    return Page(path.read_text(encoding="utf-8"))


def numbers(page: Page, table: str, columns: slice) -> list[list[float]]:
    """Values of a table's rows below the head."""
    rows = page.tables[table][1:]
    return [[float(cell.value) if cell.value else np.nan for cell in row[columns]] for row in rows]


def test_scores_on_the_page_are_those_of_the_table(
    finished: None, open_session: Opener, folder: Path
) -> None:
    page = written(open_session(), folder)
    scores = pd.read_csv(folder / "scores.csv").sort_values("psnr")
    assert [row[0].text for row in page.tables["all-pairs"][1:]] == list(scores["id"])
    of_frames = [name for name in FRAME_METRICS if scores[name].notna().any()]
    of_motion = [name for name in (*FLOW_METRICS, *MATCHING_METRICS) if scores[name].notna().any()]
    np.testing.assert_array_equal(numbers(page, "all-pairs", slice(5, None)), scores[of_frames].to_numpy())
    for table, metrics in (("groups", of_frames), ("motion", of_motion)):
        means = numbers(page, table, slice(2, None))
        np.testing.assert_allclose(means[0], [PAIRS, *scores[metrics].mean()])
        for row, mean in zip(page.tables[table][2:], means[1:], strict=True):
            part = scores[scores[{"behaviour": "behavior"}.get(row[0].text, row[0].text)] == row[1].text]
            np.testing.assert_allclose(mean, [len(part), *part[metrics].mean()])
    assert f"PSNR, mean {scores['psnr'].mean():.2f} dB" in page.text
    bins = 4  # of so few pairs
    assert page.tags.count("rect") == bins * len([*of_frames, *of_motion]) + 2 * len(STAGES)


def test_work_on_the_page_is_that_of_the_table(run: Runner, spoilt: str, folder: Path) -> None:
    page = written(run(spoilt).session, folder)
    items = pd.read_csv(folder / "items.csv", keep_default_na=False)
    head, *rows = page.tables["stages"]
    assert [cell.text for cell in head[:6]] == ["stage", "items", "done", "failed", "skipped", "missing"]
    assert [row[0].text for row in rows] == list(STAGES)
    for row in rows:
        part = items[items["stage"] == row[0].text]
        counts = [len(part), *((part["status"] == s).sum() for s in ("ok", "failed", "skipped", "missing"))]
        assert [int(cell.value or -1) for cell in row[1:6]] == counts
        assert float(row[6].value or -1) == pytest.approx(part["seconds"].sum())
        assert int(row[9].value or -1) == part["bytes"].sum()
    slowest = items.nlargest(10, "seconds")
    slowest = slowest[slowest["seconds"] > 0]
    assert [row[1].text for row in page.tables["slowest"][1:]] == list(slowest["id"])


def test_failures_and_skipped_items_are_told_with_their_reasons(
    run: Runner, spoilt: str, folder: Path
) -> None:
    session = run(spoilt).session
    page = written(session, folder)
    ((_, record),) = session.failures()
    ((stage, name, why),) = page.tables["failed"][1:]
    assert (stage.text, name.text, why.text) == ("segmentation", record.id, record.reason)
    skipped = [[cell.text for cell in row[:3]] for row in page.tables["skipped"][1:]]
    assert ["features", "1", "its segmentation failed"] in skipped
    assert ["evaluation", "1", "its segmentation failed"] in skipped
    assert ["evaluation", "1", "no ground truth"] in skipped
    assert "1 failed" in page.text
    assert "animeinterp run demo --set 'data.root=some folder' --retry-failed" in page.text
    assert "There are no scores. 1 pair: its segmentation failed. 1 pair: no ground truth." in page.text
    assert "empty file" in Page((folder / "report.html").read_text()).text
    assert [picture["alt"].split(" of ")[0] for picture in page.pictures].count("frame 1") == 1


def test_an_empty_cache_says_what_to_run(open_session: Opener, folder: Path) -> None:
    page = written(open_session(), folder)
    assert "not complete" in page.text
    assert f"segmentation lacks {2 * PAIRS} of {2 * PAIRS} frames" in page.text
    assert "out of date: animeinterp run demo --set 'data.root=some folder'" in page.text
    assert f"The evaluation of {PAIRS} of {PAIRS} pairs has not been computed" in page.text
    assert "No run with these settings is recorded" in page.text
    assert "Nothing has failed" in page.text
    assert page.text.count("synthesis is not computed yet") == PAIRS
    assert {"groups", "all-pairs", "slowest", "run-list", "versions"}.isdisjoint(page.tables)


def test_stages_that_are_left_out_are_not_missing(run: Runner, folder: Path) -> None:
    page = written(run("coarse_flow.method=zero").session, folder)
    names = [row[0].text for row in page.tables["stages"][1:]]
    assert names == ["coarse_flow", "refinement", "synthesis", "evaluation"]
    assert "complete" in page.text
    assert "not complete" not in page.text


@pytest.mark.slow
def test_everything_that_made_it_is_told(run: Runner, open_session: Opener, folder: Path) -> None:
    report = run("coarse_flow.max_shift=9")
    assert report.record is not None
    session = open_session("coarse_flow.max_shift=9")
    page = written(session, folder)
    ((name, _, state, *_),) = page.tables["run-list"][1:]
    assert (name.text, state.text) == (report.record.name, "finished")
    settings = {row[0].text: row[1].text for row in page.tables["changed"][1:]}
    assert settings["coarse_flow.max_shift"] == "9.0"
    assert settings["features.layers"] == "['relu1_1', 'relu2_1']"
    told = {row[0].text: row[1].text for row in page.tables["fingerprints"][1:]}
    assert told == session.fingerprints
    assert {"python", "numpy"} <= {row[0].text for row in page.tables["versions"]}
    assert methods_line(session.config) in page.text
    assert "weights fetch vgg19" in page.text


def test_links_are_relative_and_lead_somewhere(finished: None, open_session: Opener, folder: Path) -> None:
    session = open_session()
    pages = inspect_folder(session.config)
    shutil.rmtree(pages, ignore_errors=True)
    without = written(session, folder)
    linked = written(session, folder, pages=2)
    worst = list(pd.read_csv(folder / "scores.csv").sort_values("psnr")["id"][:2])
    assert {path.stem for path in pages.glob("*.html")} == {*worst, "index"}
    for page, count in ((without, 0), (linked, 2 * len(worst))):  # by its pictures, and in the table
        targets = [folder / unquote(link) for link in page.links if not link.startswith("#")]
        assert all(target.is_file() for target in targets)
        assert sum(target.resolve().parent == pages.resolve() for target in targets) == count
    assert [row[0].link is not None for row in linked.tables["all-pairs"][1:]] == [True, True, False, False]
    anchors = {link[1:] for link in linked.links if link.startswith("#")}
    assert all(f'id="{anchor}"' in linked.content for anchor in anchors)


def test_worst_and_best_go_by_the_score_asked_for(finished: None, open_session: Opener, folder: Path) -> None:
    page = written(open_session(), folder, rank_by="ie")
    scores = pd.read_csv(folder / "scores.csv").sort_values("ie", ascending=False)
    shown = list(dict.fromkeys(picture["alt"].split(" of ")[1] for picture in page.pictures))
    worst, best = list(scores["id"][:2]), list(scores["id"][2:])
    assert shown == [*worst, *best[::-1]]
    assert "Worst pairs, by IE" in page.text


def test_pairs_ranked_by_their_flow_are_listed_with_it(
    finished: None, open_session: Opener, folder: Path
) -> None:
    page = written(open_session(), folder, rank_by="coarse_epe01")
    errors = sorted(pd.read_csv(folder / "scores.csv")["coarse_epe01"], reverse=True)
    assert page.tables["all-pairs"][0][5].text.startswith("coarse EPE 0→1")
    assert [row[5].value for row in page.tables["all-pairs"][1:]] == [str(error) for error in errors]


def test_a_score_that_cannot_rank_is_refused_before_anything_is_written(
    open_session: Opener, folder: Path
) -> None:
    with pytest.raises(ConfigError, match="'beauty' is not a score"):
        written(open_session(), folder, rank_by="beauty")
    assert not folder.exists()


def test_few_of_many_pairs_have_pictures(
    finished: None, open_session: Opener, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "WORST_SHOWN", 1)
    monkeypatch.setattr(module, "BEST_SHOWN", 1)
    monkeypatch.setattr(module, "PAIRS_LISTED", 3)
    page = written(open_session(), folder)
    scores = pd.read_csv(folder / "scores.csv").sort_values("psnr")
    shown = list(dict.fromkeys(picture["alt"].split(" of ")[1] for picture in page.pictures))
    assert shown == [scores["id"].iloc[0], scores["id"].iloc[-1]]
    assert len(page.tables["all-pairs"]) == 1 + 3
    assert f"The 3 worst; the other {PAIRS - 3} are in scores.csv" in page.text


def test_perfect_pairs_are_not_in_the_histogram(run: Runner, folder: Path, tmp_path: Path) -> None:
    frame = np.full((48, 64, 3), (30, 60, 200), np.uint8)
    frame[8:28, 8:28] = (220, 40, 30)
    for number in (1, 2, 3):
        write_image(tmp_path / "frames" / "still" / f"frame{number}.png", frame)
    page = written(run(f"data.root='{tmp_path / 'frames'}'").session, folder)
    assert "PSNR, mean ∞ dB" in page.text
    assert "1 infinite: a perfect frame" in page.text
    assert page.tables["all-pairs"][1][5].value == "inf"


def test_nothing_in_the_data_becomes_html(run: Runner, folder: Path, tmp_path: Path) -> None:
    name = "<script>alert('1')<&quot;\"é世界%20#?"
    root = tmp_path / "<marquee>frames"
    for number in (1, 2, 3):
        grey = np.full((32, 48, 3), 60 * number, np.uint8)
        write_image(root / name / f"frame{number}.png", grey)
    (root / "<blink>broken").mkdir()
    page = written(run(f'data.root="{root}"').session, folder, pages=5)
    assert page.tags.count("script") == 1
    assert {"marquee", "blink"}.isdisjoint(page.tags)
    assert page.tables["all-pairs"][1][0].text == name
    assert page.tables["failed"][1][1].text == "<blink>broken"
    assert f"frame 0 of {name}" in [picture["alt"] for picture in page.pictures]
    target = page.tables["all-pairs"][1][0].link
    assert target is not None
    assert (folder / unquote(target)).is_file()
    assert "<marquee>frames" in page.text


def test_nothing_is_fetched(finished: None, open_session: Opener, folder: Path) -> None:
    content = written(open_session(), folder).content
    assert not re.search(r"""(src|href)=["']?(https?:)?//""", content)
    assert not re.search(r"@import|url\(|style=|onclick", content)
    policy = re.search(r'Content-Security-Policy" content="(.*?)"', content)
    style = re.search(r"<style>(.*?)</style>", content, re.DOTALL)
    script = re.search(r"<script>(.*?)</script>", content, re.DOTALL)
    assert policy is not None
    assert style is not None
    assert script is not None
    hashes = [b64encode(sha256(found[1].encode()).digest()).decode() for found in (style, script)]
    assert unescape(policy[1]) == (
        f"default-src 'none'; img-src data:; style-src 'sha256-{hashes[0]}'; script-src 'sha256-{hashes[1]}'"
    )


def test_a_report_that_cannot_be_written(open_session: Opener, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(DataError, match="cannot be written"):
        written(open_session(), tmp_path / "file")


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0.0, "0 s"), (0.01234, "12.3 ms"), (99.4, "99.4 s"), (150, "2 min"), (9000, "2.5 h")],
)
def test_times_for_people(seconds: float, text: str) -> None:
    assert in_time(seconds) == text
