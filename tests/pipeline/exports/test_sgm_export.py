from __future__ import annotations

import shutil
from pathlib import Path
from typing import get_args

import numpy as np
import pytest
from rich.console import Console

from animeinterp.configs.errors import ConfigError
from animeinterp.configs.loading import load_config
from animeinterp.data.images import read_image
from animeinterp.data.sgm_folders import FLOWS, LABEL_MAPS
from animeinterp.pipeline.exports import sgm_export
from animeinterp.pipeline.exports.sgm_export import ExportReport, FlowType, export_sgm
from animeinterp.pipeline.planning.session import Session
from tests.pipeline.exported_folders import SIX, Export, cached, changed, files, ids, names_in
from tests.pipeline.small_runs import PAIRS, SIZE, Command, Opener, Runner, set_options


@pytest.mark.parametrize("dtype", get_args(FlowType))
def test_six_files_a_pair_with_the_flows_of_the_cache(
    export: Export, out: Path, open_session: Opener, dtype: FlowType
) -> None:
    assert export(dtype=dtype) == ExportReport(exported=PAIRS)
    session = open_session()
    assert names_in(out) == set(ids(session))
    for name, coarse, _ in cached(session):
        assert names_in(out / name) == SIX
        for path, way in zip(FLOWS, ("01", "10"), strict=True):
            with (out / name / path).open("rb") as file:
                assert np.lib.format.read_magic(file) == (1, 0)
                shape, by_columns, found = np.lib.format.read_array_header_1_0(file)
            assert (shape, by_columns, found) == ((2, *SIZE), False, np.dtype(dtype))
            # As training code reads them.
            flow = np.load(out / name / path).astype(np.float32)
            assert flow.tobytes() == coarse[f"coarse_flow{way}"].tobytes()
    assert any(flow.any() for _, coarse, _ in cached(session) for flow in coarse.values())


def test_pictures_show_flows_and_matches(export: Export, out: Path, open_session: Opener) -> None:
    export()
    for name, coarse, (labels0, _) in cached(open_session()):
        flow, picture = coarse["coarse_flow01"], read_image(out / name / "guide_flo13.jpg").astype(int)
        assert picture.shape == (*SIZE, 3)
        still = ~flow.any(axis=0)
        assert np.median(picture[still]) == 255  # white
        moves = read_image(out / name / "matching_color_1to3.jpg").astype(int)
        assert moves.shape == (SIZE[0], 2 * SIZE[1], 3)
        left = moves[:, : SIZE[1]]
        moved = (coarse["fate01"] == 0)[labels0]
        assert np.median(left[~moved]) == 255
        if moved.any():
            assert np.median(left[moved].min(axis=1)) < 200  # in a colour


def test_label_maps_stand_in_a_root_of_their_own(
    export: Export, out: Path, tmp_path: Path, open_session: Opener
) -> None:
    labels = tmp_path / "labels"
    assert export(labels=labels).exported == PAIRS
    for name, _, maps in cached(open_session()):
        assert names_in(out / name) == SIX
        assert names_in(labels / name) == set(LABEL_MAPS)
        for path, label_map in zip(LABEL_MAPS, maps, strict=True):
            read = np.load(labels / name / path)
            assert read.dtype == np.int64
            np.testing.assert_array_equal(read, label_map)
    before = files(labels), files(out)
    assert export(labels=labels).current == PAIRS
    assert (files(labels), files(out)) == before
    shutil.rmtree(labels)
    assert export(labels=labels).exported == PAIRS  # and the flows stay
    assert files(out) == before[1]


def test_second_export_writes_nothing(export: Export, out: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    export()
    before = files(out)
    monkeypatch.setattr(sgm_export, "open_executor", None)  # not even workers are needed
    assert export() == ExportReport(current=PAIRS)
    assert files(out) == before


def test_what_is_changed_or_lost_is_written_again(export: Export, out: Path, open_session: Opener) -> None:
    export()
    names = ids(open_session())
    before = files(out)
    (out / names[0] / "guide_flo31.npy").unlink()
    np.save(out / names[1] / "guide_flo13.npy", np.zeros((2, *SIZE)))
    shutil.rmtree(out / names[2])
    (out / names[3] / "guide_flo13.jpg").touch()
    report = export()
    # One that was only touched is found to be whole.
    assert (report.exported, report.current, report.left_out) == (3, 1, {})
    assert changed(before, files(out)) == set(names)
    assert export() == ExportReport(current=PAIRS)
    for name, coarse, _ in cached(open_session()):
        assert (
            np.load(out / name / "guide_flo13.npy").tobytes()
            == coarse["coarse_flow01"].astype(float).tobytes()
        )


def test_changed_settings_write_again(export: Export, run: Runner, out: Path, open_session: Opener) -> None:
    export()
    still = "coarse_flow.max_shift=0.001"
    run(still, last="coarse_flow")
    assert export(still).exported == PAIRS
    moving = [np.load(path)[0] for path in out.glob("*/*.npy")]
    assert export().exported == PAIRS
    assert export(dtype="float32").exported == PAIRS
    for name, coarse, _ in cached(open_session()):
        read = np.load(out / name / "guide_flo31.npy")
        assert read.dtype == np.float32
        np.testing.assert_array_equal(read, coarse["coarse_flow10"])
    assert sum(flow.any() for flow in moving) < sum(np.load(path).any() for path in out.glob("*/*.npy"))


def test_pairs_are_chosen_and_the_others_follow(export: Export, out: Path, open_session: Opener) -> None:
    names = ids(open_session())
    assert export(ids=(names[2],)).exported == 1
    assert names_in(out) == {names[2]}
    assert export(limit=1).exported == 1
    assert export() == ExportReport(exported=2, current=2)


def test_what_is_not_ours_is_left_alone(
    export: Export, out: Path, tmp_path: Path, open_session: Opener
) -> None:
    a, b, c, d = ids(open_session())
    for path in (
        out / a / "notes.txt",
        out / "readme.md",
        out / "other" / "x.npy",
        out / ".wip-of-mine" / "y",
    ):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("mine")
    (out / b).write_text("a file")
    (tmp_path / "elsewhere").mkdir()
    (out / c).symlink_to(tmp_path / "elsewhere")
    report = export()
    assert report.exported == 1
    ((notes,), (file,), (link,)) = report.left_out.values()
    assert (notes, file, link) == (a, b, c)
    said = " | ".join(report.left_out)
    assert f"the folder in {out} holds other files (notes.txt); move it away, or name another one" in said
    assert "is a file" in said
    assert "is a link" in said
    assert names_in(out / a) == {"notes.txt"}
    assert names_in(out) == {a, b, c, d, "readme.md", "other", ".wip-of-mine"}
    assert not any((tmp_path / "elsewhere").iterdir())

    (out / d / "mine.txt").write_text("put there later")
    assert export().left_out.keys() == {
        *report.left_out,
        *(k.replace("notes", "mine") for k in report.left_out),
    }
    assert len(names_in(out / d)) == 7


def test_flows_of_another_making_are_not_replaced(export: Export, out: Path, open_session: Opener) -> None:
    downloaded = out / ids(open_session())[0]
    downloaded.mkdir(parents=True)
    for name in SIX:
        (downloaded / name).write_text("of the dataset")
    report = export()
    assert report.exported == PAIRS - 1
    (reason,) = report.left_out
    assert "was written by another program, or with another cache" in reason
    assert {path.read_text() for path in downloaded.iterdir()} == {"of the dataset"}


def test_equal_folders_are_taken_as_they_are(export: Export, out: Path, tmp_path: Path) -> None:
    export()
    before = files(out)
    shutil.rmtree(tmp_path / "cache" / "exports")
    assert export() == ExportReport(current=PAIRS)
    assert files(out) == before
    (next(out.iterdir()) / "guide_flo13.npy").unlink()
    assert export().exported == 1  # known again as ours


def test_an_empty_folder_of_a_pair_is_filled(export: Export, out: Path, open_session: Opener) -> None:
    (out / ids(open_session())[0]).mkdir(parents=True)
    assert export().exported == PAIRS


def test_places_where_files_would_mix_are_refused(
    export: Export, finished: None, settings: list[str], cartoons: Path, tmp_path: Path
) -> None:
    def refused(out: Path, labels: Path | None = None) -> str:
        with pytest.raises(ConfigError) as refusal:
            export_sgm(session, out, labels, console=Console(quiet=True), quiet=True)
        return str(refusal.value)

    session = Session.open(load_config("demo", settings), look_only=True)
    for labels in ("sgm", "sgm/labels", ".", "sgm/../sgm"):
        assert "overlap" in refused(tmp_path / "sgm", tmp_path / labels)
    assert "is in the cache" in refused(tmp_path / "cache" / "sgm")
    assert "is in the cache" in refused(tmp_path / "sgm", tmp_path / "cache")
    split = cartoons / "test_2k_540p"
    for place in (split, split / "sgm", next(split.iterdir()), next(split.iterdir()) / "sgm"):
        assert "is among the frames" in refused(place)
    sgm_export.check_places(session, {"flows": cartoons / "test_2k_pre_calc_sgm_flows"})


@pytest.mark.parametrize(
    ("settings_of_method", "said"),
    [
        (["coarse_flow.method=zero"], "'zero': zero flow uses no matches.*'sgm'"),
        (
            ["coarse_flow.method=imported", "coarse_flow.imported_from=x"],
            "'imported': imported flows are files",
        ),
    ],
)
def test_methods_without_matches_are_refused(
    export: Export, settings_of_method: list[str], said: str
) -> None:
    with pytest.raises(ConfigError, match=said):
        export(*settings_of_method)


def test_missing_pairs_are_listed_with_what_to_run(
    command: Command, cartoons: Path, settings: list[str], run: Runner, out: Path, tmp_path: Path
) -> None:
    options = [f"data.root='{tmp_path / 'copy'}'"]
    arguments = ["export-sgm", "demo", str(out), *set_options([*settings, *options])]
    shutil.copytree(cartoons, tmp_path / "copy")
    code, printed = command(*arguments)
    assert code == 2
    assert "no coarse flow of these pairs with these settings; compute it first: animeinterp run" in printed
    assert not out.exists()

    broken = sorted((tmp_path / "copy" / "test_2k_540p").iterdir())[0]
    (broken / "frame3.png").write_bytes(b"")
    run(*options, last="coarse_flow", limit=2)
    code, printed = command(*arguments)
    assert code == 1
    assert f"not exported: 1 ({broken.name}): failed" in printed
    assert "empty file (0 bytes)" in " ".join(printed.split())
    assert "not exported: 2 (" in printed
    assert "animeinterp run -c demo --set " in printed
    assert f"1 pair exported to {out}, 0 up to date, 3 not exported" in printed
    assert len(names_in(out)) == 1
    code, printed = command(*arguments, "--quiet", "--limit", "2")
    assert code == 1
    assert "failed" in printed
    assert "up to date" not in printed
    code, printed = command(*arguments, "--id", next(out.iterdir()).name, "--dtype", "float32")
    assert (code, printed.splitlines()[-1]) == (0, f"1 pair exported to {out}, 0 up to date")


@pytest.mark.slow
def test_several_workers(export: Export, out: Path, forked_workers: None) -> None:
    report = export("executor.kind=local", "executor.workers=2")
    assert report == ExportReport(exported=PAIRS)
    before = files(out)
    assert export() == ExportReport(current=PAIRS)
    shutil.rmtree(out)
    assert export().exported == PAIRS
    assert files(out).keys() == before.keys()
