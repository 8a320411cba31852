"""`draw-scenes`: from a folder of drawings to two sets of scenes that `train` takes."""

from __future__ import annotations

from pathlib import Path

from typer.testing import CliRunner

from animeinterp.data.cutouts import TrainingSet, open_book
from animeinterp.pipeline.cli.app import app
from tests.drawn_cutouts import write_cutouts


def test_drawings_become_scenes_that_train_takes(tmp_path: Path) -> None:
    write_cutouts(tmp_path / "pictures", 30)
    command = ["draw-scenes", str(tmp_path / "pictures"), str(tmp_path / "out")]
    options = ["--count", "3", "--validation", "2", "--size", "64", "--workers", "1", "--source", "ours, MIT"]
    options += ["--side", "50", "--cartoons", "0.3"]
    first = CliRunner().invoke(app, [*command, *options])
    assert first.exit_code == 0, first.output
    training, validation = (TrainingSet(tmp_path / "out" / name) for name in ("training", "validation"))
    assert (len(training), len(validation)) == (3, 2)
    assert (training.settings.cartoons, validation.settings.cartoons) == (0.3, 0.0)
    assert training.digest in first.output.replace("\n", "")
    book = open_book(tmp_path / "out" / "book")
    assert book.source == "ours, MIT"
    assert max(book.picture(drawing).shape[0] for drawing in book.drawings) == 50
    assert "animeinterp train -c train_light --set training.scenes=" in first.output.replace("\n", " ")
    again = CliRunner().invoke(app, [*command, *options])
    assert again.exit_code == 0
    assert TrainingSet(tmp_path / "out" / "training").digest == training.digest


def test_a_folder_without_drawings_is_named(tmp_path: Path) -> None:
    (tmp_path / "pictures").mkdir()
    result = CliRunner().invoke(app, ["draw-scenes", str(tmp_path / "pictures"), str(tmp_path / "out")])
    assert result.exit_code != 0
    assert str(tmp_path / "pictures") in str(result.exception)
