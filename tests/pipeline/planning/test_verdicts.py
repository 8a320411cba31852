from __future__ import annotations

import shutil
from collections import Counter
from pathlib import Path

import numpy as np
import pytest

from animeinterp.data.images import read_image, write_image
from animeinterp.data.sgm_folders import FLOWS
from animeinterp.pipeline.compute.registry import STAGES
from animeinterp.pipeline.planning.session import Session
from animeinterp.pipeline.planning.verdicts import Verdict, Verdicts, items_to_compute, plan
from animeinterp.pipeline.store.shard_manifest import note_damage
from tests.pipeline.small_runs import PAIRS, SIZE, Opener, Runner


@pytest.fixture
def copy(cartoons: Path, tmp_path: Path) -> Path:
    shutil.copytree(cartoons, tmp_path / "copy")
    return tmp_path / "copy"


def folders(root: Path) -> list[Path]:
    return sorted((root / "test_2k_540p").iterdir())


def verdict_of(session: Session, stage: str, pair: int = 0) -> Verdict:
    """Verdict of a pair, or of its frame 0."""
    unit = STAGES[stage].unit
    return Verdicts(session).verdict(
        stage, session.manifest.pairs[pair].frames[0] if unit == "frame" else pair
    )


def test_an_empty_cache_has_computed_nothing(open_session: Opener) -> None:
    reasons = plan(open_session())
    for stage, binding in STAGES.items():
        assert reasons[stage] == {"not computed yet": PAIRS * (2 if binding.unit == "frame" else 1)}


def test_nothing_to_do_is_current(finished: None, open_session: Opener) -> None:
    session = open_session()
    assert not any(plan(session).values())
    assert {verdict_of(session, stage).kind for stage in STAGES} == {"current"}


def test_a_setting_is_named_once_and_followed(finished: None, open_session: Opener) -> None:
    session = open_session("matching.area_penalty=7")
    verdict = verdict_of(session, "matching")
    assert (verdict.kind, verdict.text, verdict.origin) == (
        "settings",
        "matching.area_penalty: 20.0 -> 7.0",
        "matching",
    )
    assert verdict.detail.startswith("compared with ")
    follower = verdict_of(session, "evaluation")
    assert (follower.kind, follower.text, follower.origin) == ("follows", "follows matching", "matching")
    assert follower.detail == "matching.area_penalty: 20.0 -> 7.0"
    assert plan(session)["features"] == {}
    assert plan(session)["evaluation"] == {"follows matching": PAIRS}


def test_a_change_of_its_own_and_one_to_follow(finished: None, open_session: Opener) -> None:
    session = open_session("matching.area_penalty=7", "synthesis.times=[0.5, 0.75]")
    assert (
        verdict_of(session, "synthesis").text
        == "synthesis.times: [0.5] -> [0.5, 0.75]; also follows matching"
    )
    assert verdict_of(session, "evaluation").text == "follows matching and synthesis"


def test_many_settings_are_cut_short(finished: None, open_session: Opener) -> None:
    changed = [
        f"coarse_flow.{key}=2" for key in ("max_shift", "min_area", "max_area_ratio", "rank_sum_limit")
    ]
    assert verdict_of(open_session(*changed), "coarse_flow").text.endswith(", 1 more")


def test_a_changed_frame_is_named_with_its_file_and_followed(
    copy: Path, run: Runner, open_session: Opener
) -> None:
    setting = f"data.root='{copy}'"
    run(setting)
    path = folders(copy)[1] / "frame1.png"
    write_image(path, 255 - read_image(path))
    session = open_session(setting)
    verdict = verdict_of(session, "segmentation", 1)
    assert (verdict.kind, verdict.text) == ("input", "frame changed")
    assert verdict.detail.startswith(f"{path} (")
    assert " -> " in verdict.detail
    follower = verdict_of(session, "refinement", 1)
    assert (follower.kind, follower.text, follower.origin) == (
        "follows",
        "follows segmentation",
        "segmentation",
    )
    assert follower.detail.startswith(
        f"segmentation of {folders(copy)[1].name}/frame1: frame changed: {path}"
    )
    assert {stage: counts.total() for stage, counts in plan(session).items()} == dict.fromkeys(STAGES, 1)
    assert verdict_of(session, "refinement", 0).kind == "current"


def test_a_result_that_came_out_otherwise_is_followed(copy: Path, run: Runner, open_session: Opener) -> None:
    setting = f"data.root='{copy}'"
    run(setting)
    path = folders(copy)[0] / "frame1.png"
    write_image(path, 255 - read_image(path))
    run(setting, last="segmentation")
    session = open_session(setting)
    name = session.manifest.frames[0].id
    assert verdict_of(session, "features").text == "frame changed"  # reads it too
    run(setting, last="features")
    session = open_session(setting)
    verdict = verdict_of(session, "matching")
    assert (verdict.kind, verdict.text) == (
        "follows",
        "follows features and segmentation, with other results",
    )
    assert verdict.detail == f"features of {name}, segmentation of {name}"
    later = verdict_of(session, "coarse_flow")
    assert (later.text, later.detail) == ("follows features", verdict.detail)


@pytest.mark.parametrize(
    ("change", "text", "file"),
    [
        (lambda folder, notes: (folder / "frame2.png").write_bytes(b""), "truth changed", "frame2.png"),
        (lambda folder, notes: notes.unlink(), "annotation removed", ".json"),
        (
            lambda folder, notes: notes.write_text(notes.read_text().replace('"width"', '"width": 9, "w"')),
            "annotation changed",
            ".json",
        ),
    ],
)
def test_truth_and_annotation_concern_evaluation(
    copy: Path, run: Runner, open_session: Opener, change: object, text: str, file: str
) -> None:
    setting = f"data.root='{copy}'"
    run(setting)
    folder = folders(copy)[0]
    assert callable(change)
    change(folder, copy / "test_2k_annotations" / folder.name / f"{folder.name}.json")
    session = open_session(setting)
    verdict = verdict_of(session, "evaluation")
    assert (verdict.kind, verdict.text) == ("input", text)
    assert file in verdict.detail
    assert plan(session)["synthesis"] == {}


def test_exact_flows_are_named_by_file(copy: Path, run: Runner, open_session: Opener) -> None:
    setting = f"data.root='{copy}'"
    run(setting)
    path = copy / "test_2k_truth" / folders(copy)[0].name / "truth.npz"
    path.write_bytes(b"other")
    verdict = verdict_of(open_session(setting), "evaluation")
    assert (verdict.kind, verdict.text) == ("input", "motion_truth changed")
    assert verdict.detail.startswith(f"{path} (")


def test_a_style_is_told_by_its_values(finished: None, open_session: Opener) -> None:
    session = open_session("data.style=anime")
    texts = set(plan(session)["segmentation"])
    assert texts == {"style: disney -> anime"}


def test_a_pair_without_truth_any_more_has_nothing_to_compute(
    copy: Path, run: Runner, open_session: Opener
) -> None:
    setting = f"data.root='{copy}'"
    shutil.rmtree(copy / "test_2k_truth")
    run(setting)
    truth = folders(copy)[0] / "frame2.png"
    whole = truth.read_bytes()
    truth.unlink()
    verdict = verdict_of(open_session(setting), "evaluation")
    assert (verdict.text, verdict.detail) == ("now skipped, nothing to compute", "no ground truth")
    run(setting)
    skipped = verdict_of(open_session(setting), "evaluation")
    assert (skipped.kind, skipped.detail) == ("skipped", "no ground truth")
    truth.write_bytes(whole)
    again = verdict_of(open_session(setting), "evaluation")
    assert (again.text, again.detail) == ("skipped before, no longer", "no ground truth")


def test_failures_are_kept_until_asked_for(copy: Path, run: Runner, open_session: Opener) -> None:
    setting = f"data.root='{copy}'"
    (folders(copy)[0] / "frame1.png").write_bytes(b"")
    assert not run(setting).succeeded
    verdict = verdict_of(open_session(setting), "segmentation")
    assert verdict.kind == "failed"
    assert "--retry-failed" in verdict.text
    assert "empty file" in verdict.detail
    assert verdict_of(open_session(setting), "features").kind == "skipped"
    retried = open_session(setting, retry_failed=True)
    assert plan(retried)["segmentation"] == {"failed before, retry requested": 1}


def test_forced_items_are_asked_for(finished: None, open_session: Opener) -> None:
    session = open_session(force=frozenset({"matching"}))
    assert plan(session) == {
        stage: Counter({"recomputation requested": PAIRS} if stage == "matching" else {}) for stage in STAGES
    }


def test_damage_is_named_with_its_place(finished: None, open_session: Opener) -> None:
    session = open_session()
    name = session.manifest.pairs[0].id
    shard = session.shard_path("matching", session.layout.group_of("matching", 0))
    note_damage(shard, {name: "array 'match01': its digest differs"})
    verdict = verdict_of(open_session(), "matching")
    assert (verdict.kind, verdict.text, verdict.detail) == (
        "damaged",
        "damaged",
        "array 'match01': its digest differs",
    )
    assert (
        verdict_of(open_session(), "coarse_flow").detail == f"matching of {name}: damaged: {verdict.detail}"
    )
    (shard / "manifest.json").write_text("{")
    unreadable = verdict_of(open_session(), "matching")
    assert (unreadable.kind, unreadable.detail) == ("damaged", f"{shard}: its manifest is missing or damaged")
    shutil.rmtree(shard)
    assert verdict_of(open_session(), "matching").kind == "new"


def test_what_is_planned_is_what_a_run_computes(finished: None, run: Runner, open_session: Opener) -> None:
    changed = ("coarse_flow.max_shift=99",)
    planned = {stage: len(list(items_to_compute(open_session(*changed), stage))) for stage in STAGES}
    assert planned == open_session(*changed).totals()
    assert run(*changed).computed == Counter({stage: count for stage, count in planned.items() if count})


def test_imported_flows_are_named_by_file(run: Runner, open_session: Opener, tmp_path: Path) -> None:
    names = [pair.id for pair in open_session().manifest.pairs]
    setting = ["coarse_flow.method=imported", f"coarse_flow.imported_from='{tmp_path / 'flows'}'"]
    for name in names:
        (tmp_path / "flows" / name).mkdir(parents=True)
        for file in FLOWS:
            np.save(tmp_path / "flows" / name / file, np.zeros((2, *SIZE)))
    run(*setting)
    path = tmp_path / "flows" / names[2] / FLOWS[1]
    np.save(path, np.ones((2, *SIZE)))
    verdict = verdict_of(open_session(*setting), "coarse_flow", 2)
    assert (verdict.kind, verdict.text) == ("input", "flow10 changed")
    assert verdict.detail.startswith(f"{path} (")
    path.unlink()
    assert verdict_of(open_session(*setting), "coarse_flow", 2).kind == "current"  # its files may go
