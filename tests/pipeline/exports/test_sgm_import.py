from __future__ import annotations

import shlex
import shutil
from collections import Counter
from pathlib import Path
from typing import get_args

import numpy as np
import numpy.typing as npt
import pandas as pd
import pytest
from rich.console import Console

from animeinterp.data.images import read_image, write_image
from animeinterp.data.sgm_folders import FLOWS
from animeinterp.pipeline.exports.sgm_export import FlowType, export_sgm
from animeinterp.pipeline.planning.session import Session
from animeinterp.pipeline.planning.shard_planning import shard_job
from animeinterp.pipeline.planning.verdicts import plan
from animeinterp.pipeline.results.scores import FINGERPRINT, score_table
from animeinterp.stages.metrics import MATCHING_METRICS
from tests.pipeline.small_runs import PAIRS, SIZE, Command, Opener, Runner, set_options

Array = npt.NDArray[np.generic]
AFTER = ("coarse_flow", "refinement", "synthesis", "evaluation")


@pytest.fixture
def names(open_session: Opener) -> list[str]:
    return [pair.id for pair in open_session().manifest.pairs]


def random_flow(seed: int, size: tuple[int, int] = SIZE) -> npt.NDArray[np.float64]:
    """Vectors of some pixels at every second pixel, 0 elsewhere."""
    rng = np.random.default_rng(seed)
    return rng.uniform(-6, 6, (2, *size)) * rng.integers(0, 2, size)


def put(folder: Path, *flows: object) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for name, flow in zip(FLOWS, flows, strict=True):
        np.save(folder / name, flow)  # type: ignore[arg-type]


@pytest.fixture
def flows(names: list[str], tmp_path: Path) -> Path:
    """Flows of every pair, made elsewhere."""
    for seed, name in enumerate(names):
        put(tmp_path / "flows" / name, random_flow(seed), random_flow(seed + 100))
    return tmp_path / "flows"


def importing(folder: Path, name: str = "") -> list[str]:
    return [
        "coarse_flow.method=imported",
        f"coarse_flow.imported_from='{folder}'",
        f"coarse_flow.imported_as='{name}'",
    ]


def imported(session: Session) -> list[dict[str, Array]]:
    """Coarse flow of each pair as it is in the cache."""
    found = [session.current.locate("coarse_flow", item) for item in range(len(session.manifest.pairs))]
    return [location.read() for location in found if location is not None]


def frames(session: Session) -> list[dict[str, str] | None]:
    return [record and record.output for _, record in session.records("synthesis")]


def test_a_run_from_imported_flows_needs_no_pieces(run: Runner, flows: Path, open_session: Opener) -> None:
    settings = importing(flows)
    assert list(plan(open_session(*settings))) == list(AFTER)
    report = run(*settings)
    assert report.succeeded
    assert report.computed == Counter(dict.fromkeys(AFTER, PAIRS))
    for seed, arrays in enumerate(imported(report.session)):
        for given, way in ((random_flow(seed), "01"), (random_flow(seed + 100), "10")):
            flow = arrays[f"coarse_flow{way}"]
            assert flow.dtype == np.float32
            np.testing.assert_array_equal(flow, given.astype(np.float32))
            assert arrays[f"fate{way}"].shape == (0,)
    assert not [
        stage for stage in ("segmentation", "features", "matching") if report.session.folder(stage).exists()
    ]
    assert run(*settings).computed.total() == 0


def test_zero_flow_needs_no_pieces_either(run: Runner, open_session: Opener) -> None:
    report = run("coarse_flow.method=zero", limit=1)
    assert report.succeeded
    assert report.computed == Counter(dict.fromkeys(AFTER, 1))
    assert not any(array.any() for arrays in imported(report.session) for array in arrays.values())
    # A stage that is not needed can still be asked for.
    alone = run("coarse_flow.method=zero", first="segmentation", last="segmentation", limit=1)
    assert alone.computed == Counter({"segmentation": 2})


def test_half_floats_are_taken(run: Runner, names: list[str], tmp_path: Path) -> None:
    half = [random_flow(seed).astype(np.float16) for seed in (0, 1)]
    put(tmp_path / "flows" / names[0], *half)
    (arrays,) = imported(run(*importing(tmp_path / "flows"), last="coarse_flow", limit=1).session)
    for flow, way in zip(half, ("01", "10"), strict=True):
        np.testing.assert_array_equal(arrays[f"coarse_flow{way}"], flow.astype(np.float32))


def test_flows_of_another_size_are_brought_to_that_of_the_frames(
    run: Runner, names: list[str], tmp_path: Path
) -> None:
    half, double = (SIZE[0] // 2, SIZE[1] // 2), (2 * SIZE[0], 2 * SIZE[1])
    for seed, name in enumerate(names):
        size = half if seed % 2 else double
        put(tmp_path / "flows" / name, random_flow(seed, size), random_flow(seed + 100, size))
    report = run(*importing(tmp_path / "flows"), last="coarse_flow")
    assert report.succeeded
    found = imported(report.session)
    np.testing.assert_array_equal(
        found[0]["coarse_flow01"], random_flow(0, double).astype(np.float32)[:, ::2, ::2] / 2
    )
    np.testing.assert_array_equal(
        found[1]["coarse_flow10"], random_flow(101, half).astype(np.float32).repeat(2, 1).repeat(2, 2) * 2
    )


def test_bad_flows_fail_alone_and_say_why(run: Runner, flows: Path, names: list[str]) -> None:
    bad = random_flow(0)
    bad[1, 3, 4] = np.nan
    good = random_flow(1)
    put(flows / names[0], good, bad)
    put(flows / names[1], good.transpose(1, 2, 0), good)
    (flows / names[2] / FLOWS[1]).unlink()
    report = run(*importing(flows))
    assert not report.succeeded
    reasons = {record.id: (stage, record.reason) for stage, record in report.session.failures()}
    assert reasons.keys() == set(names[:3])
    assert {stage for stage, _ in reasons.values()} == {"coarse_flow"}
    said = [reasons[name][1] for name in names[:3]]
    assert said[0].startswith(f"{flows / names[0] / FLOWS[1]} is not finite in 1 of ")
    assert "the first is dy at x = 4, y = 3" in said[0]
    assert said[1].startswith(f"{flows / names[1] / FLOWS[0]} has shape (72, 128, 2)")
    assert "save flow.transpose(2, 0, 1)" in said[1]
    assert said[2].startswith(f"{flows / names[2] / FLOWS[1]}: cannot be read (No such file or directory)")
    statuses = Counter(record.status for _, record in report.session.records("synthesis") if record)
    assert statuses == {"skipped": 3, "ok": 1}
    for k in (0, 1, 2):
        put(flows / names[k], good, good)
    assert run(*importing(flows)).computed == Counter(dict.fromkeys(AFTER, 3))


def test_more_bad_flows(run: Runner, flows: Path, names: list[str]) -> None:
    far = random_flow(0)
    far[0, 5, 7] = 1000
    put(flows / names[0], far, random_flow(1))
    put(flows / names[1], random_flow(0, (72, 72)), random_flow(1, (72, 72)))
    (flows / names[2] / FLOWS[0]).write_text("not a flow")
    put(flows / names[3], random_flow(0), random_flow(1, (36, 64)))
    session = run(*importing(flows), last="coarse_flow").session
    said = {record.id: record.reason for _, record in session.failures()}
    assert "a vector of 1000 px at x = 7, y = 5, longer than its diagonal of 146.86" in said[names[0]]
    assert "is 72x72 and the frames 128x72: their proportions differ" in said[names[1]]
    assert f"{flows / names[2] / FLOWS[0]}: not a .npy file of numbers" in said[names[2]]
    assert "is 128x72 and " in said[names[3]]
    assert "64x36; both flows of a pair must have one size" in said[names[3]]


def test_a_changed_file_is_imported_again_with_what_follows(
    run: Runner, flows: Path, names: list[str]
) -> None:
    before = frames(run(*importing(flows)).session)
    np.save(flows / names[2] / FLOWS[0], random_flow(50))
    report = run(*importing(flows))
    assert report.computed == Counter(dict.fromkeys(AFTER, 1))
    assert [old != new for old, new in zip(before, frames(report.session), strict=True)] == [
        False,
        False,
        True,
        False,
    ]


def test_imports_stand_side_by_side(run: Runner, flows: Path, names: list[str], tmp_path: Path) -> None:
    for name in names:
        put(tmp_path / "still" / name, *[np.zeros((2, *SIZE), np.float32)] * 2)
    moving = frames(run(*importing(flows)).session)
    still = frames(run(*importing(tmp_path / "still", "still")).session)
    assert moving != still
    assert run(*importing(flows)).computed.total() == 0
    assert run(*importing(tmp_path / "still", "still")).computed.total() == 0
    # Under one name the later one counts.
    assert run(*importing(tmp_path / "still")).computed["coarse_flow"] == PAIRS


def test_moved_folders_are_the_same_import(run: Runner, flows: Path, tmp_path: Path) -> None:
    run(*importing(flows))
    flows.rename(tmp_path / "elsewhere")
    assert run(*importing(tmp_path / "elsewhere")).computed.total() == 0


def test_what_was_imported_stays_when_its_files_go(
    run: Runner, flows: Path, names: list[str], open_session: Opener
) -> None:
    before = frames(run(*importing(flows), ids=tuple(names[:3])).session)
    shutil.rmtree(flows / names[0])
    (flows / names[1] / FLOWS[1]).unlink()
    assert run(*importing(flows), ids=tuple(names[:3])).computed.total() == 0
    shutil.rmtree(flows)
    report = run(*importing(flows))
    assert [record.id for _, record in report.session.failures()] == [names[3]]
    assert report.computed["coarse_flow"] == 1
    assert frames(report.session)[:3] == before
    # There is nothing to compute it from again, so it stays even then.
    forced = run(*importing(flows), force=frozenset({"coarse_flow"}), retry_failed=True)
    assert forced.computed == Counter({"coarse_flow": 1})
    assert frames(forced.session)[:3] == before
    assert run(*importing(flows), "refinement.method=none").computed["refinement"] == 3


def test_what_was_imported_does_not_serve_frames_of_another_size(
    run: Runner, cartoons: Path, flows: Path, names: list[str], tmp_path: Path
) -> None:
    shutil.copytree(cartoons, tmp_path / "copy")
    settings = [f"data.root='{tmp_path / 'copy'}'", *importing(flows)]
    run(*settings)
    shutil.rmtree(flows)
    folder = tmp_path / "copy" / "test_2k_540p" / names[0]
    for path in folder.iterdir():
        write_image(path, read_image(path)[:64])
    report = run(*settings)
    ((_, record),) = report.session.failures()
    assert record.id == names[0]
    assert "cannot be read" in record.reason
    assert report.computed["coarse_flow"] == 1


def test_frames_of_the_same_size_may_change(
    run: Runner, cartoons: Path, flows: Path, names: list[str], tmp_path: Path
) -> None:
    shutil.copytree(cartoons, tmp_path / "copy")
    settings = [f"data.root='{tmp_path / 'copy'}'", *importing(flows)]
    run(*settings)
    path = tmp_path / "copy" / "test_2k_540p" / names[0] / "frame1.png"
    write_image(path, 255 - read_image(path))
    assert run(*settings).computed == Counter(dict.fromkeys(AFTER[1:], 1))
    # The first stage that reads frames finds the truncated one.
    path.write_bytes(path.read_bytes()[:-2000])
    report = run(*settings)
    ((stage, record),) = report.session.failures()
    assert (stage, record.id) == ("refinement", names[0])
    assert "damaged image" in record.reason


def test_pairs_that_are_no_pairs_fail_without_pieces_too(run: Runner, flows: Path, tmp_path: Path) -> None:
    for name, size in (("a", (32, 48)), ("b", (32, 40))):
        write_image(tmp_path / "frames" / "pair" / f"{name}.png", np.zeros((*size, 3), np.uint8))
    for setting in (["coarse_flow.method=zero"], importing(flows)):
        report = run(f"data.root='{tmp_path / 'frames'}'", *setting)
        ((stage, record),) = report.session.failures()
        assert stage == "coarse_flow"
        assert "frames of different sizes" in record.reason


@pytest.mark.parametrize("dtype", get_args(FlowType))
def test_round_trip_is_lossless(
    finished: None, run: Runner, open_session: Opener, tmp_path: Path, dtype: FlowType
) -> None:
    # Inverse search looks at pieces as well, which an imported flow does not bring.
    plain = "refinement.method=none"
    session = run(plain).session
    export_sgm(session, tmp_path / "sgm", dtype=dtype, console=Console(quiet=True))
    report = run(*importing(tmp_path / "sgm"), plain)
    for (_, made), (_, taken) in zip(
        session.records("coarse_flow"), report.session.records("coarse_flow"), strict=True
    ):
        assert made is not None
        assert taken is not None
        for name in ("coarse_flow01", "coarse_flow10"):
            assert made.output[name] == taken.output[name]
    assert frames(report.session) == frames(session)
    made_scores, taken_scores = (score_table(each) for each in (session, report.session))
    others = [*MATCHING_METRICS, FINGERPRINT]
    pd.testing.assert_frame_equal(made_scores.drop(columns=others), taken_scores.drop(columns=others))
    assert taken_scores[list(MATCHING_METRICS)].isna().all(axis=None)  # there is no matching to score


def test_command_imports_and_says_how_to_go_on(
    command: Command, settings: list[str], flows: Path, names: list[str], open_session: Opener, tmp_path: Path
) -> None:
    odd = tmp_path / "flows of 'somebody'"
    flows.rename(odd)
    (odd / names[1] / FLOWS[0]).unlink()
    arguments = ["import-sgm", "demo", str(odd), "--name", "theirs", *set_options(settings)]
    code, printed = command(*arguments, "--id", names[0])
    assert code == 0
    assert "segmentation" not in printed
    assert "VGG-19 with random weights" not in printed
    (line,) = [line for line in printed.splitlines() if line.startswith("to continue from these flows: ")]
    program, *pasted = shlex.split(line.partition(": ")[2])
    assert Path(program).name == "animeinterp"
    assert pasted[:3] == ["run", "-c", "demo"]
    assert pasted[-4:] == ["--from", "refinement", "--id", names[0]]
    code, printed = command(*pasted)
    assert code == 0, printed
    assert "finished in" in printed
    code, printed = command(*arguments)
    assert code == 1
    assert names[1] in printed
    assert "to continue from these flows" in printed
    assert command(*arguments, "--quiet", "--limit", "1") == (0, "")
    (odd / names[1]).rename(tmp_path / "aside")
    code, printed = command(*arguments, "--quiet")
    assert code == 1


def test_a_wrong_folder_is_met_before_any_work(
    command: Command, settings: list[str], flows: Path, names: list[str], tmp_path: Path
) -> None:
    code, printed = command("import-sgm", "demo", str(tmp_path / "nowhere"), *set_options(settings))
    assert code == 2
    assert f"{tmp_path / 'nowhere'} is not a folder" in printed
    (tmp_path / "above").mkdir()
    flows.rename(tmp_path / "above" / "flows")
    code, printed = command("import-sgm", "demo", str(tmp_path / "above"), *set_options(settings))
    assert code == 2
    assert f"has none of the {PAIRS} requested pairs: expected folders such as '{names[0]}'" in printed
    assert "found flows" in printed
    assert not list((tmp_path / "cache").glob("*/*/*.zarr"))


def test_relative_folders_are_those_of_the_command(
    open_session: Opener, flows: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(flows.parent)
    job = shard_job(open_session(*importing(Path("flows"))), "coarse_flow", 0)
    sources = [item.source for item in job.items]
    assert all(path.is_absolute() for source in sources if source is not None for path in source.flows)
    assert sources[0] is not None
    assert [path.parent.parent for path in sources[0].flows] == [flows, flows]
