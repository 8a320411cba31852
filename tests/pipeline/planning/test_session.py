from __future__ import annotations

import hashlib
import json
import os
import shutil
from collections import Counter
from pathlib import Path

import pytest

from animeinterp.configs.errors import CacheError, ConfigError
from animeinterp.configs.files import file_state
from animeinterp.configs.loading import load_config
from animeinterp.data.images import read_image, write_image
from animeinterp.pipeline.compute.registry import STAGES
from animeinterp.pipeline.planning.selection import Selection
from animeinterp.pipeline.planning.session import Session
from animeinterp.pipeline.planning.verdicts import plan
from tests.pipeline.small_runs import PAIRS, Opener, Runner


@pytest.fixture
def copy(cartoons: Path, tmp_path: Path) -> Path:
    shutil.copytree(cartoons, tmp_path / "copy")
    return tmp_path / "copy"


def to_do(session: Session) -> dict[str, int]:
    return {stage: reasons.total() for stage, reasons in plan(session).items() if reasons}


def everything() -> dict[str, int]:
    return {name: PAIRS * (2 if binding.unit == "frame" else 1) for name, binding in STAGES.items()}


def after(stage: str) -> dict[str, int]:
    names = list(STAGES)
    return {name: count for name, count in everything().items() if names.index(name) >= names.index(stage)}


def test_empty_cache_has_everything_to_do_and_a_run_does_it(open_session: Opener, run: Runner) -> None:
    assert to_do(open_session()) == everything()
    report = run()
    assert report.succeeded
    assert report.computed == Counter(everything())
    assert to_do(open_session()) == {}


def test_second_run_computes_nothing(finished: None, run: Runner) -> None:
    again = run()
    assert again.succeeded
    assert again.computed.total() == 0


@pytest.mark.parametrize(
    ("setting", "first"),
    [
        ("coarse_flow.method=zero", "coarse_flow"),
        ("synthesis.times=[0.5, 0.75]", "synthesis"),
        ("matching.keep_affinity=true", "matching"),
        ("data.style=disney", "segmentation"),
    ],
)
def test_a_setting_recomputes_its_stage_and_what_follows(
    finished: None, run: Runner, setting: str, first: str
) -> None:
    expected = after(first)
    if setting == "data.style=disney":  # frames that are in that style already are not touched
        expected = {k: v // 2 for k, v in expected.items()}
    assert run(setting).computed == Counter(expected)
    assert run().computed.total() == (sum(expected.values()) if first == "segmentation" else 0)


def test_stage_json_tells_what_a_fingerprint_stands_for(open_session: Opener) -> None:
    session = open_session("coarse_flow.max_shift=99")
    session.prepare("coarse_flow")
    content = json.loads((session.folder("coarse_flow") / "stage.json").read_text())
    assert content["section"]["max_shift"] == 99
    assert content["reads"]["matching"] == session.fingerprints["matching"]
    assert "torch" in content["versions"]
    for damaged in (b"", b"[]", b'{"fingerprint": 1}'):
        (session.folder("coarse_flow") / "stage.json").write_bytes(damaged)
        session.prepare("coarse_flow")
        assert json.loads((session.folder("coarse_flow") / "stage.json").read_text()) == content


@pytest.mark.slow
def test_limit_and_ids_leave_the_rest_for_later(run: Runner, open_session: Opener) -> None:
    ids = [pair.id for pair in open_session().manifest.pairs]
    assert run(ids=(ids[2],)).computed == Counter({k: v // PAIRS for k, v in everything().items()})
    assert run(limit=1).computed == Counter({k: v // PAIRS for k, v in everything().items()})
    assert run().computed == Counter({k: v // 2 for k, v in everything().items()})
    assert run(ids=(ids[2],)).computed.total() == 0


def test_unknown_id_is_refused_with_similar_ones(open_session: Opener) -> None:
    known = open_session().manifest.pairs[0].id
    with pytest.raises(ConfigError, match=f"no pair '{known}x' .*did you mean {known}"):
        open_session(ids=(known + "x",))


def test_stages_are_chosen_from_to(run: Runner) -> None:
    assert set(run(last="matching").computed) == {"segmentation", "features", "matching"}
    assert set(run(first="coarse_flow", last="coarse_flow").computed) == {"coarse_flow"}
    assert set(run(first="refinement").computed) == {"refinement", "synthesis", "evaluation"}


def test_a_stage_whose_inputs_are_missing_says_what_to_run(run: Runner) -> None:
    with pytest.raises(
        CacheError, match="matching of .* needs features and segmentation, which is not in the"
    ):
        run(first="matching")


@pytest.mark.parametrize(
    ("selection", "said"),
    [
        (Selection(first="synthesis", last="matching"), "--from synthesis comes after --to matching"),
        (
            Selection(first="segmentaton"),
            "stage 'segmentaton' is unknown; did you mean 'segmentation'",
        ),
        (Selection(force=frozenset({"flow"})), "stage 'flow' is unknown"),
        (Selection(first="matching", force=frozenset({"features"})), "--force features: .*does not run"),
        (Selection(force=frozenset({"segmentation"})), "--force segmentation: .*does not run"),
    ],
)
def test_impossible_selections_are_refused(selection: Selection, said: str) -> None:
    with pytest.raises(ConfigError, match=said):
        Session.open(load_config("demo", ["coarse_flow.method=zero"]), selection)


def test_force_recomputes_one_stage_and_same_bytes_leave_the_rest(
    finished: None, run: Runner, open_session: Opener
) -> None:
    before = [record and record.output for _, record in open_session().records("coarse_flow")]
    assert run(force=frozenset({"coarse_flow"})).computed == Counter({"coarse_flow": PAIRS})
    assert before == [record and record.output for _, record in open_session().records("coarse_flow")]


@pytest.mark.parametrize("position", [0, 1])
def test_a_changed_frame_recomputes_what_depends_on_it(copy: Path, run: Runner, position: int) -> None:
    setting = [f"data.root='{copy}'", "store.pairs_per_shard=16"]
    run(*setting)
    path = sorted((copy / "test_2k_540p").iterdir())[position] / "frame3.png"
    write_image(path, 255 - read_image(path))
    report = run(*setting)
    assert report.succeeded
    assert report.computed == Counter(dict.fromkeys(STAGES, 1))


def test_frames_exchanged_for_others_of_their_size_and_time_are_computed_again(
    copy: Path, run: Runner
) -> None:
    setting = [f"data.root='{copy}'", "data.layout=folders"]
    pair = sorted((copy / "test_2k_540p").iterdir())[0]
    (copy / "pairs" / "a").mkdir(parents=True)
    frames = [copy / "pairs" / "a" / f"{k}.bmp" for k in (1, 2)]
    for frame, name in zip(frames, ("frame1.png", "frame3.png"), strict=True):
        write_image(frame, read_image(pair / name))
    setting[0] = f"data.root='{copy / 'pairs'}'"
    assert run(*setting).computed["synthesis"] == 1
    for frame in frames:  # BMPs of one size have one length
        before = frame.stat()
        write_image(frame, 255 - read_image(frame))
        os.utime(frame, ns=(before.st_atime_ns, before.st_mtime_ns))
        assert frame.stat().st_size == before.st_size
    assert run(*setting).computed["synthesis"] == 1
    assert run(*setting).computed.total() == 0


def test_a_source_that_changed_behind_every_sign_is_found_when_asked(copy: Path, run: Runner) -> None:
    setting = f"data.root='{copy}'"
    run(setting)
    index = copy.parent / "cache" / "source_files.json"
    path = sorted((copy / "test_2k_540p").iterdir())[1] / "frame2.png"
    before = file_state(path)
    write_image(path, 255 - read_image(path))
    rows = json.dumps(
        {
            name: [*file_state(path), *row[4:]] if name == str(path) else row
            for name, row in json.loads(index.read_text())["files"].items()
        }
    )
    digest = hashlib.sha256(rows.encode()).hexdigest()
    index.write_text(f'{{"format": 3, "digest": "{digest}", "files": {rows}}}')
    assert file_state(path) != before
    assert run(setting).computed.total() == 0  # as where a disk hands out other bytes than were written
    assert run(setting, rehash=True).computed == Counter({"evaluation": 1})


def test_a_cache_of_version_0_1_has_nothing_to_do(
    finished: None, cartoons: Path, tmp_path: Path, run: Runner
) -> None:
    index = tmp_path / "cache" / "source_files.json"
    rows = json.dumps(
        {
            path: [length, modified, digest, size]
            for path, (length, modified, _, _, digest, size) in json.loads(index.read_text())["files"].items()
        }
    )
    digest = hashlib.sha256(rows.encode()).hexdigest()
    index.write_text(f'{{"format": 2, "digest": "{digest}", "files": {rows}}}')
    assert run().computed.total() == 0
    assert json.loads(index.read_text())["format"] == 3


def test_a_changed_truth_only_scores_again(copy: Path, run: Runner) -> None:
    setting = f"data.root='{copy}'"
    run(setting)
    path = sorted((copy / "test_2k_540p").iterdir())[1] / "frame2.png"
    write_image(path, 255 - read_image(path))
    assert run(setting).computed == Counter({"evaluation": 1})


def test_removed_and_returned_pairs(copy: Path, run: Runner, tmp_path: Path) -> None:
    setting = f"data.root='{copy}'"
    run(setting)
    last = sorted((copy / "test_2k_540p").iterdir())[-1]
    shutil.move(last, tmp_path / "aside")
    assert run(setting).computed.total() == 0
    shutil.move(tmp_path / "aside", last)
    assert run(setting).computed.total() == 0


def test_results_stay_valid_when_shards_are_divided_otherwise(finished: None, run: Runner) -> None:
    for size in (1, 3, 16):
        assert run(f"store.pairs_per_shard={size}").computed.total() == 0
    again = run("store.pairs_per_shard=1", force=frozenset({"matching"}))
    assert again.computed == Counter({"matching": PAIRS})
    assert run().computed.total() == 0


def test_a_pair_added_computes_that_pair(copy: Path, run: Runner, tmp_path: Path) -> None:
    setting = f"data.root='{copy}'"
    first = sorted((copy / "test_2k_540p").iterdir())[0]
    shutil.move(first, tmp_path / "aside")
    run(setting)
    shutil.move(tmp_path / "aside", first)
    assert run(setting).computed == Counter({k: v // PAIRS for k, v in everything().items()})


def test_damaged_item_is_recomputed_when_its_shard_is_written_again(
    finished: None, run: Runner, open_session: Opener
) -> None:
    session = open_session()
    group = session.layout.wanted_groups("segmentation")[0]
    victim = next(
        p for p in (session.shard_path("segmentation", group) / "area" / "c").rglob("*") if p.is_file()
    )
    victim.write_bytes(b"\0" * victim.stat().st_size)
    report = run(force=frozenset({"features"}))
    assert report.succeeded
    size = len(session.layout.items("segmentation", group))
    assert report.computed["segmentation"] == size
    assert report.computed["features"] == len(session.layout.items("features", group)) + 2 * PAIRS - size
    assert run().computed.total() == 0


def test_lost_shard_is_computed_again_and_fits(finished: None, run: Runner, open_session: Opener) -> None:
    session = open_session()
    shutil.rmtree(session.shard_path("matching", 0))
    assert run().computed == Counter({"matching": len(session.layout.items("matching", 0))})


def test_failed_items_are_kept_until_asked_for_again(copy: Path, run: Runner) -> None:
    setting = [f"data.root='{copy}'", "store.pairs_per_shard=16"]
    broken = sorted((copy / "test_2k_540p").iterdir())[1] / "frame1.png"
    whole = broken.read_bytes()
    broken.write_bytes(whole[: len(whole) // 2])
    report = run(*setting)
    assert not report.succeeded
    name = broken.parent.name
    assert [(stage, record.id) for stage, record in report.session.failures()] == [
        ("segmentation", f"{name}/frame1")
    ]
    statuses = Counter(record.status for _, record in report.session.records("synthesis") if record)
    assert statuses == {"ok": PAIRS - 1, "skipped": 1}
    reasons = {record.reason for _, record in report.session.records("evaluation") if record}
    assert f"segmentation of {name}/frame1 failed" in reasons

    again = run(*setting)
    assert again.computed.total() == 0
    assert not again.succeeded
    assert run(*setting, retry_failed=True).computed == Counter({"segmentation": 1})
    broken.write_bytes(whole)
    mended = run(*setting)
    assert mended.succeeded
    assert mended.computed == Counter(dict.fromkeys(STAGES, 1))


@pytest.mark.slow
def test_every_executor_gives_the_same_digests(finished: None, run: Runner, forked_workers: None) -> None:
    def digests(session: Session) -> dict[str, list[object]]:
        return {stage: [record and record.output for _, record in session.records(stage)] for stage in STAGES}

    inline = digests(run().session)
    run("store.pairs_per_shard=3", force=frozenset(STAGES))
    local = run("executor.kind=local", "executor.workers=2", force=frozenset(STAGES))
    assert local.succeeded
    assert local.computed == Counter(everything())
    assert digests(local.session) == inline


def test_unwritable_cache_is_refused_by_name(settings: list[str], tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    config = load_config("demo", [*settings, f"store.cache='{tmp_path / 'file' / 'cache'}'"])
    with pytest.raises(CacheError, match="store.cache = .*cannot be written .*--set store.cache=FOLDER"):
        Session.open(config)


def test_looking_leaves_no_trace(settings: list[str], tmp_path: Path) -> None:
    session = Session.open(load_config("demo", settings), look_only=True)
    assert to_do(session) == everything()
    assert not (tmp_path / "cache").exists()


def flip(array: Path) -> None:
    victim = next(p for p in (array / "c").rglob("*") if p.is_file())
    content = bytearray(victim.read_bytes())
    content[len(content) // 3] ^= 255
    victim.write_bytes(content)


def test_damaged_upstream_is_mended_within_the_run(finished: None, run: Runner, open_session: Opener) -> None:
    session = open_session()
    flip(session.shard_path("features", 0) / "piece_features")
    before = [record and record.output for _, record in session.records("features")]
    report = run("matching.area_penalty=7")
    assert report.succeeded
    assert 0 < report.computed["features"] <= len(session.layout.items("features", 0))
    assert report.computed["matching"] == PAIRS
    after = [record and record.output for _, record in open_session().records("features")]
    assert after == before


def test_damage_in_a_stage_that_is_not_to_run_fails_its_shard_alone(
    finished: None, run: Runner, open_session: Opener
) -> None:
    session = open_session()
    flip(session.shard_path("features", 0) / "piece_features")
    report = run("matching.area_penalty=7", first="matching", last="matching")
    assert not report.succeeded
    assert len(report.broken) == 1
    assert "needs features, which is not in the cache" in report.broken[0]
    assert report.computed["matching"] == PAIRS - len(session.layout.items("matching", 0))
