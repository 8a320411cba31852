"""What commands print with --json: the keys that docs/json.md describes."""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from animeinterp.models.weights.records import SHIPPED
from animeinterp.pipeline.compute.registry import STAGES
from animeinterp.pipeline.planning.verdicts import VerdictKind
from animeinterp.stages.metrics import METRICS
from tests.pipeline.run_folders import make_run
from tests.pipeline.small_runs import PAIRS, Command, Opener, Runner, set_options
from tests.project import ROOT

Parsed = Callable[..., dict[str, Any]]
CHANGE = ("--set", "matching.area_penalty=7")


@pytest.fixture
def parsed(
    command: Command, settings: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> Parsed:
    """What a command of the small run prints, as an object; every key is in the documentation."""
    page = (ROOT / "docs" / "json.md").read_text(encoding="utf-8")
    documented = set(re.findall(r"`(\w+)`", page))

    def check(content: Any, free: bool = False) -> None:
        if isinstance(content, dict):
            for key, value in content.items():
                assert free or key in documented, key
                check(value, free or key in FREE)
        elif isinstance(content, list):
            for value in content:
                check(value, free)

    def parsed(*words: str) -> dict[str, Any]:
        name = words[: 1 + (words[0] == "cache")]
        chosen = ("-c", "demo", *set_options(settings))
        code, printed = command(*name, *chosen, *words[len(name) :], "--json")
        assert code == 0, printed
        assert printed.count("\n") == 1  # standard error has nothing, and standard output one line
        found: dict[str, Any] = json.loads(printed, parse_constant=pytest.fail)
        check(found)
        return found

    return parsed


FREE = {"methods", "stages", "reasons", "output", "scores", "means", "differences", "groups", "settings"}
FREE |= {"fingerprints", "versions", "machine", "events", "shipped"}
"""Keys whose values have keys that are names, of stages, scores, settings and the like."""


def test_status(finished: None, parsed: Parsed, open_session: Opener, tmp_path: Path) -> None:
    found = parsed("status")
    assert found["cache"] == str(tmp_path / "cache")
    assert [stage["stage"] for stage in found["stages"]] == list(STAGES)
    assert all(stage["done"] == stage["items"] for stage in found["stages"])
    assert found["methods"]["refinement"] == {
        "method": "light",
        "weights": [str(SHIPPED)],
        "fingerprint": open_session().fingerprints["refinement"],
    }
    assert found["plan"] == found["failures"] == found["runs"] == []
    assert found["results"] is None
    assert found["last_run"]["state"] == "finished"
    changed = parsed("status", *CHANGE, "--set", f"store.results={tmp_path / 'results'}")
    assert changed["plan"][0] == {
        "stage": "matching",
        "items": PAIRS,
        "reasons": {"matching.area_penalty: 20.0 -> 7.0": PAIRS},
    }
    assert changed["results"] == {"folder": str(tmp_path / "results"), "differences": []}


def test_status_of_an_active_run(finished: None, parsed: Parsed, open_session: Opener) -> None:
    begin = {"event": "begin", "totals": {"matching": 9}}
    shard = {"event": "shard", "stage": "matching", "computed": 2, "seconds": 3.0, "bytes": 5}
    run = make_run(open_session(), events=[begin, shard])
    other = make_run(open_session(*CHANGE[1:]))
    found = parsed("status")
    assert [one["id"] for one in found["runs"]] == [run.name]
    assert [one["id"] for one in found["other_runs"]] == [other.name]
    assert found["runs"][0]["stages"] == {
        "matching": {
            "planned": 9,
            "computed": 2,
            "failed": 0,
            "skipped": 0,
            "work_seconds": 3.0,
            "bytes": 5,
            "peak_memory": 0,
        }
    }


def test_explain(finished: None, parsed: Parsed, open_session: Opener) -> None:
    found = parsed("explain", *CHANGE)
    assert found["items"] == []
    stages = {stage["stage"]: stage for stage in found["stages"]}
    (verdict,) = stages["matching"]["verdicts"]
    assert (verdict["kind"], verdict["origin"], verdict["count"]) == ("settings", "matching", PAIRS)
    assert stages["coarse_flow"]["verdicts"][0]["kind"] == "follows"
    assert stages["features"]["to_compute"] == 0
    assert parsed("explain", "matching")["stages"][0]["verdicts"][0]["kind"] == "current"
    pair = open_session().manifest.pairs[0].id
    items = {item["stage"]: item for item in parsed("explain", pair)["items"]}
    assert set(items) == set(STAGES)
    assert items["synthesis"]["kept"]["status"] == "ok"
    assert Path(items["synthesis"]["kept"]["shard"]).is_dir()
    assert {item["kind"] for item in items.values()} <= set(VerdictKind.__args__)


def test_evaluate(finished: None, parsed: Parsed, open_session: Opener, tmp_path: Path) -> None:
    found = parsed("evaluate")
    assert [row["id"] for row in found["scores"]] == [pair.id for pair in open_session().manifest.pairs]
    assert set(METRICS) <= set(found["scores"][0])
    assert found["scores"][0]["lpips"] is None
    assert found["means"]["all"]["pairs"] == PAIRS
    rows = pd.DataFrame(found["scores"])
    assert found["means"]["all"]["psnr"] == pytest.approx(rows["psnr"].mean())
    rows.assign(psnr=rows["psnr"] - 1)[["id", "psnr"]].to_csv(tmp_path / "there.csv", index=False)
    comparison = parsed("evaluate", "--against", str(tmp_path / "there.csv"))["comparison"]
    assert comparison["pairs"] == PAIRS
    assert comparison["differences"]["psnr"]["mean"] == pytest.approx(1)


def test_evaluate_computes_what_is_missing(parsed: Parsed, run: Runner, cartoons: Path) -> None:
    run(last="synthesis")
    assert len(parsed("evaluate")["scores"]) == PAIRS


def test_perfect_frames_are_json_too(
    parsed: Parsed, run: Runner, cartoons: Path, tmp_path: Path, settings: list[str]
) -> None:
    one = sorted((cartoons / "test_2k_540p").iterdir())[0]
    shutil.copytree(one, tmp_path / "still" / "pair")
    for number in (2, 3):
        shutil.copy(
            tmp_path / "still" / "pair" / "frame1.png", tmp_path / "still" / "pair" / f"frame{number}.png"
        )
    settings.append(f"data.root='{tmp_path / 'still'}'")
    run(f"data.root='{tmp_path / 'still'}'")
    found = parsed("evaluate")
    assert found["scores"][0]["psnr"] == found["means"]["all"]["psnr"] == "inf"


def test_history(finished: None, parsed: Parsed, run: Runner, spoilt: str, tmp_path: Path) -> None:
    run(spoilt)
    found = parsed("history")
    assert found["cache"] == str(tmp_path / "cache")
    assert [one["state"] for one in found["runs"]] == ["failed", "finished"]
    assert len(parsed("history", "--limit", "1")["runs"]) == 1
    (told,) = parsed("history", found["runs"][0]["id"])["runs"]
    assert told["exit_code"] == 1
    assert told["settings"]["store.pairs_per_shard"] == 2
    assert {"stage", "item", "reason"} == set(told["failures"][0])
    assert "empty file" in told["failures"][0]["reason"]
    (before,) = parsed("history", found["runs"][1]["id"])["runs"]
    assert before["failures"] == []


def test_cache_ls(finished: None, parsed: Parsed, run: Runner, open_session: Opener) -> None:
    run(CHANGE[1], last="matching")
    found = parsed("cache", "ls")
    current = {one["stage"]: one["fingerprint"] for one in found["fingerprints"] if one["current"]}
    assert current == open_session().fingerprints
    assert len(found["fingerprints"]) == len(STAGES) + 1
    assert all(one["bytes"] > 0 and one["made"] <= one["used"] for one in found["fingerprints"])
    assert found["clips"] == {"count": 0, "bytes": 0}


def test_weights_list(command: Command, tmp_path: Path) -> None:
    (tmp_path / "vgg19-dcbb9e9d.pth").touch()
    code, printed = command("weights", "list", "--weights", str(tmp_path), "--json")
    assert code == 0
    found = json.loads(printed)
    assert found["folder"] == str(tmp_path)
    assert [one["name"] for one in found["files"] if one["present"]] == ["vgg19"]
    assert found["shipped"][0]["present"]
