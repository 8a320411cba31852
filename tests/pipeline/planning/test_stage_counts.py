from __future__ import annotations

import shutil
from collections import Counter
from pathlib import Path

from animeinterp.pipeline.compute.registry import STAGES
from animeinterp.pipeline.planning.session import Session
from animeinterp.pipeline.planning.stage_counts import stage_state
from animeinterp.pipeline.planning.verdicts import Verdicts
from animeinterp.pipeline.store.shard_manifest import note_damage
from tests.pipeline.small_runs import PAIRS, Opener, Runner


def states(session: Session) -> dict[str, Counter[str]]:
    verdicts = Verdicts(session)
    return {stage: Counter(stage_state(verdicts, stage).counts) for stage in session.stages}


def test_before_anything_the_first_stage_is_missing_and_the_others_wait(open_session: Opener) -> None:
    found = states(open_session())
    assert found["segmentation"] == {"missing": 2 * PAIRS}
    assert found["features"] == {"waiting": 2 * PAIRS}
    assert all(found[stage] == {"waiting": PAIRS} for stage in list(STAGES)[2:])
    assert stage_state(Verdicts(open_session()), "matching").size == 0


def test_what_is_done_is_done_and_takes_space(finished: None, open_session: Opener) -> None:
    session = open_session()
    assert states(session)["evaluation"] == {"done": PAIRS}
    found = stage_state(Verdicts(session), "features")
    assert found.items == 2 * PAIRS
    files = [path for path in session.folder("features").glob("*.zarr/**/*") if path.is_file()]
    assert found.size == sum(path.stat().st_size for path in files if path.name != "manifest.json")


def test_other_settings_and_other_inputs_are_stale(
    finished: None, open_session: Opener, cartoons: Path, tmp_path: Path
) -> None:
    found = states(open_session("matching.area_penalty=7"))
    assert found["features"] == {"done": 2 * PAIRS}
    assert found["matching"] == found["evaluation"] == {"stale": PAIRS}
    shutil.copytree(cartoons, tmp_path / "copy")
    first = sorted((tmp_path / "copy" / "test_2k_540p").iterdir())[0]
    shutil.copy(first / "frame3.png", first / "frame1.png")
    found = states(open_session(f"data.root='{tmp_path / 'copy'}'"))
    assert found["segmentation"] == {"done": 2 * PAIRS - 1, "stale": 1}
    assert found["synthesis"] == {"done": PAIRS - 1, "stale": 1}


def test_damaged_items_are_missing(finished: None, open_session: Opener) -> None:
    session = open_session()
    note_damage(
        session.shard_path("segmentation", session.layout.group_of("segmentation", 0)),
        {session.manifest.frames[0].id: "array 'area': its digest differs"},
    )
    assert states(open_session())["segmentation"] == {"done": 2 * PAIRS - 1, "missing": 1}


def test_failed_and_skipped_items_are_told_apart(
    run: Runner, open_session: Opener, cartoons: Path, tmp_path: Path
) -> None:
    shutil.copytree(cartoons, tmp_path / "copy")
    (sorted((tmp_path / "copy" / "test_2k_540p").iterdir())[0] / "frame1.png").write_bytes(b"")
    setting = f"data.root='{tmp_path / 'copy'}'"
    run(setting)
    for retry_failed in (False, True):
        found = states(open_session(setting, retry_failed=retry_failed))
        assert found["segmentation"] == {"done": 2 * PAIRS - 1, "failed": 1}
    assert states(open_session(setting))["matching"] == {"done": PAIRS - 1, "skipped": 1}
