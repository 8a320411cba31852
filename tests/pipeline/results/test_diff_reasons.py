from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from rich.console import Console

from animeinterp.configs.loading import load_config
from animeinterp.data.cartoon import write_dataset
from animeinterp.models.precision import native_precision
from animeinterp.pipeline.compute.registry import STAGES
from animeinterp.pipeline.planning.selection import Selection
from animeinterp.pipeline.results.reading import Results, open_results
from animeinterp.pipeline.results.result_diff import StageComparison, compare_results, open_side, stages_apart
from animeinterp.pipeline.running.execute import execute
from animeinterp.pipeline.store.fingerprints import flat_settings, resolved_section
from animeinterp.pipeline.store.versions import library_versions
from animeinterp.stages import synthesis
from tests.pipeline.small_runs import PAIRS, Command, Runner, set_options, small_settings

PRESETS = ("paper", "released")


def by_stage(one: Results, other: Results) -> dict[str, StageComparison]:
    return {compared.stage: compared for compared in compare_results(one, other)}


def told(compared: StageComparison) -> list[str]:
    return list(compared.explanations())


@pytest.fixture(scope="module")
def both_presets(tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    """Settings of a cache that holds three drawn pairs, run as both presets have it."""
    folder = tmp_path_factory.mktemp("presets")
    # Large enough for a match that depends on the preset.
    write_dataset(folder / "cartoons", 3, seed=0, size=(108, 192))
    settings = [
        *small_settings(folder / "cartoons", folder / "cache")[:-1],  # all layers of VGG-19
        "features.method=vgg19",
        "refinement.method=none",
        "synthesis.method=blend",
    ]
    for preset in PRESETS:
        execute(preset, settings, Selection(), Console(quiet=True))
    return settings


@pytest.mark.slow
def test_every_difference_of_the_presets_is_explained(both_presets: list[str]) -> None:
    found = by_stage(*(open_results(preset, both_presets) for preset in PRESETS))
    paper, released = (
        flat_settings({stage: resolved_section(stage, config) for stage in STAGES})
        for config in (open_results(preset, both_presets).session.config for preset in PRESETS)
    )
    differing = {key: (paper[key], released[key]) for key in paper if paper[key] != released[key]}
    assert {key.partition(".")[0] for key in differing} <= found.keys()
    # The test would be about nothing if the presets were one. `paper` leaves its precision to the processor.
    assert len(differing) == 3 + (native_precision("cpu") != "float32")
    said = {
        difference.what: (difference.old, difference.new)
        for compared in found.values()
        for difference in compared.reasons.settings
    }
    assert said.keys() == differing.keys()
    for key, values in differing.items():
        for text, value in zip(said[key], values, strict=True):
            assert text.lower().replace('"', "'") == str(value).lower()

    changed = {stage for stage, compared in found.items() if len(compared.table)}
    assert {"features", "matching", "synthesis", "evaluation"} <= changed
    for stage, compared in found.items():
        assert compared.reasons.unexplained == []
        assert [*compared.only_one, *compared.only_other] == []
        followed = {
            name
            for line in told(compared)
            if "different results of" in line
            for name in STAGES
            if name in line
        }
        if stage in changed:
            assert compared.reasons.settings or followed & changed, stage
        same = any("identical in spite of different settings" in line for line in told(compared))
        assert same == bool(compared.identical and compared.reasons.settings), stage
    assert told(found["segmentation"]) == []
    assert found["segmentation"].identical == 6


def test_settings_of_an_absent_network_are_no_difference(both_presets: list[str]) -> None:
    paper, released = (load_config(preset, both_presets).refinement for preset in PRESETS)
    assert paper != released
    found = by_stage(*(open_results(preset, both_presets) for preset in PRESETS))
    assert found["refinement"].reasons.settings == []


def test_settings_without_effect_on_some_items(finished: None, settings: list[str], run: Runner) -> None:
    change = "segmentation.disney.high=150"
    run(change, last="features")
    one, other = (open_results("demo", settings + more) for more in ([], [change]))
    found = by_stage(one, other)
    japanese = [name for name in one["segmentation"].ids if name.startswith("Japan")]
    assert 0 < len(japanese) < 2 * PAIRS
    assert found["segmentation"].identical == len(japanese)
    assert told(found["segmentation"]) == [
        "segmentation.disney.high: 20.0 -> 150.0",
        f"{len(japanese)} frames identical in spite of different settings",
    ]
    assert told(found["features"]) == [
        f"{2 * PAIRS - len(japanese)} frames made from different results of segmentation"
    ]
    assert told(found["matching"]) == [f"{PAIRS} pairs not in B: not computed"]


def test_other_frames_are_a_reason(
    finished: None, settings: list[str], run: Runner, cartoons: Path, tmp_path: Path
) -> None:
    root = tmp_path / "other"
    shutil.copytree(cartoons, root)
    first, second = sorted((root / "test_2k_540p").iterdir())[:2]
    shutil.copyfile(first / "frame2.png", first / "frame1.png")
    (second / "frame1.png").write_bytes(b"")
    changed = [f"data.root='{root}'"]
    run(*changed)
    found = by_stage(open_results("demo", settings), open_results("demo", settings + changed))
    assert told(found["segmentation"])[0] == "1 frame made from a different frame0"
    assert told(found["segmentation"])[1].startswith("1 frame not in B: failed: ")
    assert "1 pair made from a different frame0; different results of" not in told(found["coarse_flow"])
    assert any(
        line.startswith("1 pair made from different results of ") for line in told(found["coarse_flow"])
    )
    assert "1 pair not in B: skipped: its segmentation failed" in told(found["coarse_flow"])


def test_of_a_fingerprint_the_settings_of_earlier_stages_are_named(
    finished: None, settings: list[str], run: Runner
) -> None:
    change = "matching.distance_limit=0.0"
    folders = [run(*more).session.folder("coarse_flow") for more in ((), (change,))]
    (compared,) = compare_results(*(open_side(str(folder), []) for folder in folders))
    assert len(compared.table) > 0
    assert "matching.distance_limit: 0.15 -> 0.0" in told(compared)
    assert any(line.endswith("made from different results of matching") for line in told(compared))


def test_another_method_reads_other_stages(finished: None, settings: list[str], run: Runner) -> None:
    change = "coarse_flow.method=zero"
    run(change)
    one, other = (open_results("demo", settings + more) for more in ([], [change]))
    assert list(stages_apart(one, other)) == ["segmentation, features, matching: only in A"]
    found = by_stage(one, other)
    assert told(found["coarse_flow"]) == ["coarse_flow.method: sgm -> zero"]
    (reason,) = told(found["evaluation"])
    assert "segmentation in only one of the two" in reason


@pytest.fixture
def dimmed(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let synthesis be another one, as by a change that nobody gave a version."""
    real = synthesis.synthesise_together
    monkeypatch.setattr(synthesis, "synthesise_together", lambda *given, **named: real(*given, **named) / 2)


def test_what_nothing_on_record_explains_is_called_so(
    finished: None, settings: list[str], run: Runner, command: Command, dimmed: None, tmp_path: Path
) -> None:
    other_cache = f"store.cache='{tmp_path / 'other'}'"
    run(other_cache)
    code, said = command("diff", "demo", "demo", *set_options(settings), "--set-b", other_cache)
    assert code == 0
    assert (
        f"synthesis: pairs: 0 identical, {PAIRS} differ\n  {PAIRS} pairs unexplained: settings, inputs and "
        "libraries are the same; machine, device or number of threads may differ" in said
    )
    assert said.count("unexplained") == 1
    assert f"{PAIRS} pairs made from different results of synthesis" in said


def test_other_libraries_are_a_reason(
    finished: None,
    settings: list[str],
    run: Runner,
    dimmed: None,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    now = library_versions()
    monkeypatch.setattr(
        "animeinterp.pipeline.compute.shard_jobs.library_versions", lambda: {**now, "torch": "1.0"}
    )
    other_cache = f"store.cache='{tmp_path / 'other'}'"
    run(other_cache)
    found = by_stage(open_results("demo", settings), open_results("demo", [*settings, other_cache]))
    assert told(found["synthesis"]) == [
        f"{PAIRS} pairs made with other library versions: torch {now['torch']} -> 1.0"
    ]
    assert told(found["coarse_flow"]) == []


def test_a_side_that_does_not_say_its_settings(finished: None, settings: list[str], run: Runner) -> None:
    folder = run().session.folder("coarse_flow")
    folder.joinpath("stage.json").unlink()
    results = open_results("demo", settings)
    assert told(by_stage(results, results)["coarse_flow"]) == [
        f"settings of {side} are unknown: {folder} has no readable stage.json" for side in "AB"
    ]
