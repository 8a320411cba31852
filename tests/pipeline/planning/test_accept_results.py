from __future__ import annotations

import shutil
from collections import Counter
from pathlib import Path

import pytest

from animeinterp.configs.errors import ConfigError
from animeinterp.configs.loading import load_config
from animeinterp.data.images import read_image, write_image
from animeinterp.pipeline.compute.registry import STAGES
from animeinterp.pipeline.planning.accept_results import change_acceptances
from animeinterp.pipeline.planning.selection import Selection
from animeinterp.pipeline.planning.session import Session
from animeinterp.pipeline.planning.verdicts import plan
from animeinterp.pipeline.store.run_records import read_runs
from tests.pipeline.small_runs import PAIRS, Opener, Runner

CHANGE = "matching.area_penalty=7"


@pytest.fixture
def accept(settings: list[str]) -> object:
    """Accept or take back, as `run` does; returns what it says."""

    def accept(
        *more: str, stages: tuple[str, ...] = (), retract: tuple[str, ...] = (), look_only: bool = False
    ) -> list[str]:
        config = load_config("demo", [*settings, *more])
        return change_acceptances(config, Selection(), stages, retract, look_only=look_only)[1]

    return accept


def digests(session: Session) -> dict[str, list[object]]:
    return {stage: [record and record.output for _, record in session.records(stage)] for stage in STAGES}


def to_do(session: Session) -> dict[str, int]:
    return {stage: reasons.total() for stage, reasons in plan(session).items() if reasons}


def test_after_accepting_nothing_is_computed_and_undoing_brings_it_back(
    finished: None, run: Runner, open_session: Opener, accept, tmp_path: Path
) -> None:
    before = open_session()
    changed = open_session(CHANGE)
    after = list(STAGES)[2:]
    assert list(to_do(changed)) == after
    (line,) = accept(CHANGE, stages=("matching",))
    assert f"keeps {PAIRS} of {PAIRS} results" in line
    assert "matching.area_penalty: 20.0 -> 7.0" in line

    session = open_session(CHANGE)
    assert to_do(session) == {}
    assert session.fingerprints == before.fingerprints
    assert session.descriptions["matching"].own == changed.fingerprints["matching"]
    assert session.accepted("matching") is not None
    assert session.accepted("coarse_flow") is None
    assert digests(session) == digests(before)
    assert run(CHANGE).computed.total() == 0
    (_, info) = read_runs(tmp_path / "cache")[-1]
    assert info.fingerprints == before.fingerprints

    (line,) = accept(CHANGE, retract=("matching",))
    assert line.startswith("retracted: matching")
    assert list(to_do(open_session(CHANGE))) == after
    assert run(CHANGE).computed == Counter(dict.fromkeys(after, PAIRS))


def test_new_items_go_to_the_results_kept(
    cartoons: Path, run: Runner, open_session: Opener, accept, tmp_path: Path
) -> None:
    root = tmp_path / "copy"
    shutil.copytree(cartoons, root)
    setting = f"data.root='{root}'"
    first = sorted((root / "test_2k_540p").iterdir())[0]
    shutil.move(first, tmp_path / "aside")
    run(setting)
    kept = open_session(setting).fingerprints
    accept(setting, CHANGE, stages=("matching",))
    shutil.move(tmp_path / "aside", first)
    report = run(setting, CHANGE)
    assert report.computed == Counter({k: 2 if v.unit == "frame" else 1 for k, v in STAGES.items()})
    assert report.session.fingerprints == kept
    assert len(list((tmp_path / "cache" / "matching").glob("*/stage.json"))) == 1
    write_image(first / "frame1.png", 255 - read_image(first / "frame1.png"))
    assert to_do(open_session(setting, CHANGE)) == dict.fromkeys(STAGES, 1)  # that is no change of settings


def test_accepting_again_goes_back_to_the_same_results(finished: None, open_session: Opener, accept) -> None:
    accept(CHANGE, stages=("matching",))
    (line,) = accept("matching.area_penalty=8", stages=("matching",))
    assert "20.0 -> 8.0" in line
    for change in (CHANGE, "matching.area_penalty=8"):
        assert to_do(open_session(change)) == {}
    accept(CHANGE, retract=("matching",))
    assert to_do(open_session("matching.area_penalty=8")) == {}
    assert "matching" in to_do(open_session(CHANGE))


def test_a_chain_of_fingerprints_with_results_of_their_own(
    finished: None, run: Runner, open_session: Opener, accept
) -> None:
    run(CHANGE, last="matching")
    accept(CHANGE, "matching.distance_penalty=4", stages=("matching",))
    middle = open_session(CHANGE).fingerprints["matching"]
    chained = open_session(CHANGE, "matching.distance_penalty=4")
    assert chained.fingerprints["matching"] == middle
    with pytest.raises(
        ConfigError, match="--accept-current matching: nothing to accept, its results are cur"
    ):
        accept(CHANGE, stages=("matching",))
    assert "coarse_flow" in to_do(chained)


def test_two_stages_are_accepted_in_the_order_of_the_work(
    finished: None, open_session: Opener, accept
) -> None:
    changes = (CHANGE, "coarse_flow.max_shift=99")
    first, second = accept(*changes, stages=("coarse_flow", "matching"))
    assert "matching.area_penalty" in first
    assert "coarse_flow.max_shift" in second
    assert to_do(open_session(*changes)) == {}


def test_trying_writes_nothing(finished: None, open_session: Opener, accept, tmp_path: Path) -> None:
    (line,) = accept(CHANGE, stages=("matching",), look_only=True)
    assert "would keep" in line
    assert list((tmp_path / "cache").glob("*/accepted.json")) == []
    assert "matching" in to_do(open_session(CHANGE))
    accept(CHANGE, stages=("matching",))
    (line,) = accept(CHANGE, retract=("matching",), look_only=True)
    assert "would be retracted" in line
    assert to_do(open_session(CHANGE)) == {}


@pytest.mark.parametrize(
    ("change", "stage", "said"),
    [
        ((), "matching", "nothing to accept, its results are current"),
        (
            (CHANGE,),
            "coarse_flow",
            r"an earlier stage changed \(matching.area_penalty.*--accept-current matching",
        ),
        (("synthesis.times=[0.25, 0.5]",), "synthesis", "refused: with synthesis.times"),
        (("coarse_flow.method=zero",), "matching", "not among those to run"),
        (("coarse_flow.method=zero",), "coarse_flow", "refused: with coarse_flow.method: sgm -> zero"),
        ((), "flow", "stage 'flow' is unknown"),
    ],
)
def test_what_cannot_be_accepted_is_refused(
    finished: None, accept, change: tuple[str, ...], stage: str, said: str
) -> None:
    with pytest.raises(ConfigError, match=said):
        accept(*change, stages=(stage,))


def test_without_results_there_is_nothing_to_accept(accept) -> None:
    with pytest.raises(ConfigError, match="the cache holds no other results of matching"):
        accept(CHANGE, stages=("matching",))


def test_results_of_other_inputs_alone_are_nothing_to_accept(
    cartoons: Path, run: Runner, accept, tmp_path: Path
) -> None:
    shutil.copytree(cartoons, tmp_path / "copy")
    setting = f"data.root='{tmp_path / 'copy'}'"
    run(setting, last="segmentation")
    for path in (tmp_path / "copy").rglob("frame[13].png"):
        write_image(path, 255 - read_image(path))
    with pytest.raises(ConfigError, match="nothing to accept: results with other settings have other"):
        accept(setting, "segmentation.merge_rounds=3", stages=("segmentation",))


def test_accepting_twice_and_taking_back_what_is_not_are_refused(finished: None, accept) -> None:
    with pytest.raises(ConfigError, match="--retract-accepted matching: .*nothing is accepted for matching"):
        accept(CHANGE, retract=("matching",))
    accept(CHANGE, stages=("matching",))
    with pytest.raises(ConfigError, match="results are already accepted"):
        accept(CHANGE, stages=("matching",))
